"""Read a SCIM resource with everything that decides about a message: by one statement, so from one snapshot.

This is the SQL of each PUT, PATCH and DELETE of one person: first without model instances, because most messages change nothing, and then under the
lock with them. `tests/core_identity/test_hot_statements.py` compares both with the models.

Without statistics PostgreSQL may believe all tables to be empty, and that any plan is as good as another. So each table is found by one key:
``IS TRUE`` keeps a further condition from an index, and ``LATERAL … LIMIT 1`` keeps the tables from being joined in another order.
"""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection as database
from django.db.models import JSONField, Model

from core_identity.attributes import FIELDS, SOURCES
from core_identity.models import Conflict, Connection, Identity, IdentityUid, PushGroup, PushGroupMember, User
from core_identity.models.connection import UidRule
from core_identity.models.identity import Loaded
from core_identity.policy.projection import MIRRORED, Stored
from core_identity.selectors.rows import COLUMNS, ResourceRow, to_resource_row

PENDING_SQL: Final = "(state = 'open' OR let_through) IS TRUE"
"""Conflicts that a message can close or use up (R9)."""


class StoredRow(NamedTuple):
    """A SCIM resource without model instances: as its answer shows it, and what decides whether a message changes it."""

    resource_row: ResourceRow
    facts: Stored
    enabled: bool
    """Whether the connection is on."""

    @property
    def identity(self) -> Identity:
        """The identity, of which each field but the two ids is read when it is asked for."""
        ids = {"id": UUID(self.resource_row.pk), "scim_id": UUID(self.resource_row.scim_id)}
        return Identity.from_db(database.alias, list(ids), list(ids.values()))


def stored_row(connection: Connection, scim_id: UUID) -> StoredRow | None:
    """Return a SCIM resource of a connection, or None."""
    row = _read(_ROW, connection, scim_id)
    return None if row is None else _stored_row(row)


def stored_person(connection: Connection, scim_id: UUID) -> Identity | None:
    """Return a SCIM resource of a connection, or None. Its user and connection are loaded, and ``loaded`` contains the rest."""
    row = _read(_PERSON, connection, scim_id)
    return None if row is None else _identity(row)


def _read(statement: str, connection: Connection, scim_id: UUID) -> tuple[Any, ...] | None:
    with database.cursor() as cursor:
        cursor.execute(statement, [connection.pk, scim_id])
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def resource_row_of(identity: Identity) -> ResourceRow:
    """Return an identity by `stored_person` as its answer shows it. No statement."""
    loaded, user = _loaded(identity), identity.user
    uid_row = loaded.uid_row
    return ResourceRow(
        pk=str(identity.pk),
        scim_id=str(identity.scim_id),
        external_id=identity.external_id,
        user_name=identity.user_name,
        email=identity.email,
        active=identity.active,
        version=identity.version,
        created=_moment(identity.created_at),
        changed=_moment(identity.changed_at),
        username=user.username,
        core_email=user.email,
        expired=user.expired_at is not None,
        uid=None if uid_row is None or uid_row.derived else uid_row.uid,
        texts={source: getattr(identity, source) for source in SOURCES},
        attributes=identity.attributes,
        groups=loaded.groups or (),
    )


def facts_of(identity: Identity) -> Stored:
    """Return what decides whether a message changes an identity by `stored_person`. No statement."""
    loaded, user = _loaded(identity), identity.user
    uid_row = loaded.uid_row
    return Stored(
        uid=uid_row.uid if uid_row else None,
        uid_key=uid_row.uid_key if uid_row else None,
        derived=uid_row is not None and uid_row.derived,
        drift_uid=identity.drift_uid,
        identity={name: getattr(identity, name) for name in MIRRORED},
        user={field: getattr(user, field) for field in FIELDS},
        names_are_the_uid=identity.connection.uid_rule == UidRule.NAME,
        active=identity.active,
        pushed=identity.pushed_at is not None,
        offered=identity.offered_at is not None,
        has_conflict=not loaded.settled_keys,
    )


def _loaded(identity: Identity) -> Loaded:
    assert identity.loaded is not None, "read by `stored_person`, or made with its UID"  # noqa: S101 - the caller's duty
    return identity.loaded


def _stored_row(row: tuple[Any, ...]) -> StoredRow:
    one = to_resource_row(row[:_FIRST_FACT])
    enabled, uid_rule, uid, uid_key, derived, drift_uid, pushed, offered, has_conflict, *texts = row[_FIRST_FACT:]
    facts = Stored(
        uid=uid,
        uid_key=uid_key,
        derived=bool(derived),
        drift_uid=drift_uid,
        identity={
            **one.texts,
            **{name: getattr(one, name) for name in _SHOWN},
            **dict(zip(_HIDDEN, texts[: len(_HIDDEN)], strict=True)),
        },
        user=dict(zip(FIELDS, texts[len(_HIDDEN) :], strict=True)),
        names_are_the_uid=uid_rule == UidRule.NAME,
        active=one.active,
        pushed=pushed,
        offered=offered,
        has_conflict=has_conflict,
    )
    return StoredRow(one, facts, enabled)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _identity(row: tuple[Any, ...]) -> Identity:
    groups, has_conflict, *columns = row
    rest = iter(columns)
    identity, user, connection = (_next_object(model, rest) for model in (Identity, User, Connection))
    uid_row = _next_object(IdentityUid, rest)
    assert isinstance(identity, Identity) and isinstance(user, User) and isinstance(connection, Connection)  # noqa: S101, PT018
    identity.user, identity.connection = user, connection
    uid_keys = {"", identity.user_name_key or "", uid_row.uid_key if uid_row else ""}
    external_ids = {"", identity.external_id or ""}
    identity.loaded = Loaded(
        uid_row=uid_row,
        settled_keys=() if has_conflict else {(one, other) for one in uid_keys for other in external_ids},
        groups=tuple((one, name) for one, name in json.loads(groups)),
    )
    return identity


def _next_object(model: type[Model], rest: Any) -> Any:
    """Return the next object of a row; None where its primary key is null."""
    names, converted = _columns(model)
    values = [next(rest) for _ in names]
    for index, field in converted:
        values[index] = field.from_db_value(values[index], None, database)  # type: ignore[arg-type]  # it looks at no expression but a KeyTransform
    return model.from_db(database.alias, names, values) if values[names.index("id")] is not None else None


@cache
def _columns(model: type[Model]) -> tuple[list[str], list[tuple[int, JSONField]]]:
    fields = model._meta.concrete_fields
    return [field.attname for field in fields], [
        (index, field) for index, field in enumerate(fields) if isinstance(field, JSONField)
    ]


_IDENTITY, _USER, _CONNECTION, _UID, _CONFLICT, _MEMBER, _GROUP = (
    model._meta.db_table for model in (Identity, User, Connection, IdentityUid, Conflict, PushGroupMember, PushGroup)
)
_FROM: Final = f"""
FROM (SELECT * FROM {_IDENTITY} WHERE (connection_id = %s) IS TRUE AND scim_id = %s AND {Identity.RESOURCE_SQL} LIMIT 1) AS one
CROSS JOIN LATERAL (SELECT * FROM {_USER} WHERE id = one.user_id LIMIT 1) AS users
CROSS JOIN LATERAL (SELECT * FROM {_CONNECTION} WHERE id = one.connection_id LIMIT 1) AS connection
LEFT JOIN LATERAL (SELECT * FROM {_UID} WHERE identity_id = one.id AND current LIMIT 1) AS current_uid ON TRUE
"""  # noqa: S608 - nothing but names of our own

_HAS_CONFLICT: Final = f"""
EXISTS (SELECT FROM {_CONFLICT} WHERE {PENDING_SQL} AND subject_id = one.id AND (connection_id = one.connection_id) IS TRUE)
OR EXISTS (SELECT FROM {_CONFLICT} WHERE {PENDING_SQL} AND other_id = users.id AND (connection_id = one.connection_id) IS TRUE)
OR EXISTS (
    SELECT FROM {_CONFLICT} WHERE {PENDING_SQL} AND connection_id = one.connection_id
    AND uid_key IN ('', one.user_name_key, current_uid.uid_key) AND external_id IN ('', one.external_id)
)
"""  # noqa: S608 - nothing but names of our own

_SHOWN: Final = tuple(name for name in MIRRORED if name in ResourceRow._fields)
_HIDDEN: Final = tuple(name for name in MIRRORED if name not in {*ResourceRow._fields, *SOURCES})
"""Columns of the identity with which a message is compared: those that an answer shows beside `SOURCES`, and those that none shows."""

_FIRST_FACT: Final = len(ResourceRow._fields) - 1 + len(SOURCES)
_ROW: Final = f"""
SELECT {COLUMNS},
    connection.enabled, connection.uid_rule, current_uid.uid, current_uid.uid_key, current_uid.derived,
    one.drift_uid, one.pushed_at IS NOT NULL, one.offered_at IS NOT NULL, {_HAS_CONFLICT},
    {", ".join(f"one.{name}" for name in _HIDDEN)}, {", ".join(f"users.{field}" for field in FIELDS)}
{_FROM}
"""

_ALIASES: Final = {"one": Identity, "users": User, "connection": Connection, "current_uid": IdentityUid}
_PERSON: Final = f"""
SELECT (
    SELECT coalesce(json_agg((
        SELECT json_build_array(scim_id, display_name) FROM {_GROUP} WHERE id = m.group_id
    ) ORDER BY m.id), '[]')::text
    FROM {_MEMBER} AS m WHERE m.identity_id = one.id
),
{_HAS_CONFLICT},
{", ".join(f'{alias}."{field.column}"' for alias, model in _ALIASES.items() for field in model._meta.concrete_fields)}
{_FROM}
"""  # noqa: S608 - nothing but names of our own

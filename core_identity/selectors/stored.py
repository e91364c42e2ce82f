"""Read a SCIM resource with everything that decides about a message: by one statement, so from one snapshot.

This is the SQL of each PUT, PATCH and DELETE of one person. `tests/core_identity/test_hot_statements.py` compares it with the models.

Without statistics PostgreSQL may believe all tables to be empty, and that any plan is as good as another. So each table is found by one key:
``IS TRUE`` keeps a further condition from an index, and ``LATERAL … LIMIT 1`` keeps the tables from being joined in another order.
"""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from django.db import connection as database
from django.db.models import JSONField, Model

from core_identity.attributes import SOURCES
from core_identity.models import Conflict, Connection, Identity, IdentityUid, PushGroup, PushGroupMember, User
from core_identity.selectors.rows import ShownIdentity

PENDING_SQL: Final = "(state = 'open' OR let_through) IS TRUE"
"""Conflicts that a message can close or use up (R9)."""


def stored_person(connection: Connection, scim_id: UUID) -> Identity | None:
    """Return a SCIM resource of a connection, or None. Its user and connection are loaded. Further attributes contain the rest:

    ``uid_now``: its current UID, or None. ``groups_shown``: the SCIM id and the name of each of its groups.
    ``settled_keys``: the pairs of UID and externalId, as conflicts are found by them, for which no conflict is pending; empty if one is pending for
    the person in any way (R9). ``stored_row``: all of it as read, to be compared with a later reading.
    """
    with database.cursor() as cursor:
        cursor.execute(_statement(), [connection.pk, scim_id])
        row = cursor.fetchone()
    return None if row is None else _identity(row)


def as_shown(identity: Identity) -> ShownIdentity:
    """Return an identity by `stored_person` as its answer shows it. No statement."""
    stored, user = identity.__dict__, identity.user
    uid = stored["uid_now"]
    return ShownIdentity(
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
        uid=None if uid is None or uid.derived else uid.uid,
        texts={source: getattr(identity, source) for source in SOURCES},
        attributes=identity.attributes,
        groups=stored["groups_shown"],
    )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _identity(row: tuple[Any, ...]) -> Identity:
    groups, has_conflicts, *columns = row
    rest = iter(columns)
    identity, user, connection = (_next_object(model, rest) for model in (Identity, User, Connection))
    uid = _next_object(IdentityUid, rest)
    assert isinstance(identity, Identity) and isinstance(user, User) and isinstance(connection, Connection)  # noqa: S101, PT018
    identity.user, identity.connection = user, connection
    uid_keys = {"", identity.user_name_key or "", uid.uid_key if uid else ""}
    external_ids = {"", identity.external_id or ""}
    identity.__dict__.update(
        uid_now=uid,
        groups_shown=tuple((one, name) for one, name in json.loads(groups)),
        settled_keys={(one, other) for one in uid_keys for other in external_ids} if not has_conflicts else set(),
        stored_row=row,
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


@cache
def _statement() -> str:
    listed = {"i": Identity, "u": User, "c": Connection, "n": IdentityUid}
    columns = ", ".join(
        f'{alias}."{field.column}"' for alias, model in listed.items() for field in model._meta.concrete_fields
    )
    conflict, member, group = (model._meta.db_table for model in (Conflict, PushGroupMember, PushGroup))
    mine = f"SELECT FROM {conflict} AS k WHERE {PENDING_SQL} AND"
    return f"""
SELECT (
    SELECT coalesce(json_agg((
        SELECT json_build_array(scim_id, display_name) FROM {group} WHERE id = m.group_id
    ) ORDER BY m.id), '[]')::text
    FROM {member} AS m WHERE m.identity_id = i.id
),
EXISTS ({mine} k.subject_id = i.id AND (k.connection_id = i.connection_id) IS TRUE)
OR EXISTS ({mine} k.other_id = u.id AND (k.connection_id = i.connection_id) IS TRUE)
OR EXISTS ({mine} k.connection_id = i.connection_id AND k.uid_key IN ('', i.user_name_key, n.uid_key) AND k.external_id IN ('', i.external_id)),
{columns}
FROM (
    SELECT * FROM {Identity._meta.db_table} WHERE (connection_id = %s) IS TRUE AND scim_id = %s AND {Identity.RESOURCE_SQL} LIMIT 1
) AS i
CROSS JOIN LATERAL (SELECT * FROM {User._meta.db_table} WHERE id = i.user_id LIMIT 1) AS u
CROSS JOIN LATERAL (SELECT * FROM {Connection._meta.db_table} WHERE id = i.connection_id LIMIT 1) AS c
LEFT JOIN LATERAL (SELECT * FROM {IdentityUid._meta.db_table} WHERE identity_id = i.id AND current LIMIT 1) AS n ON TRUE
"""  # noqa: S608

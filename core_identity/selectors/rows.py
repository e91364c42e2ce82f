"""Read users as SCIM shows them, by SQL of our own: one statement for one person, for a look-up and for a page.

All statements read the same columns. An index finds the people first. Then each person is read by key (`LATERAL … LIMIT 1` and scalar
sub-queries), so a table that was never analysed costs the same as any other. `tests/core_identity/test_rows.py` compares the result with the models.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection as database

from core_identity.attributes import SOURCES
from core_identity.models import (
    Connection,
    Identity,
    IdentityUid,
    PushGroup,
    PushGroupMember,
    User,
)


class ResourceRow(NamedTuple):
    """One SCIM resource as its answer shows it. Times are ISO 8601 in UTC with microseconds and without a zone."""

    pk: str
    scim_id: str
    external_id: str | None
    user_name: str
    email: str
    active: bool
    version: int
    created: str
    changed: str
    username: str
    """The login name in CORE."""
    core_email: str
    expired: bool
    uid: str | None
    """None if the UID is derived (R6)."""
    texts: Mapping[str, str]
    """The IdP's value of each attribute in `core_identity.attributes.SOURCES`."""
    attributes: Mapping[str, Any]
    groups: Sequence[tuple[str, str]]
    """The SCIM id and the name of each group."""

    @property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(f"{self.created}+00:00")


_FIRST_TEXT: Final = ResourceRow._fields.index("texts")


class Key(StrEnum):
    """Columns with unique values within a connection."""

    SCIM_ID = "scim_id"
    USER_NAME = "user_name_key"
    EXTERNAL_ID = "external_id"
    UID = "uid_key"


def with_key(connection: Connection, key: Key, value: str | UUID) -> ResourceRow | None:
    """Return the SCIM resource of a connection with this value. The caller passes a name in its compared form (`keys.key`)."""
    found = _read(_BY_KEY[key], {"connection": connection.pk, "value": value})
    return found[0] if found else None


def with_pks(pks: Collection[object]) -> list[ResourceRow]:
    """Return the SCIM resources with these primary keys, in this order. A resource that no longer exists is left out."""
    return _read(_BY_PKS, {"pks": list(pks)}) if pks else []


def with_email(
    connection: Connection, email_key: str, others: str, *, type_: str | None, own_type: bool, limit: int
) -> list[ResourceRow]:
    """Return the first ``limit`` SCIM resources with this email, in the order of creation.

    ``others`` is the SQL/JSON path for the emails beside the main one. If ``type_`` is given, the main email must have this type as sent.
    ``own_type``: whether an email that was never sent has this type.
    """
    params = {"connection": connection.pk, "email": email_key, "others": others, "limit": limit}
    if type_ is None:
        return _read(_BY_EMAIL, params)
    return _read(_BY_EMAIL_OF_TYPE, {**params, "type": type_, "own_type": own_type})


def _read(statement: str, params: Mapping[str, Any]) -> list[ResourceRow]:
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        return [to_resource_row(row) for row in cursor.fetchall()]


def to_resource_row(row: Sequence[Any]) -> ResourceRow:
    """Return the resource in a row of `COLUMNS`."""
    attributes, groups = row[-2:]
    known = {} if attributes == "{}" else json.loads(attributes)
    of = () if groups is None else tuple((scim_id, name) for scim_id, name in json.loads(groups))
    texts = dict(zip(SOURCES, row[_FIRST_TEXT:-2], strict=True))
    return ResourceRow._make((*row[:_FIRST_TEXT], texts, known, of))


_IDENTITY, _USER, _UID, _GROUP, _MEMBER = (
    model._meta.db_table for model in (Identity, User, IdentityUid, PushGroup, PushGroupMember)
)
_TIME: Final = """to_char(one.{} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""

COLUMNS: Final = f"""
one.id::text AS pk, one.scim_id::text, one.external_id, one.user_name, one.email, one.active, one.version,
{_TIME.format("created_at")} AS created, {_TIME.format("changed_at")},
users.username, users.email, users.expired_at IS NOT NULL,
(SELECT uid FROM {_UID} WHERE identity_id = one.id AND current AND NOT derived LIMIT 1),
{", ".join(f"one.{source}" for source in SOURCES)},
one.attributes::text,
(
    SELECT json_agg((SELECT json_build_array(scim_id, display_name) FROM {_GROUP} WHERE id = member.group_id) ORDER BY member.id)::text
    FROM {_MEMBER} AS member WHERE member.identity_id = one.id
)
"""  # noqa: S608 - nothing but names of our own
"""The columns of the identity ``one`` and its user ``users``, in the order of `ResourceRow`."""

JOIN_USER: Final = (
    f"CROSS JOIN LATERAL (SELECT username, email, expired_at FROM {_USER} WHERE id = one.user_id LIMIT 1) AS users"  # noqa: S608
)
JOIN_IDENTITY: Final = f"CROSS JOIN LATERAL (SELECT * FROM {_IDENTITY} WHERE id = found.id LIMIT 1) AS one"  # noqa: S608
"""The identity of each row of ``found``, by its primary key."""

# `OFFSET 0` keeps the look-up by a key apart from the conditions after it. Together PostgreSQL would believe that any index of the connection is
# as good as that of the key, and read all people of the connection.
_RESOURCE: Final = f"connection_id = %(connection)s AND {Identity.RESOURCE_SQL}"
_LOOK_UP: Final = {
    Key.SCIM_ID: "scim_id = %(value)s",
    Key.USER_NAME: "connection_id = %(connection)s AND user_name_key = %(value)s",
    Key.EXTERNAL_ID: "connection_id = %(connection)s AND external_id = %(value)s",
    Key.UID: f"""id = (
        SELECT identity_id FROM {_UID} WHERE connection_id = %(connection)s AND uid_key = %(value)s AND current AND NOT derived
    )""",  # noqa: S608
}
_BY_KEY: Final = {
    key: f"SELECT {COLUMNS} FROM (SELECT * FROM {_IDENTITY} WHERE {found} OFFSET 0) AS one {JOIN_USER} WHERE one.{_RESOURCE}"  # noqa: S608
    for key, found in _LOOK_UP.items()
}

_BY_PKS: Final = f"""
SELECT {COLUMNS} FROM unnest(%(pks)s::uuid[]) WITH ORDINALITY AS found (id, place) {JOIN_IDENTITY} {JOIN_USER} ORDER BY found.place
"""  # noqa: S608

_LISTED: Final = "COALESCE(attributes #>> '{emails,0,value}', '') = email"
"""Whether the main email is the first email that was sent. If a later message changed it, the answer shows only the new one."""


def _by_email(of_type: str) -> str:
    return f"""
SELECT {COLUMNS} FROM (
    SELECT id FROM (SELECT * FROM {_IDENTITY} WHERE email_key = %(email)s AND connection_id = %(connection)s OFFSET 0) AS main
    WHERE {Identity.RESOURCE_SQL} {of_type}
    UNION
    SELECT id FROM (
        SELECT * FROM {_IDENTITY} WHERE connection_id = %(connection)s AND (attributes #> '{{emails,1}}') IS NOT NULL OFFSET 0
    ) AS more
    WHERE {Identity.RESOURCE_SQL} AND {_LISTED} AND jsonb_path_exists(attributes, %(others)s::jsonpath)
) AS found {JOIN_IDENTITY} {JOIN_USER} ORDER BY one.created_at, one.id LIMIT %(limit)s
"""  # noqa: S608


_BY_EMAIL: Final = _by_email("")
_BY_EMAIL_OF_TYPE: Final = _by_email(
    f"AND CASE WHEN {_LISTED} THEN UPPER(attributes #>> '{{emails,0,type}}') = UPPER(%(type)s) ELSE %(own_type)s END"
)

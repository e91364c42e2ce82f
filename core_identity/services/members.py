"""Who is in a push group, changed as sets: one statement for all who leave and one for all who come, whatever their number (R29, R30).

They are SQL, because each deletes or inserts in three tables and says what it did: members, ids that are expected, and the grants that go with a
member. The ORM would read what it then deletes, and send back what it has just read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection as database

from core_identity.models import ExpectedMember, Grant, Identity, PushGroup, PushGroupMember
from core_identity.values import Channel

_TABLES: Final = {
    "expected": ExpectedMember._meta.db_table,
    "member": PushGroupMember._meta.db_table,
    "identity": Identity._meta.db_table,
    "grant": Grant._meta.db_table,
    "group": PushGroup._meta.db_table,
}

_LEAVE: Final = """
WITH given_up AS (
    DELETE FROM {expected} AS one WHERE group_id = %(group)s AND {which} RETURNING scim_id
), gone AS (
    DELETE FROM {member} AS member USING {identity} AS one
    WHERE member.group_id = %(group)s AND one.id = member.identity_id AND {which} RETURNING one.user_id
), ended AS (
    DELETE FROM {grant} WHERE channel = %(channel)s AND connection_id = %(connection)s AND key = %(key)s
    AND role_id = %(role)s AND user_id IN (SELECT user_id FROM gone) RETURNING user_id
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM given_up), (SELECT array_agg(user_id) FROM ended), 0
"""
_THESE: Final = "one.scim_id = ANY(%(ids)s::uuid[])"
_OTHERS: Final = "NOT EXISTS (SELECT FROM unnest(%(ids)s::uuid[]) AS kept (id) WHERE kept.id = one.scim_id)"

_COME: Final = """
WITH known AS (
    SELECT one.id, one.user_id, one.scim_id, {resource} AS is_resource
    FROM {identity} AS one WHERE one.connection_id = %(connection)s AND one.scim_id = ANY(%(ids)s::uuid[])
), awaited AS (
    INSERT INTO {expected} (group_id, scim_id)
    SELECT %(group)s, named.id FROM unnest(%(ids)s::uuid[]) AS named (id)
    WHERE NOT EXISTS (SELECT FROM known WHERE known.scim_id = named.id)
    ON CONFLICT DO NOTHING RETURNING scim_id
), come AS (
    INSERT INTO {member} (group_id, identity_id) SELECT %(group)s, known.id FROM known
    WHERE NOT EXISTS (SELECT FROM {member} AS has WHERE has.group_id = %(group)s AND has.identity_id = known.id)
    ON CONFLICT DO NOTHING RETURNING identity_id
), begun AS (
    INSERT INTO {grant} (id, user_id, role_id, channel, connection_id, key, label, created_at)
    SELECT gen_random_uuid(), user_id, %(role)s, %(channel)s, %(connection)s, %(key)s, %(label)s, now()
    FROM known JOIN come ON come.identity_id = known.id WHERE is_resource AND %(role)s::uuid IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING user_id
)
SELECT (SELECT count(*) FROM come), (SELECT count(*) FROM awaited), (SELECT array_agg(user_id) FROM begun),
    (SELECT count(*) FROM {group} AS one WHERE one.connection_id = %(connection)s AND one.scim_id = ANY(%(ids)s::uuid[]))
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a statement did: how many members and expected ids it touched, and whose grants of the group's role.

    ``groups`` counts the ids that belong to push groups of the connection: only people can be members.
    """

    members: int = 0
    expected: int = 0
    user_ids: Collection[UUID] = ()
    groups: int = 0


def let_go(group: PushGroup, scim_ids: Collection[UUID], *, all_others: bool) -> Moved:
    """Take out the members with these ids, or all others; their grants by the group end."""
    if not scim_ids and not all_others:
        return Moved()
    which = _OTHERS if all_others else _THESE
    return _run(_LEAVE.format(which=which, **_TABLES), group, scim_ids)


def take_in(group: PushGroup, scim_ids: Collection[UUID]) -> Moved:
    """Make members of the identities with these ids, and give them the group's role where they are SCIM resources.

    An id that is no identity of this connection is only expected: no answer shows it, and it may be another customer's (R1, R29).
    """
    if not scim_ids:
        return Moved()
    return _run(_COME.format(resource=Identity.RESOURCE_SQL, **_TABLES), group, scim_ids)


def _run(sql: str, group: PushGroup, scim_ids: Collection[UUID]) -> Moved:
    """``key`` and ``label`` are as `groups.source_of` has them."""
    told: dict[str, Any] = {
        "group": group.pk,
        "ids": list(scim_ids),
        "role": group.role_id,
        "channel": Channel.SCIM.value,
        "connection": group.connection_id,
        "key": str(group.pk),
        "label": group.display_name,
    }
    with database.cursor() as cursor:
        cursor.execute(sql, told)
        members, expected, user_ids, groups = cursor.fetchone()
    return Moved(members, expected, user_ids or (), groups)

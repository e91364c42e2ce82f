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

# A customer's first push meets tables that PostgreSQL has never analysed. It believes them to be small then, and joins two large sets by nested
# loops: the square of the size of the group. So nothing here is joined freely. A set meets another one by EXCEPT, which hashes or sorts. A row
# finds its partner by `LATERAL … LIMIT 1`, which is a look-up by index. Rows are deleted by an array of their keys. A grant is found by its user
# alone, because a role has as many grants as a group has members.

_LEAVE: Final = """
WITH leaving AS MATERIALIZED ({leaving}
), rows AS MATERIALIZED (
    SELECT member.id, one.user_id FROM leaving
    CROSS JOIN LATERAL (SELECT id, user_id FROM {identity} WHERE scim_id = leaving.id LIMIT 1) AS one
    CROSS JOIN LATERAL (SELECT id FROM {member} WHERE group_id = %(group)s AND identity_id = one.id LIMIT 1) AS member
), given_up AS (
    DELETE FROM {expected} WHERE id = ANY(ARRAY(
        SELECT one.id FROM leaving
        CROSS JOIN LATERAL (SELECT id FROM {expected} WHERE group_id = %(group)s AND scim_id = leaving.id LIMIT 1) AS one
    )) RETURNING id
), gone AS (
    DELETE FROM {member} WHERE id = ANY(ARRAY(SELECT id FROM rows)) RETURNING id
), ended AS (
    DELETE FROM {grant} WHERE id = ANY(ARRAY(
        SELECT one.id FROM rows CROSS JOIN LATERAL (
            SELECT id FROM {grant} WHERE user_id = rows.user_id
            AND (role_id, channel, connection_id, key) IS NOT DISTINCT FROM (%(role)s::uuid, %(channel)s, %(connection)s::uuid, %(key)s)
            LIMIT 1
        ) AS one
    )) RETURNING user_id
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM given_up), (SELECT array_agg(user_id) FROM ended), 0
"""
_THESE: Final = """
    SELECT id FROM unnest(%(ids)s::uuid[]) AS named (id)"""
_ALL_OTHERS: Final = """
    (
        SELECT one.scim_id AS id FROM {member} AS member
        CROSS JOIN LATERAL (SELECT scim_id FROM {identity} WHERE id = member.identity_id LIMIT 1) AS one
        WHERE member.group_id = %(group)s
        UNION ALL SELECT scim_id FROM {expected} WHERE group_id = %(group)s
    ) EXCEPT SELECT id FROM unnest(%(ids)s::uuid[]) AS named (id)"""

_COME: Final = """
WITH named AS MATERIALIZED (
    SELECT named.id AS scim_id, one.id, one.user_id, one.is_resource FROM unnest(%(ids)s::uuid[]) AS named (id)
    LEFT JOIN LATERAL (
        SELECT id, user_id, {resource} AS is_resource FROM {identity}
        WHERE scim_id = named.id AND connection_id = %(connection)s LIMIT 1
    ) AS one ON true
), awaited AS (
    INSERT INTO {expected} (group_id, scim_id)
    SELECT %(group)s, named.scim_id FROM named
    LEFT JOIN LATERAL (SELECT id FROM {expected} WHERE group_id = %(group)s AND scim_id = named.scim_id LIMIT 1) AS has ON true
    WHERE named.id IS NULL AND has.id IS NULL
    ON CONFLICT DO NOTHING RETURNING scim_id
), news AS MATERIALIZED (
    SELECT named.id, named.user_id, named.is_resource FROM named
    LEFT JOIN LATERAL (SELECT id FROM {member} WHERE group_id = %(group)s AND identity_id = named.id LIMIT 1) AS has ON true
    WHERE named.id IS NOT NULL AND has.id IS NULL
), come AS (
    INSERT INTO {member} (group_id, identity_id) SELECT %(group)s, id FROM news ON CONFLICT DO NOTHING RETURNING identity_id
), begun AS (
    INSERT INTO {grant} (id, user_id, role_id, channel, connection_id, key, label, created_at)
    SELECT gen_random_uuid(), user_id, %(role)s, %(channel)s, %(connection)s, %(key)s, %(label)s, now()
    FROM news WHERE is_resource AND %(role)s::uuid IS NOT NULL
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
    leaving = _ALL_OTHERS.format(**_TABLES) if all_others else _THESE
    return _run(_LEAVE.format(leaving=leaving, **_TABLES), group, scim_ids)


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

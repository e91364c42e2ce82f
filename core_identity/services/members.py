"""Change the members of a push group as sets: one statement for all who leave, one for all who join, for any number (R29, R30).

These are SQL statements. Each deletes or inserts in four tables and counts the rows: members, expected ids, the grants of a
member, and an event for each grant. The ORM would read all rows that it deletes.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection as database

from core_identity.event_kinds import EventKind
from core_identity.models import ExpectedMember, Grant, Identity, PushGroup, PushGroupMember
from core_identity.services import events
from core_identity.services.grants import grant_event, source_of
from core_identity.values import Actor

_NAMES: Final = {
    "expected": ExpectedMember._meta.db_table,
    "member": PushGroupMember._meta.db_table,
    "identity": Identity._meta.db_table,
    "grant": Grant._meta.db_table,
    "group": PushGroup._meta.db_table,
    "resource": Identity.RESOURCE_SQL,
}

# A customer's first push meets tables that PostgreSQL has never analysed. It believes them to be small then, and joins two large sets by nested
# loops: the square of the size of the group. So nothing here is joined freely. A row finds its partner by `LATERAL … LIMIT 1`, which is a look-up
# by index, and ``IS TRUE`` keeps a further condition from another index. Rows are deleted by an array of their keys. A grant is found by its user
# alone, because a role has as many grants as a group has members. The ids come by a sub-query, so the plan does not depend on their number, and
# PostgreSQL keeps one plan for all.

_THESE: Final = """
WITH leaving AS MATERIALIZED (
    SELECT id FROM unnest((SELECT %(ids)s::uuid[])) AS named (id)
), rows AS MATERIALIZED (
    SELECT member.id, one.user_id FROM leaving
    CROSS JOIN LATERAL (SELECT id, user_id FROM {identity} WHERE scim_id = leaving.id LIMIT 1) AS one
    CROSS JOIN LATERAL (SELECT id FROM {member} WHERE group_id = %(group)s::uuid AND identity_id = one.id LIMIT 1) AS member
), given_up AS (
    DELETE FROM {expected} WHERE id = ANY(ARRAY(
        SELECT one.id FROM leaving
        CROSS JOIN LATERAL (SELECT id FROM {expected} WHERE group_id = %(group)s::uuid AND scim_id = leaving.id LIMIT 1) AS one
    )) RETURNING id
)"""
_ALL: Final = """
WITH rows AS MATERIALIZED (
    SELECT member.id, one.user_id FROM {member} AS member
    CROSS JOIN LATERAL (SELECT user_id FROM {identity} WHERE id = member.identity_id LIMIT 1) AS one
    WHERE member.group_id = %(group)s::uuid
), given_up AS (
    DELETE FROM {expected} WHERE group_id = %(group)s::uuid RETURNING id
)"""
_LEAVE: Final = """, gone AS (
    DELETE FROM {member} WHERE id = ANY(ARRAY(SELECT id FROM rows)) RETURNING id
)"""
_END: Final = """, granted AS (
    DELETE FROM {grant} WHERE id = ANY(ARRAY(
        SELECT one.id FROM rows CROSS JOIN LATERAL (
            SELECT id FROM {grant} WHERE user_id = rows.user_id
            AND (role_id, channel, connection_id, key) IS NOT DISTINCT FROM (%(role)s::uuid, %(channel)s, %(connection)s::uuid, %(key)s)
            LIMIT 1
        ) AS one
    )) RETURNING user_id
), new_events AS ({new_events})"""
_LEFT: Final = """
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM given_up), 0, ''
"""

_COME: Final = """
WITH named AS MATERIALIZED (
    SELECT named.id AS scim_id, one.id, one.user_id, one.is_resource FROM unnest((SELECT %(ids)s::uuid[])) AS named (id)
    LEFT JOIN LATERAL (
        SELECT id, user_id, {resource} AS is_resource FROM {identity}
        WHERE scim_id = named.id AND (connection_id = %(connection)s::uuid) IS TRUE LIMIT 1
    ) AS one ON true
), awaited AS (
    INSERT INTO {expected} (group_id, scim_id)
    SELECT %(group)s::uuid, named.scim_id FROM named
    LEFT JOIN LATERAL (SELECT id FROM {expected} WHERE group_id = %(group)s::uuid AND scim_id = named.scim_id LIMIT 1) AS has ON true
    WHERE named.id IS NULL AND has.id IS NULL
    ON CONFLICT DO NOTHING RETURNING scim_id
), news AS MATERIALIZED (
    SELECT named.scim_id, named.id, named.user_id, named.is_resource FROM named
    LEFT JOIN LATERAL (SELECT id FROM {member} WHERE group_id = %(group)s::uuid AND identity_id = named.id LIMIT 1) AS has ON true
    WHERE named.id IS NOT NULL AND has.id IS NULL
), come AS (
    INSERT INTO {member} (group_id, identity_id) SELECT %(group)s::uuid, id FROM news RETURNING id
)"""
_BEGIN: Final = """, granted AS (
    INSERT INTO {grant} (id, user_id, role_id, channel, connection_id, key, label, created_at)
    SELECT gen_random_uuid(), user_id, %(role)s::uuid, %(channel)s, %(connection)s::uuid, %(key)s, %(label)s, now() FROM news WHERE is_resource
    ON CONFLICT (user_id, role_id, channel, connection_id, key) DO NOTHING RETURNING user_id
), new_events AS ({new_events})"""
_ARRIVED: Final = """
SELECT (SELECT count(*) FROM come), (SELECT count(*) FROM awaited), (
    SELECT count(*) FROM named CROSS JOIN LATERAL (
        SELECT id FROM {group} WHERE scim_id = named.scim_id AND (connection_id = %(connection)s::uuid) IS TRUE LIMIT 1
    ) AS one WHERE named.id IS NULL
), (SELECT coalesce(string_agg(scim_id::text, ','), '') FROM news WHERE is_resource)
"""

_GIVE: Final = """
WITH news AS MATERIALIZED (
    SELECT one.user_id, one.is_resource FROM {member} AS member
    CROSS JOIN LATERAL (SELECT user_id, {resource} AS is_resource FROM {identity} WHERE id = member.identity_id LIMIT 1) AS one
    WHERE member.group_id = %(group)s::uuid
)"""
_GIVEN: Final = """
SELECT count(*), 0, 0, '' FROM news
"""


@dataclass(frozen=True, slots=True)
class MemberCounts:
    """How many members and expected ids a statement touched.

    ``groups`` counts the ids that belong to push groups of the connection: only people can be members. ``new_ids_text`` contains the SCIM ids of the
    new members whom an answer shows, in their order, with commas between them.
    """

    members: int = 0
    expected: int = 0
    groups: int = 0
    new_ids_text: str = ""

    @property
    def new_ids(self) -> list[str]:
        return self.new_ids_text.split(",") if self.new_ids_text else []


def remove_members(group: PushGroup, scim_ids: Collection[str], *, actor: Actor) -> MemberCounts:
    """Remove the members with these ids. Their grants by the group end, each with its event."""
    if not scim_ids:
        return MemberCounts()
    return _run((_THESE + _LEAVE, _END, _LEFT), group, scim_ids, kind=EventKind.GRANT_REMOVED, actor=actor)


def remove_all_members(group: PushGroup, *, actor: Actor) -> MemberCounts:
    """Remove all members and expected ids. The grants by the group end, each with its event."""
    return _run((_ALL + _LEAVE, _END, _LEFT), group, (), kind=EventKind.GRANT_REMOVED, actor=actor)


def add_members(group: PushGroup, scim_ids: Collection[str], *, actor: Actor) -> MemberCounts:
    """Make members of the identities with these ids. If they are SCIM resources, give them the group's role, each with its event.

    An id that is not an identity of this connection is only expected. No answer shows it, because it may be another customer's (R1, R29).
    """
    if not scim_ids:
        return MemberCounts()
    return _run((_COME, _BEGIN, _ARRIVED), group, scim_ids, kind=EventKind.GRANT_ADDED, actor=actor)


def give_role(group: PushGroup, *, actor: Actor) -> None:
    """Give the group's role to all present members, each with its event."""
    _run((_GIVE, _BEGIN, _GIVEN), group, (), kind=EventKind.GRANT_ADDED, actor=actor)


def _run(
    parts: tuple[str, str, str], group: PushGroup, scim_ids: Collection[str], *, kind: EventKind, actor: Actor
) -> MemberCounts:
    """Run a statement of these parts: the members, the grants if the group has a role, the result."""
    members, of_role, result = parts
    # One text costs a tenth of a list of UUIDs.
    values: dict[str, Any] = {"group": group.pk, "ids": f"{{{','.join(scim_ids)}}}", "connection": group.connection_id}
    new_events = ""
    if group.role is not None:
        members += of_role
        source = source_of(group)
        new_events, columns = events.for_each("granted", grant_event(kind, actor=actor, source=source, role=group.role))
        values |= {"role": group.role_id, "channel": source.channel.value, "key": source.key, "label": source.label}
        values |= columns
    with database.cursor() as cursor:
        cursor.execute((members + result).format(new_events=new_events, **_NAMES), values)
        return MemberCounts(*cursor.fetchone())

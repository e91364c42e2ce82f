"""Read the members of a push group as texts of SCIM ids. A group may have fifty thousand members, and an object costs more than a row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import connection as database
from django.db.models import BooleanField, F, Func, IntegerField, QuerySet, TextField, UUIDField
from django.db.models.expressions import RawSQL

from core_identity.compiled import Compiled, Given
from core_identity.errors import NotFound
from core_identity.models import Connection, ExpectedMember, Identity, PushGroup, PushGroupMember

if TYPE_CHECKING:
    from django.db.models import Field


@dataclass(frozen=True, slots=True)
class Named:
    """The ids that messages listed as members of one group.

    ``shown`` are live SCIM resources, in the order in which they joined. ``hidden`` are members who are not a resource now. ``expected`` are ids
    without an identity (R29), and ``groups`` are those of ``expected`` that belong to push groups of the connection.
    """

    shown: list[str]
    hidden: list[str]
    expected: list[str]
    groups: list[str]

    @property
    def all(self) -> set[str]:
        return {*self.shown, *self.hidden, *self.expected}


def push_group(connection: Connection, scim_id: UUID) -> PushGroup:
    """Return one push group. Raise `NotFound` also for a group of another connection."""
    return _one(_PLAIN, connection, scim_id)


def locked_group(connection: Connection, scim_id: UUID) -> PushGroup:
    """Return one push group, locked until the end of the transaction, with its role and its connection as they are now. One query."""
    return _one(_LOCKED, connection, scim_id)


def counted_group(connection: Connection, scim_id: UUID) -> tuple[PushGroup, int]:
    """Return one push group, and the number of ids that were listed as its members. Much cheaper than `named_in`. One query."""
    group = _one(_COUNTED, connection, scim_id)
    return group, group.named  # type: ignore[attr-defined]  # annotated


def group_with_named(connection: Connection, scim_id: UUID) -> tuple[PushGroup, Named]:
    """Return one push group and its members as they are at the same moment. One query."""
    group = _one(_WITH_NAMED, connection, scim_id)
    return group, _named(group.named)  # type: ignore[attr-defined]  # annotated


def named_in(group: PushGroup) -> Named:
    """Return the ids that were listed as members of a group. One query."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT " + _NAMED.format(group="%s::uuid", connection="%s::uuid"),
            [group.connection_id, group.pk, group.pk],
        )
        return _named(cursor.fetchone()[0])


def is_named(identity: Identity) -> bool:
    """Return whether any push group has an identity as a member, or expects its id. One query. False for most new people."""
    with database.cursor() as cursor:
        cursor.execute(_IS_NAMED, [identity.pk, identity.scim_id])
        return bool(cursor.fetchone()[0])


def group_members(group_ids: Collection[UUID]) -> Mapping[UUID, list[str]]:
    """Return per group (primary key) the SCIM ids of its members: live SCIM resources only. One query."""
    with database.cursor() as cursor:
        cursor.execute(_SHOWN, [list(group_ids)])
        return {group_id: _ids(text) for group_id, text in cursor}


def _sql(text: str, output: "Field[Any, Any]") -> RawSQL:
    return RawSQL(text.format(group=f"{_GROUP}.id", connection=f"{_GROUP}.connection_id"), [], output)  # noqa: S611 - names of our own


def _one(groups: Compiled[PushGroup], connection: Connection, scim_id: UUID) -> PushGroup:
    group = groups.first(connection=connection.pk, scim_id=scim_id)
    if group is None:
        raise NotFound(f"There is no group with the id {scim_id} in this connection.")
    return group


def _named(text: str) -> Named:
    return Named(*(_ids(part) for part in text.split(";")))


def _ids(text: str | None) -> list[str]:
    return text.split(",") if text else []


_GROUP: Final = PushGroup._meta.db_table

# Each member finds its identity by key. Left to itself, PostgreSQL reads all identities for a large group, or for one that it believes large.
_MEMBERS: Final = f"""
    {PushGroupMember._meta.db_table} AS member CROSS JOIN LATERAL (
        SELECT scim_id, {Identity.RESOURCE_SQL} AS is_resource FROM {Identity._meta.db_table} WHERE id = member.identity_id LIMIT 1
    ) AS one
"""  # noqa: S608 - nothing but names of our own
_SHOWN: Final = f"""
SELECT member.group_id, string_agg(one.scim_id::text, ',' ORDER BY member.id) FROM {_MEMBERS}
WHERE member.group_id = ANY(%s) AND one.is_resource GROUP BY member.group_id
"""  # noqa: S608 - nothing but names of our own
_NAMED: Final = f"""(
    SELECT concat_ws(
        ';',
        coalesce(string_agg(one.scim_id::text, ',' ORDER BY member.id) FILTER (WHERE one.is_resource), ''),
        coalesce(string_agg(one.scim_id::text, ',') FILTER (WHERE NOT one.is_resource), ''),
        (
            SELECT concat_ws(';', coalesce(string_agg(expected.scim_id::text, ','), ''), coalesce(string_agg(found.scim_id::text, ','), ''))
            FROM {ExpectedMember._meta.db_table} AS expected
            LEFT JOIN LATERAL (
                SELECT scim_id FROM {_GROUP} AS named
                WHERE named.scim_id = expected.scim_id AND (named.connection_id = {{connection}}) IS TRUE LIMIT 1
            ) AS found ON true
            WHERE expected.group_id = {{group}}
        )
    ) FROM {_MEMBERS} WHERE member.group_id = {{group}}
)"""  # noqa: S608 - nothing but names of our own
_COUNT: Final = f"""(
    (SELECT count(*) FROM {PushGroupMember._meta.db_table} WHERE group_id = {{group}})
    + (SELECT count(*) FROM {ExpectedMember._meta.db_table} WHERE group_id = {{group}})
)"""  # noqa: S608 - nothing but names of our own
_IS_NAMED: Final = f"""
SELECT EXISTS (SELECT FROM {PushGroupMember._meta.db_table} WHERE identity_id = %s)
    OR EXISTS (SELECT FROM {ExpectedMember._meta.db_table} WHERE scim_id = %s)
"""  # noqa: S608 - nothing but names of our own


def _one_group() -> QuerySet[PushGroup]:
    """Return the query for one group. ``IS TRUE`` keeps PostgreSQL from reading all groups of a connection to find it."""
    is_theirs = Func(
        F("connection"),
        Given("connection", UUIDField()),
        template="((%(expressions)s) IS TRUE)",
        arg_joiner=" = ",
        output_field=BooleanField(),
    )
    return PushGroup.objects.filter(is_theirs, scim_id=Given("scim_id", UUIDField())).order_by()


def _one_group_with(named: RawSQL) -> QuerySet[PushGroup]:
    return _one_group().annotate(named=named)


_PLAIN: Final = Compiled(_one_group)
_LOCKED: Final = Compiled(
    lambda: _one_group().select_for_update(of=("self",), no_key=True).select_related("connection", "role")
)
_COUNTED: Final = Compiled(lambda: _one_group_with(_sql(_COUNT, IntegerField())))
_WITH_NAMED: Final = Compiled(lambda: _one_group_with(_sql(_NAMED, TextField())))

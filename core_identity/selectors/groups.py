"""Read groups: the role that a name reaches (R28), groups that wait for a role (R29), and names that reach no role (R31)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import connection as database
from django.db.models import CharField, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, UUIDField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from core_identity.compiled import Compiled, Given, any_of
from core_identity.errors import NotFound
from core_identity.keys import key
from core_identity.models import Connection, ExpectedMember, Identity, PushGroup, PushGroupMember, Role, RoleAlias
from core_identity.policy.overage import kept_until

COUNTED: Final = 5_000
"""People whose last sign-in a page of one connection looks at for names of groups. They are chosen by random keys."""
SEEN = """
SELECT entry.key, count(*), min(entry.value::timestamptz), max(identity.signed_in_at)
FROM (
    SELECT unmapped_groups, signed_in_at FROM core_identity_identity
    WHERE connection_id = %s AND unmapped_groups <> '{}' ORDER BY id LIMIT %s
) AS identity CROSS JOIN LATERAL jsonb_each_text(identity.unmapped_groups) AS entry
GROUP BY entry.key ORDER BY count(*) DESC, entry.key LIMIT %s
"""


def reached_by(name_keys: Collection[str]) -> Q:
    """Return the condition for roles with one of these names, as their own name or as an alias (R28)."""
    aliases = RoleAlias.objects.filter(name_key__in=name_keys)
    return Q(name_key__in=name_keys) | Q(pk__in=aliases.values("role_id"))


def role_keys(role: Role) -> set[str]:
    """Return the names by which groups reach a role, as compared."""
    return {role.name_key, *(alias.name_key for alias in role.aliases.all())}


_REACHED: Final = Compiled(
    lambda: Role.objects.filter(
        any_of("name_key", Given("names", ArrayField(CharField())))
        | Exists(
            RoleAlias.objects.filter(any_of("name_key", Given("names", ArrayField(CharField()))), role=OuterRef("pk"))
        ),
        grantable_by=Given("connection", UUIDField()),
    ).annotate(alias_keys=ArraySubquery(RoleAlias.objects.filter(role=OuterRef("pk")).order_by().values("name_key")))
)


def reached_roles(connection: Connection, name_keys: Collection[str]) -> Mapping[str, Role]:
    """Return the roles that these names reach and that ``connection`` may give, by compared name. One query."""
    roles = _REACHED.rows(connection=connection.pk, names=list(name_keys))
    keys = {role: {role.name_key, *role.alias_keys} for role in roles}  # type: ignore[attr-defined]  # annotated
    return {name_key: role for role, names in keys.items() for name_key in names if name_key in name_keys}


def role_by_name(name: str) -> Role:
    """Return the role with this name or alias. Raise `NotFound` if there is none."""
    found = Role.objects.filter(reached_by([key(name)])).prefetch_related("aliases").first()
    if found is None:
        raise NotFound(f"There is no role named {name!r}.")
    return found


_HEADS: Final = f"""(
SELECT count(*) FROM (
    SELECT FROM {PushGroupMember._meta.db_table} AS member JOIN {Identity._meta.db_table} AS identity ON identity.id = member.identity_id
    WHERE member.group_id = {PushGroup._meta.db_table}.id AND {Identity.RESOURCE_SQL} LIMIT %s
) AS counted
)"""  # noqa: S608 - names of our own


def with_heads(groups: QuerySet[PushGroup], *, most: int | None = None) -> QuerySet[PushGroup]:
    """Annotate ``heads``, the number of people who have a role by a group, or would have it: ``most`` at most. Ordered by connection and name."""
    heads = RawSQL(_HEADS, [most], output_field=IntegerField())  # noqa: S611 - names of our own
    return groups.select_related("connection").annotate(heads=heads).order_by("connection__slug", "name_key")


def listed_groups(
    *, connection: Connection | None = None, waiting: bool = False, most: int | None = None
) -> QuerySet[PushGroup]:
    """Return push groups, of one connection or of all, with ``heads`` (``most`` at most) and ``unknown``, the ids without an identity (R29)."""
    groups = PushGroup.objects.select_related("role")
    if connection is not None:
        groups = groups.filter(connection=connection)
    if waiting:
        groups = groups.filter(role__isnull=True)
    unknown = ExpectedMember.objects.filter(group=OuterRef("pk")).order_by().values("group")
    counted = Subquery(unknown.annotate(count=Count("pk")).values("count"))
    return with_heads(groups.annotate(unknown=Coalesce(counted, 0)), most=most)


def waiting_by_connection(*, most: int) -> Sequence[Mapping[str, object]]:
    """Count the push groups that reach no role, as ``{connection, connection__slug, count}``, the ``most`` of them first (R29). One query."""
    waiting = PushGroup.objects.filter(role__isnull=True).order_by().values("connection", "connection__slug")
    return list(waiting.annotate(count=Count("pk")).order_by("-count", "connection__slug")[:most])


def waiting_groups(role: Role, *, most: int | None = None) -> list[tuple[PushGroup, int]]:
    """Return the push groups that would reach a role once confirmed, with head counts, ``most`` at most (R29)."""
    open_to = role.grantable_by.exclude(roles_from="sso_groups")
    groups = PushGroup.objects.filter(role__isnull=True, name_key__in=role_keys(role), connection__in=open_to)
    return [(group, group.heads) for group in with_heads(groups, most=most)]  # type: ignore[attr-defined]  # by with_heads


@dataclass(frozen=True, slots=True)
class UnmappedGroup:
    """A group in assertions that reaches no role. ``people`` is the number of people whose last sign-in contained it (R31)."""

    name: str
    people: int
    first_seen: datetime
    last_seen: datetime


def unmapped_groups(connection: Connection, *, most: int = 200) -> list[UnmappedGroup]:
    """Return the names in assertions of a connection that reach no role, at most ``most``, the most frequent first (R31). Three queries, or none.

    A name that reaches a role by now is left out, because the next sign-in gives the role. If SSO groups are off, no name is read or listed.
    """
    if not connection.takes_sso_groups:
        return []
    seen = _seen(connection, limit=2 * most)
    reached = reached_roles(connection, seen)
    unmapped = [group for name_key, group in seen.items() if name_key not in reached]
    return sorted(unmapped, key=lambda group: (-group.people, group.name))[:most]


def _seen(connection: Connection, *, limit: int) -> dict[str, UnmappedGroup]:
    """Return the groups of the last sign-ins by compared name, so that all spellings of a name are one group (R5)."""
    seen: dict[str, UnmappedGroup] = {}
    with database.cursor() as cursor:
        cursor.execute(SEEN, [connection.pk, COUNTED, limit])
        for name, people, first_seen, last_seen in cursor:
            same = seen.get(key(name))
            seen[key(name)] = UnmappedGroup(
                same.name if same else name,
                people + (same.people if same else 0),
                min(first_seen, same.first_seen) if same else first_seen,
                max(last_seen, same.last_seen) if same else last_seen,
            )
    return seen


def people_without_groups(connection: Connection) -> int:
    """Count the people whose last sign-in had no attribute for groups at all (R31)."""
    return Identity.objects.filter(connection=connection, groups_absent_since__isnull=False).count()


def unlisted_people(connection: Connection | None = None) -> QuerySet[Identity]:
    """Return the identities whose last sign-in stated that their groups are not listed, the longest first; of one connection or all (R31)."""
    people = Identity.objects.filter(groups_unlisted_since__isnull=False).exclude(connection__roles_from="push_groups")
    if connection is not None:
        people = people.filter(connection=connection)
    return people.select_related("user", "connection").order_by("groups_unlisted_since", "pk")


def unlisted_roles_end(identity: Identity) -> datetime | None:
    """Return the time (aware) at which the roles by sign-ins of such a person end. None: no full list ever came (R31)."""
    return kept_until(identity.groups_listed_at, days=identity.connection.overage_days)

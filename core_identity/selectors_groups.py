"""The reads about groups: which role a name reaches (R28), who waits for one (R29), and which names reach none (R31)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database
from django.db.models import Count, Q, QuerySet

from core_identity.keys import key
from core_identity.models import Connection, Identity, PushGroup, Role, RoleAlias

SEEN = """
SELECT entry.key, count(*), min(entry.value::timestamptz), max(identity.signed_in_at)
FROM core_identity_identity AS identity CROSS JOIN LATERAL jsonb_each_text(identity.unmapped_groups) AS entry
WHERE identity.connection_id = %s GROUP BY entry.key ORDER BY count(*) DESC, entry.key LIMIT %s
"""


def reached_by(name_keys: Collection[str]) -> Q:
    """Return the condition on roles that one of these names is theirs, as their own or as an alias (R28)."""
    aliases = RoleAlias.objects.filter(name_key__in=name_keys)
    return Q(name_key__in=name_keys) | Q(pk__in=aliases.values("role_id"))


def role_keys(role: Role) -> set[str]:
    """Return the names by which groups reach a role, as compared."""
    return {role.name_key, *(alias.name_key for alias in role.aliases.all())}


def reached_roles(connection: Connection, name_keys: Collection[str]) -> Mapping[str, Role]:
    """Return which roles these names reach that ``connection`` may give, by name as compared. Two queries."""
    roles = Role.objects.filter(reached_by(name_keys), grantable_by=connection).prefetch_related("aliases")
    return {name_key: role for role in roles for name_key in role_keys(role) if name_key in name_keys}


def with_heads(groups: QuerySet[PushGroup]) -> QuerySet[PushGroup]:
    """Count as ``heads`` the people who have a role by a group, or would."""
    live = Q(members__identity__in=Identity.objects.filter(Identity.RESOURCE))
    return groups.annotate(heads=Count("members", filter=live))


def waiting_groups(role: Role) -> list[tuple[PushGroup, int]]:
    """Return the push groups that would reach a role once confirmed, with head counts (R29)."""
    open_to = role.grantable_by.exclude(roles_from="sso_groups")
    groups = PushGroup.objects.filter(role__isnull=True, name_key__in=role_keys(role), connection__in=open_to)
    counted = with_heads(groups.select_related("connection").order_by("connection__slug", "name_key"))
    return [(group, group.heads) for group in counted]  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class UnmappedGroup:
    """A group of assertions that reaches no role; ``people`` brought it with their last sign-in (R31)."""

    name: str
    people: int
    first_seen: datetime
    last_seen: datetime


def unmapped_groups(connection: Connection, *, most: int = 200) -> list[UnmappedGroup]:
    """Return which names in the assertions of a connection reach no role, the ``most`` frequent ones first (R31). Three queries, or none.

    What reaches a role by now is left out: the next sign-in gives it. Where SSO groups are off nothing is read, so nothing is listed.
    """
    if not connection.takes_sso_groups:
        return []
    seen = _seen(connection, limit=2 * most)
    reached = reached_roles(connection, seen)
    unmapped = [group for name_key, group in seen.items() if name_key not in reached]
    return sorted(unmapped, key=lambda group: (-group.people, group.name))[:most]


def _seen(connection: Connection, *, limit: int) -> dict[str, UnmappedGroup]:
    """Return what the last sign-ins brought, by name as compared: the spellings of one name are one group (R5)."""
    seen: dict[str, UnmappedGroup] = {}
    with database.cursor() as cursor:
        cursor.execute(SEEN, [connection.pk, limit])
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

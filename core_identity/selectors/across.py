"""Read what needs attention in all connections at once. The cost depends on the pending rows, and not on the number of people."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection as database
from django.db.models import Exists, OuterRef, QuerySet

from core_identity.keys import key
from core_identity.models import Connection, Identity, PushGroup, Role, RoleAlias
from core_identity.models.connection import RolesFrom
from core_identity.selectors.groups import reached_by, role_keys

SAMPLE: Final = 200
"""People of each connection whose last sign-in a list of all connections looks at. They are chosen by random keys."""
MOST: Final = 2_000
"""Unmapped names that a list of all connections contains at most."""


def reactivations(expired_by: str = "") -> QuerySet[Identity]:
    """Return the identities whose IdP calls an expired user active again, the oldest request first (R22).

    ``expired_by``: "channel" or "administrator", or empty for both.
    """
    requests = Identity.objects.filter(reactivation_requested_at__isnull=False, user__expired_at__isnull=False)
    if expired_by:
        requests = requests.filter(user__expired_connection__isnull=expired_by == "administrator")
    loaded = requests.select_related("user__expired_connection", "connection").prefetch_related("uids")
    return loaded.order_by("reactivation_requested_at", "pk")


def pushed_groups(kind: str = "") -> QuerySet[PushGroup]:
    """Return the push groups that give no role, the oldest first (R29).

    ``kind``: "named" if a role has this name, "unknown" if none has; "linked" for the groups that give a role.
    """
    groups = PushGroup.objects.select_related("connection", "role").order_by("created_at", "pk")
    if kind == "linked":
        return groups.filter(role__isnull=False)
    waiting = groups.filter(role__isnull=True)
    if not kind:
        return waiting
    has_role = Exists(Role.objects.filter(name_key=OuterRef("name_key"))) | Exists(
        RoleAlias.objects.filter(name_key=OuterRef("name_key"))
    )
    return waiting.filter(has_role if kind == "named" else ~has_role)


def roles_by_name(names: Collection[str]) -> dict[str, Role]:
    """Return the roles with these names or aliases, whatever connection may give them, by compared name. Two queries."""
    keys = {key(name) for name in names}
    roles = Role.objects.filter(reached_by(keys)).prefetch_related("aliases", "grantable_by")
    return {name: role for role in roles for name in role_keys(role) & keys}


@dataclass(frozen=True, slots=True)
class UnmappedName:
    """A group in assertions that reaches no role (R31). ``people`` counts among the sample of its connection."""

    connection: Connection
    name: str
    people: int
    first_seen: datetime


def unmapped_names(connections: Collection[Connection] | None) -> Sequence[UnmappedName]:
    """Return the names in assertions of many connections (None: all) that reach no role, the most frequent first (R31). Five queries at most."""
    taking = Connection.objects.exclude(roles_from=RolesFrom.PUSH_GROUPS).select_related("customer")
    if connections is not None:
        taking = taking.filter(pk__in=[one.pk for one in connections])
    by_id = {one.pk: one for one in taking}
    if not by_id:
        return []
    with database.cursor() as cursor:
        cursor.execute(_UNMAPPED, [list(by_id), MOST])
        seen = [UnmappedName(by_id[pk], name, people, first) for pk, name, people, first in cursor]
    roles = roles_by_name([one.name for one in seen])
    return [one for one in seen if not _gives_a_role(roles.get(key(one.name)), one.connection)]


def _gives_a_role(role: Role | None, connection: Connection) -> bool:
    return role is not None and connection in role.grantable_by.all()


_UNMAPPED: Final = f"""
SELECT connection.id, entry.key, count(*), min(entry.value::timestamptz) FROM unnest(%s::uuid[]) AS connection (id)
CROSS JOIN LATERAL (
    SELECT unmapped_groups FROM {Identity._meta.db_table}
    WHERE connection_id = connection.id AND unmapped_groups <> '{{}}' ORDER BY id LIMIT {SAMPLE}
) AS one CROSS JOIN LATERAL jsonb_each_text(one.unmapped_groups) AS entry
GROUP BY connection.id, entry.key ORDER BY count(*) DESC, entry.key, connection.id LIMIT %s
"""  # noqa: S608 - names of our own

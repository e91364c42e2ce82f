"""Give roles by the groups of an assertion, and remember groups that gave nothing (R31)."""

from collections.abc import Collection
from typing import Final

from django.db.models import QuerySet, UUIDField
from django.utils import timezone

from core_identity.compiled import Compiled, Given
from core_identity.event_kinds import EventKind
from core_identity.keys import MAX_NAME, key
from core_identity.models import Grant, Identity, Role
from core_identity.selectors.groups import reached_roles
from core_identity.services import events
from core_identity.services.grants import Source, add_grants, end_grants
from core_identity.values import Actor, Channel

MOST_REMEMBERED: Final = 100
"""The maximum number of names without a role that an identity stores. Directories have people with thousands of groups."""

_HELD: Final = Compiled(
    lambda: Grant.objects.select_related("role").filter(
        user=Given("user", UUIDField()), channel=Channel.SSO.value, connection=Given("connection", UUIDField())
    )
)


def follow_sso_groups(*, actor: Actor, identity: Identity, names: Collection[str] | None) -> None:
    """Adjust a user's grants by SSO to the groups of the assertion. It lists all groups; an absent attribute (None) lists none (R31).

    If the connection does not take roles from SSO, the attribute is not read, and such grants end.
    """
    connection = identity.connection
    names_by_key: dict[str, str] = {}
    if connection.takes_sso_groups:
        names_by_key = {key(name): name.strip() for name in names or () if _fits(name)}
    reached = reached_roles(connection, names_by_key) if names_by_key else {}
    grants = _HELD.rows(user=identity.user_id, connection=connection.pk)
    grants_by_key = {(grant.key, grant.role_id): grant for grant in grants}
    new = {role.pk for name_key, role in reached.items() if (name_key, role.pk) not in grants_by_key}
    if new:
        # A role may have been closed or renamed before this lock, so read again.
        list(Role.objects.select_for_update(no_key=True).filter(pk__in=new).order_by("pk"))
        reached = reached_roles(connection, names_by_key)
    for (name_key, _), grant in grants_by_key.items():
        if reached.get(name_key) != grant.role:
            source = Source(Channel.SSO, connection, name_key, grant.label)
            end_grants(actor=actor, source=source, role=grant.role, user_ids=[identity.user_id])
    for name_key, role in reached.items():
        if (name_key, role.pk) not in grants_by_key:
            source = Source(Channel.SSO, connection, name_key, names_by_key[name_key])
            add_grants(actor=actor, source=source, role=role, user_ids=[identity.user_id])
    _remember(
        actor=actor,
        identity=identity,
        unmapped=[name for name_key, name in names_by_key.items() if name_key not in reached],
        absent=connection.takes_sso_groups and names is None,
    )


def end_sso_grants(*, actor: Actor, grants: QuerySet[Grant]) -> None:
    """End those of ``grants`` that came by SSO, because their role was closed to the connection or lost the name by which they came."""
    by_sso = grants.filter(channel=Channel.SSO.value).select_related("role", "connection")
    for grant in by_sso.order_by("role_id", "connection_id", "key").distinct("role_id", "connection_id", "key"):
        source = Source(Channel.SSO, grant.connection, grant.key, grant.label)
        end_grants(actor=actor, source=source, role=grant.role)


def _fits(name: str) -> bool:
    return 0 < len(key(name)) <= MAX_NAME and len(name.strip()) <= MAX_NAME


def _remember(*, actor: Actor, identity: Identity, unmapped: Collection[str], absent: bool) -> None:
    """Store the groups that gave nothing, for the connection's page. Warn once when the attribute is missing, until it is sent again (R31)."""
    now = timezone.now()
    remembered = identity.unmapped_groups
    unmapped_groups = {name: remembered.get(name, now.isoformat()) for name in list(unmapped)[:MOST_REMEMBERED]}
    absent_since = (identity.groups_absent_since or now) if absent else None
    before = (remembered, identity.groups_absent_since, identity.groups_unlisted_since)
    if (unmapped_groups, absent_since, None) == before:
        return
    if absent and identity.groups_absent_since is None:
        events.record(
            actor=actor,
            kind=EventKind.USER_GROUPS_ABSENT,
            subject=identity.user,
            connection=identity.connection,
            reason="The assertion has no attribute for groups, so it gives no role. If you did not expect this, map the attribute at the IdP.",
        )
    identity.unmapped_groups, identity.groups_absent_since = unmapped_groups, absent_since
    identity.groups_unlisted_since = identity.groups_listed_at = None
    identity.save(update_fields=["unmapped_groups", "groups_absent_since", "groups_unlisted_since", "groups_listed_at"])

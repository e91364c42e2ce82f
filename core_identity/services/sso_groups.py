"""Give roles by the groups of an assertion, and remember groups that gave nothing (R31).

The roles of people whose groups the IdP does not list stay for a while, and then end.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import QuerySet, UUIDField
from django.utils import timezone

from core_identity.clock import database_now
from core_identity.compiled import Compiled, Given
from core_identity.event_kinds import EventKind
from core_identity.keys import MAX_NAME, key
from core_identity.models import Grant, Identity, Role, User
from core_identity.policy.overage import is_over
from core_identity.selectors.groups import reached_roles, unlisted_people
from core_identity.services import events
from core_identity.services.grants import Source, add_grants, end_grants, end_these
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor, Channel

MOST_REMEMBERED: Final = 100
"""The maximum number of names without a role that an identity stores. Directories have people with thousands of groups."""

_ENDED: Final = "The identity provider has not listed the groups of this person for too long."

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
            reason="The assertion has no attribute for groups, so it gives no role. If you did not expect this, map the attribute at "
            "the identity provider.",
        )
    identity.unmapped_groups, identity.groups_absent_since = unmapped_groups, absent_since
    identity.groups_unlisted_since = identity.groups_listed_at = None
    identity.save(update_fields=["unmapped_groups", "groups_absent_since", "groups_unlisted_since", "groups_listed_at"])


def keep_unlisted_groups(*, actor: Actor, identity: Identity, listed_at: datetime | None) -> None:
    """Keep the grants by sign-ins until their time is over. The caller holds the lock on the user.

    ``listed_at`` is the sign-in before this one. If it listed the groups, it counts as the last full list.
    """
    if identity.groups_unlisted_since is None:
        identity.groups_unlisted_since, identity.groups_listed_at = database_now(), listed_at
        identity.groups_absent_since = None
        identity.save(update_fields=["groups_unlisted_since", "groups_listed_at", "groups_absent_since"])
        events.record(
            actor=actor,
            kind=EventKind.USER_GROUPS_UNLISTED,
            subject=identity.user,
            connection=identity.connection,
            reason="The identity provider did not list the groups of this person. The roles from sign-ins stay for a while.",
        )
    _end_if_over(actor=actor, identity=identity, now=database_now())


def end_unlisted_groups(*, actor: Actor, now: datetime) -> int:
    """End the grants of all people whose time is over, each person in one transaction. Return how many grants ended."""
    by_sso = Grant.objects.filter(channel=Channel.SSO.value)
    people = unlisted_people().filter(user__in=by_sso.values("user"))
    over = [one for one in people if is_over(one.groups_listed_at, days=one.connection.overage_days, now=now)]
    return sum(_end(actor=actor, identity_id=one.pk, user_id=one.user_id, now=now) for one in over)


@in_one_transaction
def _end(*, actor: Actor, identity_id: UUID, user_id: UUID, now: datetime) -> int:
    """Check again under the lock, because the person may just have signed in with a full list."""
    if not User.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=user_id).exists():
        return 0
    identity = unlisted_people().filter(pk=identity_id, user_id=user_id).first()
    return _end_if_over(actor=actor, identity=identity, now=now) if identity is not None else 0


def _end_if_over(*, actor: Actor, identity: Identity, now: datetime) -> int:
    connection = identity.connection
    if not is_over(identity.groups_listed_at, days=connection.overage_days, now=now):
        return 0
    grants = Grant.objects.filter(user_id=identity.user_id, channel=Channel.SSO.value, connection=connection)
    number = grants.count()
    if number:
        end_these(actor=actor, grants=grants, reason=_ENDED)
    return number

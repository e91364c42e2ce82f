"""Keep the roles of people whose groups the IdP does not list for a while, and then end them (R31)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from core_identity.clock import database_now
from core_identity.event_kinds import EventKind
from core_identity.models import Grant, Identity, User
from core_identity.policy.overage import is_over
from core_identity.selectors.groups import unlisted_people
from core_identity.services import events
from core_identity.services.grants import end_these
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor, Channel

_ENDED: Final = "The identity provider has not listed the groups of this person for too long."


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

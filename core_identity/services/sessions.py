"""End the sessions of a user: an administrator does it, or the person (R21, R36)."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import F

from core_identity.event_kinds import EventKind
from core_identity.keys import clean_text
from core_identity.models import Identity, Session
from core_identity.selectors.sessions import sessions_of
from core_identity.services import events, row_writes
from core_identity.services.locks import lock_user
from core_identity.services.permissions import require_superuser
from core_identity.services.transactions import in_one_transaction
from core_identity.signals import sessions_ended
from core_identity.values import Actor


@in_one_transaction
def end_sessions(*, actor: Actor, user_id: UUID, reason: str) -> int:
    """End all sessions of a user, by SSO and by password, and their sign-ins in progress. Return the number of sessions that were live.

    The user may sign in again at once. SCIM tokens belong to the connection and stay, and no token acts for a person. Raises `NotFound`, and
    `NotAllowed` if only a superuser may do it.
    """
    user = lock_user(user_id)
    require_superuser(actor, [user])
    identities = list(
        Identity.objects.select_for_update(of=("self",), no_key=True)
        .select_related("connection")
        .filter(user=user)
        .order_by("pk")
    )
    ended = len(sessions_of(user, identities))
    # The epochs end sessions whose row is being written by another request, and sign-ins that are not finished.
    user.session_epoch += 1
    row_writes.update(user, ["session_epoch"])
    Identity.objects.filter(pk__in=[one.pk for one in identities]).update(session_epoch=F("session_epoch") + 1)
    Session.objects.filter(user_id=user.pk).delete()
    sessions_ended.send(sender=type(user), user=user, identities=[one.pk for one in identities])
    events.record(
        actor=actor,
        kind=EventKind.USER_SESSIONS_ENDED,
        subject=user,
        changes={"sessions": (ended, 0)},
        reason=clean_text(reason, field="reason"),
    )
    return ended


def end_session_rows(keys: Collection[str]) -> None:
    """Delete the sessions with these keys. The caller records the event."""
    Session.objects.filter(session_key__in=keys).delete()

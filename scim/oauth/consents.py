"""Record the administrator who consented to the provisioning of a connection, and note when they expire. The tokens stay valid (R21)."""

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.signals import ERASED, ErasedTraces
from core_identity.values import Actor
from scim.models import OAuthClient

if TYPE_CHECKING:
    from core_identity.models import User

STAYS_VALID: Final = (
    "The tokens belong to the connection and stay valid. "
    "To end them, switch the connection off and on, and let somebody consent again."
)


@transaction.atomic
def note_answer(*, actor: Actor, client: OAuthClient, user: "User", allowed: bool, redirect_uri: str) -> None:
    """Record the answer to the question for consent. ``actor`` is the role in which ``user`` answered."""
    if allowed:
        OAuthClient.objects.filter(pk=client.pk).update(
            consented_at=timezone.now(), consented_by=user, consented_as=actor.label[:300]
        )
    kind = EventKind.CLIENT_CONSENTED if allowed else EventKind.CLIENT_REFUSED
    changes = {"redirect_uri": (None, redirect_uri)}
    events.record(actor=actor, kind=kind, subject=client.connection, changes=changes)


def erase_consenter(*, traces: ErasedTraces, **_: Any) -> None:
    """Blank the name of an administrator in the consents that they gave (R34). A receiver of `user_erased`."""
    OAuthClient.objects.filter(consented_by__in=traces.users).update(consented_as=ERASED)


def note_expiry(sender: object, *, user: "User", actor: Actor, **_: Any) -> None:
    """Write an event for each connection for which the expired ``user`` consented. Only administrators can consent."""
    if not (user.is_staff or user.is_superuser):
        return
    for client in OAuthClient.objects.select_related("connection").filter(consented_by=user):
        events.record(
            actor=actor, kind=EventKind.CONSENTER_EXPIRED, subject=client.connection, reason=f"{user}. {STAYS_VALID}"
        )

"""Record sign-ins with a password as events: accepted, refused, and an alarm if many networks try one name (R34, R39).

A refusal does the same work for a name that exists and for one that does not, so that its time reveals nothing. The one exception is
the response that raises the alarm: only a known user gets an event for it.
"""

import logging
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from core_identity.budgets import count, digest, spend
from core_identity.clock import Now
from core_identity.event_kinds import EventKind
from core_identity.keys import key
from core_identity.models import Event, User
from core_identity.models.event import PASSWORD_ALARM
from core_identity.services import events
from core_identity.services.transactions import in_one_transaction
from core_identity.signals import password_judged
from core_identity.values import Actor

log = logging.getLogger("core_identity.passwords")

REFUSALS_PER_MINUTE: Final = 20
"""Events of refusals a minute, of the whole service: events are kept for good, so strangers must not fill the table. The log has every refusal."""

NETWORKS: Final = 5
"""Different networks that fail at one name within `WINDOW` before there is an alarm."""

WINDOW: Final = 60 * 60
ALARMS_SINCE: Final = timedelta(hours=24)
"""How long Home shows an alarm."""
ALARM: Final = "Passwords for {} were refused from many networks within an hour. Sign-in is not blocked. If the password is weak, change it."


def note_sign_in(*, actor: Actor, user: User) -> None:
    """Record that a local administrator signed in with a password."""
    _record_sign_in(actor=actor, user=user)
    password_judged.send(sender=User, user=user, accepted=True, reference=actor.request_id, network="")


@in_one_transaction
def _record_sign_in(*, actor: Actor, user: User) -> None:
    events.record(actor=actor, kind=EventKind.PASSWORD_SIGNED_IN, subject=user)


def note_refusal(*, actor: Actor, name: str, network: str) -> None:
    """Record a wrong password for ``name``, as it was typed, from ``network`` (a hash of the address).

    The typed name is never stored: it may be a password. The event names the user if there is one; the log has a keyed digest.
    """
    digested = digest(key(name))
    user = User.objects.filter(username_key=key(name)).first()
    facts = {"reference": actor.request_id, "user": user.pk if user else None, "name_digest": digested[:12]}
    log.warning("password refused", extra=facts)
    if not spend("events of refused passwords", REFUSALS_PER_MINUTE):
        _record(actor=actor, user=user)
    password_judged.send(sender=User, user=user, accepted=False, reference=actor.request_id, network=network)
    if count(f"password network {digest(f'{network} {digested}')}", WINDOW) != 1:
        return
    if count(f"password networks {digested}", WINDOW) == NETWORKS:
        log.log(
            logging.ERROR if user else logging.WARNING, "passwords of one name refused from many networks", extra=facts
        )
        if user is not None:
            _raise_alarm(actor=actor, user=user)


def alarms() -> QuerySet[Event]:
    """Return the alarms since `ALARMS_SINCE`, newest first."""
    return Event.objects.filter(kind=PASSWORD_ALARM, at__gte=Now() - ALARMS_SINCE)


@in_one_transaction
def _record(*, actor: Actor, user: User | None) -> None:
    reason = "Wrong password, or no administrator." if user else "Nobody has the name that was typed."
    events.record(actor=actor, kind=EventKind.PASSWORD_REFUSED, subject=user, reason=reason)


@in_one_transaction
def _raise_alarm(*, actor: Actor, user: User) -> None:
    changes = {"networks": (None, NETWORKS)}
    events.record(
        actor=actor, kind=EventKind.PASSWORD_ALARM, subject=user, changes=changes, reason=ALARM.format(user)[:1024]
    )

"""Run a sign-in and undo it, for a test sign-in: it shows what an assertion would do (R37)."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core_identity.errors import IdentityError
from core_identity.event_kinds import EventKind
from core_identity.models import Connection, Event
from core_identity.services import events
from core_identity.services.connections import switch_on
from core_identity.services.sign_in import Entrance, enter
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor, ActorKind, Channel, Person

TESTING = Actor(Channel.ADMIN, ActorKind.SYSTEM, "test sign-in")


@dataclass(frozen=True, slots=True)
class SignInTest:
    """The result of a test sign-in: an ``entrance`` (its new rows no longer exist) or a ``refusal``.

    ``events`` are what it would have recorded, as plain values: ``kind``, ``subject``, ``changes`` and ``reason``. They contain people's data.
    """

    entrance: Entrance | None
    refusal: IdentityError | None
    events: tuple[dict[str, Any], ...]

    @property
    def makes_a_user(self) -> bool:
        return any(event["kind"] == EventKind.USER_CREATED for event in self.events)


@in_one_transaction
def run_sign_in_test(*, actor: Actor, connection: Connection, person: Person) -> SignInTest:
    """Let ``person`` sign in by the ordinary service, and undo all of it. A connection that is off is treated as on.

    No other sign-in may have the reference of ``actor``, because the events of this one are found by it.
    """
    try:
        if not connection.enabled:
            connection = switch_on(actor=TESTING, connection_id=connection.pk, reason="taken back")
        entrance, refusal = None, None
        try:
            entrance = enter(actor=actor, connection=connection, person=person)
        except IdentityError as refused:
            refusal = refused
        recorded = Event.objects.filter(request_id=actor.request_id).order_by("pk")
        return SignInTest(entrance, refusal, tuple(map(dict, recorded.values("kind", "subject", "changes", "reason"))))
    finally:
        transaction.set_rollback(True)


@in_one_transaction
def record_passed_test(*, actor: Actor, connection: Connection) -> None:
    """Record that a test sign-in passed. This event is all that a test leaves in the tables of people and connections."""
    events.record(actor=actor, kind=EventKind.CONNECTION_TEST_PASSED, subject=connection)

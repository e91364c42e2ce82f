"""Record refused messages: an event, and a conflict if an administrator has to decide (R9, R34). A refused message changes nothing else."""

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from core_identity.errors import Conflict, MayNotSignIn, Refusal
from core_identity.event_kinds import EventKind
from core_identity.models import Connection
from core_identity.policy.collisions import STORED_FIELDS
from core_identity.services import conflicts, events
from core_identity.services.erased_names import names_erased_person
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor, Channel

P = ParamSpec("P")
R = TypeVar("R")

_KINDS = {Channel.SCIM: EventKind.SCIM_REFUSED, Channel.SSO: EventKind.SSO_REFUSED}


def recording_refusals(service: Callable[P, R]) -> Callable[P, R]:
    """Record a `Refusal` as an event, after the refused transaction was undone.

    The service must take ``actor`` and ``connection`` by keyword. The reference that the sender sees finds the event and the conflict.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        began = time.monotonic()
        try:
            return service(*args, **kwargs)
        except Refusal as refusal:
            actor, connection = kwargs["actor"], kwargs["connection"]
            assert isinstance(actor, Actor)  # noqa: S101 - told to mypy; a wrong call fails in the service before
            assert isinstance(connection, Connection)  # noqa: S101
            _record(actor=actor, connection=connection, refusal=refusal, began=began)
            raise

    return run


@in_one_transaction
def _record(*, actor: Actor, connection: Connection, refusal: Refusal, began: float) -> None:
    """Record a refusal. If a person whom it names was erased since the message ``began`` (monotonic seconds), record only its code."""
    changes = {}
    is_of_erased = names_erased_person(connection, _names_in(refusal), since=began)
    if isinstance(refusal, Conflict) and not is_of_erased:
        conflict = conflicts.note(actor=actor, connection=connection, refusal=refusal)
        changes["conflict"] = (None, conflict.pk)
    events.record(
        actor=actor,
        kind=_KINDS[actor.channel],
        subject=connection,
        user_id=refusal.user_id if isinstance(refusal, MayNotSignIn) else None,
        changes=changes,
        reason=refusal.code if is_of_erased else f"{refusal.code}: {refusal.message}",
    )


def _names_in(refusal: Refusal) -> list[str]:
    """Return the names that a refusal quotes (by ``repr``), and those of the person in a conflict."""
    quoted = [first or second for first, second in _QUOTED.findall(refusal.message)]
    if isinstance(refusal, Conflict):
        person = refusal.collision.person
        quoted += [name for field in STORED_FIELDS if (name := getattr(person, field))]
    return quoted


_QUOTED: Final = re.compile(r"'([^']+)'|\"([^\"]+)\"")

"""Run each service in one transaction, try again where PostgreSQL asks for it, and record a message that was refused (R9, R34).

The record is written after the refused transaction was undone: an event, and a conflict if an administrator has to decide. A refused message
changes nothing else.
"""

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, transaction

from core_identity.errors import Busy, Conflict, MayNotSignIn, Refusal
from core_identity.event_kinds import EventKind
from core_identity.models import Connection
from core_identity.policy.collisions import STORED_FIELDS
from core_identity.services import conflicts, events
from core_identity.services.erased_names import names_erased_person
from core_identity.services.locks import BUSY
from core_identity.values import Actor, Channel
from core_identity.write_guard import service_writes

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 4
_LOCK_NOT_AVAILABLE = "55P03"
_AGAIN = {"40001", "40P01", "23505"}  # serialization failure, deadlock, unique violation by a neighbour

_KINDS = {Channel.SCIM: EventKind.SCIM_REFUSED, Channel.SSO: EventKind.SSO_REFUSED}
_QUOTED: Final = re.compile(r"'([^']+)'|\"([^\"]+)\"")


def in_one_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """Run ``service`` in one transaction. Run it again if a concurrent transaction was in the way.

    Raises `Busy` if a lock is not free within ``lock_timeout``.

    Inside another transaction it only joins, because only the outermost one can run again.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if transaction.get_connection().in_atomic_block:
            with transaction.atomic(), service_writes():
                return service(*args, **kwargs)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic(), service_writes():
                    return service(*args, **kwargs)
            except (IntegrityError, OperationalError) as error:
                state = getattr(error.__cause__, "sqlstate", None)
                if state == _LOCK_NOT_AVAILABLE:
                    raise Busy(BUSY) from error
                if attempt == ATTEMPTS or state not in _AGAIN:
                    raise
        raise AssertionError("unreachable")

    return run


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
            assert isinstance(actor, Actor)  # noqa: S101 - a fact for mypy; a wrong call fails in the service before
            assert isinstance(connection, Connection)  # noqa: S101
            _record_refusal(actor=actor, connection=connection, refusal=refusal, began=began)
            raise

    return run


@in_one_transaction
def _record_refusal(*, actor: Actor, connection: Connection, refusal: Refusal, began: float) -> None:
    """Record a refusal. If a person whom it names was erased since the message ``began`` (monotonic seconds), record only its code."""
    changes = {}
    is_of_erased = names_erased_person(connection, _names_in(refusal), since=began)
    if isinstance(refusal, Conflict) and not is_of_erased:
        conflict = conflicts.record_conflict(actor=actor, connection=connection, refusal=refusal)
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

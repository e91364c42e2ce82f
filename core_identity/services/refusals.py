"""A refused message leaves nothing but its own trace: an event, and where an administrator has to decide, a conflict (R9, R34)."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from core_identity.errors import Conflict, MayNotSignIn, Refusal
from core_identity.models import Connection
from core_identity.services import conflicts, events
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Actor

P = ParamSpec("P")
R = TypeVar("R")


def recording_refusals(service: Callable[P, R]) -> Callable[P, R]:
    """Write a `Refusal` into the story, after the refused transaction has left no other trace.

    The service must take ``actor`` and ``connection`` by keyword. The reference that the other side was shown finds the event and the conflict.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return service(*args, **kwargs)
        except Refusal as refusal:
            actor, connection = kwargs["actor"], kwargs["connection"]
            assert isinstance(actor, Actor)  # noqa: S101 - told to mypy; a wrong call fails in the service before
            assert isinstance(connection, Connection)  # noqa: S101
            _record(actor=actor, connection=connection, refusal=refusal)
            raise

    return run


@in_one_transaction
def _record(*, actor: Actor, connection: Connection, refusal: Refusal) -> None:
    changes = {}
    if isinstance(refusal, Conflict):
        conflict = conflicts.note(actor=actor, connection=connection, refusal=refusal)
        changes["conflict"] = (None, conflict.pk)
    events.record(
        actor=actor,
        kind=f"{actor.channel.value}.refused",
        subject=connection,
        user_id=refusal.user_id if isinstance(refusal, MayNotSignIn) else None,
        changes=changes,
        reason=f"{refusal.code}: {refusal.message}",
    )

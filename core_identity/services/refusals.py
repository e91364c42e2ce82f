"""Record refused messages: an event, and a conflict if an administrator has to decide (R9, R34). A refused message changes nothing else."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from core_identity.errors import Conflict, MayNotSignIn, Refusal
from core_identity.event_kinds import EventKind
from core_identity.models import Connection
from core_identity.services import conflicts, events
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
        kind=_KINDS[actor.channel],
        subject=connection,
        user_id=refusal.user_id if isinstance(refusal, MayNotSignIn) else None,
        changes=changes,
        reason=f"{refusal.code}: {refusal.message}",
    )

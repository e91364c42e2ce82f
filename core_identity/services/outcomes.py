"""The result that the services of pushes return."""

from dataclasses import dataclass

from core_identity.models import Identity
from core_identity.policy.matching import Decision


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a push. ``created``: the answer is 201. ``notes`` are sentences for the log.

    ``as_stored``: the identity equals what `stored_person` would read now, so an answer needs no further reading.
    """

    decision: Decision
    identity: Identity
    created: bool = False
    notes: tuple[str, ...] = ()
    as_stored: bool = False

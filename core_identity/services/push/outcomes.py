"""The result that the services of pushes return."""

from dataclasses import dataclass

from core_identity.models import Identity
from core_identity.policy.matching import Decision
from core_identity.selectors.rows import ResourceRow
from core_identity.selectors.stored import StoredRow


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a push. ``created``: the answer is 201. ``notes`` are sentences for the log.

    ``resource`` is the identity, or its row if the message changed nothing. ``resource_row`` is the resource as its answer shows it; None if the
    answer has to read it.
    """

    decision: Decision
    resource: Identity | StoredRow
    created: bool = False
    notes: tuple[str, ...] = ()
    resource_row: ResourceRow | None = None

    @property
    def identity(self) -> Identity:
        return self.resource if isinstance(self.resource, Identity) else self.resource.identity

"""The facts about a SCIM request, collected from its beginning until its row in the provisioning log."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest

from core_identity.errors import Conflict, IdentityError
from scim.wire.errors import ScimError

if TYPE_CHECKING:
    from core_identity.models import Connection


@dataclass
class Trace:
    """The facts about one request. The line in the process's log has no path, body, token or filter (R34).

    ``body`` is the parsed message, and ``error`` the answer to the client. Only `scim.log.payloads` reads them, and it redacts both.
    """

    connection: str = ""
    connection_id: UUID | None = None
    decision: str = ""
    scim_type: str = ""
    cause: str = ""
    """Why the request was refused, more precisely than ``scim_type``: a key of `scim.log.remedies.REMEDIES`."""
    error: ScimError | None = None
    body: dict[str, Any] | None = None

    def refused(self, failure: Exception, error: ScimError) -> None:
        """Record the answer to a failure."""
        self.decision, self.scim_type, self.error = error.code, error.scim_type or "", error
        if isinstance(failure, Conflict):
            self.cause = failure.collision.cause.value
        else:
            self.cause = failure.code if isinstance(failure, IdentityError) else error.code

    def belongs_to(self, connection: "Connection") -> None:
        self.connection, self.connection_id = connection.slug, connection.pk


def trace_of(request: HttpRequest) -> Trace:
    """Return the trace of a request, the same one at every call."""
    trace: Trace = request.__dict__.setdefault("scim_trace", Trace())
    return trace

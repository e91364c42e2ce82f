"""Rate limits of SCIM and OAuth, by the budgets that all channels share."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core_identity.budget_leases import spend_leased
from core_identity.budgets import hash_of_address, spend
from scim.wire.errors import TooManyRequests


class ConnectionBudget(BaseThrottle):
    """Separate budgets for reads and writes of one connection: an import does not starve the deprovisioning."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Raise `TooManyRequests` if nothing is left, unless the request ends the access of an active person (R23).

        That happens once for each person, so such requests are no way around the budget.
        """
        reads = request.method in ("GET", "HEAD") or request.path.endswith("/.search")
        limit = settings.SCIM_READS_PER_MINUTE if reads else settings.SCIM_WRITES_PER_MINUTE
        wait = spend_leased(f"{'reads' if reads else 'writes'} of {view.connection.pk}", limit)
        if wait and not view.deactivates_somebody():
            raise TooManyRequests(wait)
        return True


def spend_on_failure(request: HttpRequest) -> int:
    """Count a request that proved nothing, by the address that it came from; return as `spend` does."""
    return spend(f"failures of {hash_of_address(request)}", settings.FAILURES_PER_MINUTE)

"""Rate limits of SCIM and OAuth. All channels share the budgets."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core_identity.budget_leases import spend_leased
from core_identity.budgets import hash_of_address, spend
from scim.wire.errors import TooManyRequests


class ConnectionBudget(BaseThrottle):
    """Separate budgets for reads and writes of one connection, so that an import does not delay a deprovisioning."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Raise `TooManyRequests` if the budget is spent, unless the request ends the access of an active person (R23).

        A person loses access only once, so nobody can evade the budget by such requests.
        """
        reads = request.method in ("GET", "HEAD") or request.path.endswith("/.search")
        limit = settings.SCIM_READS_PER_MINUTE if reads else settings.SCIM_WRITES_PER_MINUTE
        wait = spend_leased(f"{'reads' if reads else 'writes'} of {view.connection.pk}", limit)
        if wait and not view.deactivates_somebody():
            raise TooManyRequests(wait)
        return True


def spend_on_failure(request: HttpRequest) -> int:
    """Count an unauthenticated request against its network address. Returns the same as `spend`."""
    return spend(f"failures of {hash_of_address(request)}", settings.FAILURES_PER_MINUTE)

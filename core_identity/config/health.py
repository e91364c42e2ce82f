"""The addresses that load balancers and orchestrators ask: whether the process lives, and whether it should get requests."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from core_identity.config.draining import is_draining
from core_identity.config.readiness import KEPT, Readiness
from core_identity.credentials import credential

Handler = Callable[[HttpRequest], HttpResponse]

_readiness = Readiness()


@credential("none")
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process lives. It asks nobody: if the database is away, a restart of this process does not help."""
    return JsonResponse({"status": "ok"})


@credential("none")
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when this process can do its work, and 503 before it stops. The log contains the reason, the answer does not."""
    if not is_draining() and _readiness.is_ready():
        return JsonResponse({"status": "ok"})
    return JsonResponse({"status": "unavailable"}, status=503, headers={"Retry-After": f"{KEPT:.0f}"})


class ProbeMiddleware:
    """Answer probes before anything reads the Host or a session: they come to the address of a machine, and nothing in the answer depends on it."""

    PROBES: Final[dict[str, Handler]] = {"/healthz": healthz, "/readyz": readyz}

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.PROBES.get(request.path_info, self.get_response)(request)

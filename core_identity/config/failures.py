"""The answer to a failure that no view expected: 500, with the reference under which its traceback is in the log (R34)."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from core_identity.middleware import new_request_id

SENTENCE = "Something went wrong in CORE. Try again later, or give the reference to its administrator."


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a page, or JSON where the client prefers that. It asks no database, session or context processor: one of them may have failed.

    A failure outside of `RequestIdMiddleware` gets its reference here, before Django logs it.
    """
    reference: str = getattr(request, "request_id", "") or new_request_id()
    request.request_id = reference  # type: ignore[attr-defined]
    response: HttpResponse
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        response = JsonResponse({"error": "server_error", "message": SENTENCE, "reference": reference}, status=500)
    else:
        response = HttpResponse(render_to_string("500.html", {"reference": reference}), status=500)
    response["X-Request-Id"] = reference
    return response

"""The pages of refusals and failures that no view answers itself. Each contains its reference.

They use no session, user or message, so they can be shown while the database is away.
"""

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from core_identity import outages
from core_identity.brand import BRAND
from core_identity.middleware import new_request_id

Handler = Callable[[HttpRequest], HttpResponse]

FAULT: Final = f"Something went wrong in {BRAND}. Try again later, or give the reference to its administrator."


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _page(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return _page(request, HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, HTTPStatus.FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, HTTPStatus.FORBIDDEN, template="403_csrf.html")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer with the general page, or with the ``page`` that the exception names."""
    return _page(request, HTTPStatus.NOT_FOUND, template=getattr(exception, "page", ""))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an exception that nobody expected; 503 for an outage, whichever view or middleware met it.

    A failure outside of `RequestIdMiddleware` gets its reference here, before Django logs it.
    """
    reference: str = getattr(request, "request_id", "") or new_request_id()
    request.request_id = reference  # type: ignore[attr-defined]
    error = sys.exc_info()[1]
    if error is not None and outages.is_outage(error):
        response = _outage(request, error)
    elif _prefers_json(request):
        response = _json(request, HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", FAULT)
    else:
        response = _page(request, HTTPStatus.INTERNAL_SERVER_ERROR)
    response["X-Request-Id"] = reference
    return response


def _outage(request: HttpRequest, error: BaseException) -> HttpResponse:
    outages.log_traceback(error)
    may_be_saved = outages.may_be_saved(error)
    if _prefers_json(request):
        sentence = f"{outages.AWAY} {outages.NOT_KNOWN if may_be_saved else outages.TRY_AGAIN}"
        response = _json(request, HTTPStatus.SERVICE_UNAVAILABLE, "temporarily_unavailable", sentence)
    else:
        response = _page(request, HTTPStatus.SERVICE_UNAVAILABLE, may_be_saved=may_be_saved)
    response["Retry-After"] = str(outages.RETRY_AFTER)
    response.may_be_saved = may_be_saved  # type: ignore[attr-defined]  # for channels that answer in another form
    return response


class EmptyErrorMiddleware:
    """Give a refusal without a body, such as Django's 405, a page with its reference."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not response.content:
            response.content = _page(request, HTTPStatus.METHOD_NOT_ALLOWED).content
        return response


def _prefers_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _json(request: HttpRequest, status: HTTPStatus, code: str, sentence: str) -> HttpResponse:
    document = {"error": code, "message": sentence, "reference": _reference(request)}
    return JsonResponse(document, status=status)


def _page(request: HttpRequest, status: HTTPStatus, *, template: str = "", **context: Any) -> HttpResponse:
    page = render_to_string(template or f"{status:d}.html", context | {"reference": _reference(request)})
    return HttpResponse(page, status=status)


def _reference(request: HttpRequest) -> str:
    return getattr(request, "request_id", "")

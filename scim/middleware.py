"""The outermost middleware of SCIM, and of the OAuth addresses that programs call.

Every failure under the prefix of SCIM becomes a SCIM error, every failure at these OAuth addresses an OAuth error. Each request writes one line
to the log.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeAlias

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core_identity.brand import BRAND
from core_identity.log_redaction import method_of, route_of
from core_identity.outages import AWAY, NOT_KNOWN, NOTHING_CHANGED
from scim.addresses import has_literal_plus
from scim.log.provisioning_log import record
from scim.log.trace import trace_of
from scim.oauth.errors import ADDRESSES, oauth_error
from scim.wire.errors import (
    BadRequest,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    ScimError,
    Unavailable,
    Unexpected,
)

MEDIA_TYPE: Final = "application/scim+json"
Handler: TypeAlias = Callable[[HttpRequest], HttpResponseBase]

log = logging.getLogger("scim.requests")

SCIM: Final = "/scim/"
OAUTH: Final = "/oauth/"
_WELL_KNOWN: Final = "/.well-known/oauth-"
_SLASHES: Final = re.compile("//+")


def writes_own_line(request: HttpRequest) -> bool:
    """Whether this middleware writes the log line of the request."""
    return request.path_info.startswith((SCIM, *ADDRESSES))


class ScimErrorMiddleware:
    """Put this middleware first, so that refusals of the framework, such as a wrong Host, are SCIM errors too.

    Okta cannot read an HTML page. It shows its administrator only ``detail``.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        read_address(request)
        if request.path_info.startswith(ADDRESSES):
            return self._oauth(request)
        if not request.path_info.startswith(SCIM):
            return self.get_response(request)
        started = time.monotonic()
        response = self.get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST and not _is_scim(response):
            response = _in_scim(request, response)
        decision = trace_of(request).decision
        if decision:
            # The decision is in words and without personal data, as in the log, so that it explains the answer to its reader.
            response.headers["X-Decision"] = decision.encode("ascii", "replace").decode()
        duration_ms = round((time.monotonic() - started) * 1000, 1)
        _write_line(request, response, duration_ms)
        _when_answered(response, lambda: record(request, response, trace_of(request), duration_ms))
        return response

    def _oauth(self, request: HttpRequest) -> HttpResponseBase:
        started = time.monotonic()
        response = self.get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            response, trace_of(request).decision = oauth_error(request, response)
        _write_line(request, response, round((time.monotonic() - started) * 1000, 1))
        return response


def _is_scim(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Type", "").startswith(MEDIA_TYPE)


_ERRORS: Final[dict[int, ScimError]] = {
    403: Forbidden("This is not permitted."),
    404: NotFound("There is nothing at this address. Check the SCIM base URL of the connection."),
    405: MethodNotAllowed("This address does not accept this method."),
    413: PayloadTooLarge("The request is too large."),
}


def _in_scim(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        trace_of(request).decision = Unavailable.code
        error: ScimError = Unavailable(
            f"{AWAY} {NOT_KNOWN if getattr(response, 'may_be_saved', False) else NOTHING_CHANGED}"
        )
    elif response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        error = Unexpected(
            f"Something went wrong in {BRAND}. Try again later, or give the reference to its administrator."
        )
    else:
        error = _ERRORS.get(
            response.status_code, BadRequest("The request cannot be understood. Check the SCIM base URL.")
        )
    trace = trace_of(request)
    trace.cause, trace.error = error.code, error
    body = json.dumps(error.to_dict(getattr(request, "request_id", "")))
    answer = HttpResponse(body, status=error.status, content_type=MEDIA_TYPE)
    for name in ("X-Request-Id", "Allow", "Retry-After"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    return answer


def _when_answered(response: HttpResponseBase, work: Callable[[], None]) -> None:
    """Do ``work`` when the server closes the response. The client has its answer by then, so it does not wait."""
    close = response.close

    def close_after_work() -> None:
        try:
            work()
        finally:
            close()

    response.close = close_after_work  # type: ignore[method-assign]


def _write_line(request: HttpRequest, response: HttpResponseBase, duration_ms: float) -> None:
    trace = trace_of(request)
    fields = {
        "reference": getattr(request, "request_id", ""),
        "connection": trace.connection,
        "method": method_of(request),
        "route": route_of(request),
        "status": response.status_code,
        "decision": trace.decision,
        "duration_ms": duration_ms,
    }
    log.info("%(method)s %(route)s %(status)s", fields, extra=fields)


def read_address(request: HttpRequest) -> None:
    """Give a request to SCIM or OAuth the path of the URL patterns, and replace each ``+`` in its query by a blank.

    Clients join base URL and path with a slash too many or too few. The addresses of SCIM end without a slash, those of OAuth with one.
    """
    path = _SLASHES.sub("/", request.path_info)
    if path.startswith(OAUTH):
        path = f"{path.rstrip('/')}/"
    elif path.startswith((SCIM, _WELL_KNOWN)):
        path = path[: len(SCIM)] + path[len(SCIM) :].rstrip("/")
    else:
        return
    if path != request.path_info:
        script = request.path.removesuffix(request.path_info)
        request.path_info, request.path = path, f"{script}{path}"
    query = request.META.get("QUERY_STRING", "")
    if "+" in query and has_literal_plus(query):
        request.META["QUERY_STRING"] = query.replace("+", "%2B")

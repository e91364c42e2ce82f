"""What every request gets: a reference that finds it again, an answer that no cache keeps, and a look at the gate."""

import codecs
import secrets
from collections.abc import Callable

from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from core_identity.backends import IDENTITY, session_holds

Handler = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Give each request a short reference that people can read out: in the answer's header, in logs, in events (R34)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Always our own: a reference that a stranger could choose would let them write into the log.
        request.request_id = new_request_id()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class CharsetMiddleware:
    """Refuse a body in a charset that no form and no JSON comes in.

    Django asks Python for whatever a Content-Type names, also for what is no text (``charset=base64``), and fails where it reads.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.encoding and codecs.lookup(request.encoding).name not in {"utf-8", "ascii", "iso8859-1"}:
            raise BadRequest("The charset of a request is UTF-8.")
        return self.get_response(request)


class NoStoreMiddleware:
    """Let no cache keep what is said here, refusals and errors included, unless the answer itself says how."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class SessionGateMiddleware:
    """End, on its next request, a session whose identity may not sign in any more (R21)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if IDENTITY in request.session and not session_holds(request.session):
            logout(request)
            request.user = AnonymousUser()
        return self.get_response(request)


def new_request_id() -> str:
    """Return 10 letters and digits without look-alikes: 50 bits, enough to be unique and short enough to read out."""
    alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return "".join(secrets.choice(alphabet) for _ in range(10))

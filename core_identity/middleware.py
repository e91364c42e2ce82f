"""Middleware of all requests: a reference, headers that protect the answer, and the check of the session."""

import codecs
import secrets
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from core_identity.backends import session_holds
from core_identity.sessions import IDENTITY

Handler = Callable[[HttpRequest], HttpResponse]


class AnswerHeadersMiddleware:
    """Add headers that protect the answer to every answer, also to refusals of the framework and of other middleware.

    A header that the answer already has is kept. An answer without a policy of its own is data or an error, so its policy allows nothing.
    """

    POLICY: Final = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.security = SecurityMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        self.security.process_response(request, response)  # HSTS, nosniff, Referrer-Policy, Cross-Origin-Opener-Policy
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Content-Security-Policy", self.POLICY)
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        return response


class RequestIdMiddleware:
    """Give each request a short reference that people can read aloud. The answer's header, logs and events contain it (R34)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Always our own, because a reference from the sender would let strangers write into the log.
        request.request_id = new_request_id()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


TEXT_CHARSETS: Final = frozenset({"utf-8", "ascii", "iso8859-1"})
REFUSED_CHARSET: Final = "core.refused_charset"
"""The key in ``META`` of a charset that the WSGI application removed, because Django cannot read such a request."""


def is_text_charset(charset: str) -> bool:
    """Return whether a request may be in this charset. An unknown name is ignored, as Django does."""
    try:
        return codecs.lookup(charset).name in TEXT_CHARSETS
    except LookupError:
        return True


class CharsetMiddleware:
    """Refuse a body in a charset that no form and no JSON uses.

    Django asks Python for any codec that a Content-Type names, also for codecs without text (``charset=base64``), and fails when it reads the body.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if REFUSED_CHARSET in request.META or (request.encoding and not is_text_charset(request.encoding)):
            raise BadRequest("The charset of a request is UTF-8.")
        return self.get_response(request)


class BodySizeMiddleware:
    """Refuse a body that is larger than any form of ours, before anything reads it.

    Django has this limit too, but leaves out files, and writes each of them to the disk before a view looks at the request. Any sender can send one
    to any address. SCIM has limits of its own, and reads no files.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Django reads no more bytes than Content-Length, so a body without it is empty.
        length = request.META.get("CONTENT_LENGTH") or "0"
        is_scim = request.path_info.startswith("/scim/")
        if not is_scim and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig
        return self.get_response(request)


class SessionGateMiddleware:
    """End a session on its next request if its identity may not sign in any more (R21)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if IDENTITY in request.session and not session_holds(request.session):
            logout(request)
            request.user = AnonymousUser()
        return self.get_response(request)


def new_request_id() -> str:
    """Return 10 letters and digits without look-alikes: 50 bits, enough to be unique and short enough to read out."""
    alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32 of them, so each byte chooses all alike
    return "".join(alphabet[byte % 32] for byte in secrets.token_bytes(10))

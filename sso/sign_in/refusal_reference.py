"""The first reference of a refused message. A reload or the back button sends the same message again; its page then shows that reference (R35)."""

import hashlib
import re
from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse

COOKIE: Final = "__Host-refused"
"""The cookie with the reference and the digest of the last refused message. ``SameSite=None``, because messages come by a POST from another site."""

LASTS: Final = timedelta(minutes=30)

_VALUE: Final = re.compile(r"([2-9A-Z]{10})\.([0-9a-f]{32})")


def first_reference(request: HttpRequest) -> str:
    """Return the reference of the first refusal of this message in this browser, otherwise an empty text."""
    reference, digest = _remembered(request)
    return reference if digest and digest == _digest(request) else ""


def last_reference(request: HttpRequest) -> str:
    """Return the reference of the last refusal in this browser, otherwise an empty text. It is only shown: a browser can write any cookie."""
    return _remembered(request)[0]


def remember_refusal(request: HttpRequest, response: HttpResponse, reference: str) -> None:
    """Store the reference in a cookie, if the request contains a message."""
    digest = _digest(request)
    if digest and reference:
        value = f"{reference}.{digest}"
        response.set_cookie(COOKIE, value, max_age=LASTS, path="/", secure=True, httponly=True, samesite="None")


def _remembered(request: HttpRequest) -> tuple[str, str]:
    match = _VALUE.fullmatch(request.COOKIES.get(COOKIE, ""))
    return (match[1], match[2]) if match else ("", "")


def _digest(request: HttpRequest) -> str:
    message = request.POST.get("SAMLResponse", "")
    return hashlib.sha256(message.encode()).hexdigest()[:32] if message else ""

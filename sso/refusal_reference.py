"""The first reference of a refused message. A reload or the back button sends the same message again: its page shows that reference (R35)."""

import hashlib
import re
from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse

COOKIE: Final = "__Host-refused"
"""Reference and digest of the message that this browser was last refused with. ``None``, because messages come by a POST from another site."""

LASTS: Final = timedelta(minutes=30)

_VALUE: Final = re.compile(r"([2-9A-Z]{10})\.([0-9a-f]{32})")


def first_reference(request: HttpRequest) -> str:
    """Return the reference by which the message of this request was first refused in this browser, else nothing."""
    reference, digest = _remembered(request)
    return reference if digest and digest == _digest(request) else ""


def last_reference(request: HttpRequest) -> str:
    """Return the reference of the last refusal in this browser, else nothing. It is shown and trusted for nothing."""
    return _remembered(request)[0]


def remember_refusal(request: HttpRequest, response: HttpResponse, reference: str) -> None:
    """Keep the reference in the browser, if the request brought a message."""
    digest = _digest(request)
    if digest and reference:
        value = f"{reference}.{digest}"
        response.set_cookie(COOKIE, value, max_age=LASTS, path="/", secure=True, httponly=True, samesite="None")


def _remembered(request: HttpRequest) -> tuple[str, str]:
    found = _VALUE.fullmatch(request.COOKIES.get(COOKIE, ""))
    return (found[1], found[2]) if found else ("", "")


def _digest(request: HttpRequest) -> str:
    message = request.POST.get("SAMLResponse", "")
    return hashlib.sha256(message.encode()).hexdigest()[:32] if message else ""

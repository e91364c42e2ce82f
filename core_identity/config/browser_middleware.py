"""Middleware that only browsers need. A request of a program, to SCIM or to an OAuth address for programs, passes by it.

Such a request has no session, no user and no message, so it pays for none of them; the files of WhiteNoise are not under its addresses.
`MIDDLEWARE` lists the remaining ones without this module's name. The one against forged forms is one of them, because Django checks its name.
"""

from functools import cache
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from core_identity.middleware import SessionGateMiddleware
from scim.middleware import writes_own_line as is_for_programs


class _ForBrowsers:
    """Hands the request of a program on as it is."""

    def __call__(self, request: HttpRequest) -> Any:
        if is_for_programs(request):
            return self.get_response(request)  # type: ignore[attr-defined]  # of the middleware beside it
        return super().__call__(request)  # type: ignore[misc]


class Files(_ForBrowsers, WhiteNoiseMiddleware):  # type: ignore[misc]  # it publishes no types
    pass


class Policy(CSPMiddleware):
    """The policy of an answer to a program is always the one of the settings."""

    def __call__(self, request: HttpRequest) -> Any:
        if not is_for_programs(request):
            return super().__call__(request)
        response: Any = self.get_response(request)
        response.headers.setdefault(HEADER, _policy())
        return response


class Session(_ForBrowsers, SessionMiddleware):
    pass


class Authentication(_ForBrowsers, AuthenticationMiddleware):
    pass


class SessionGate(_ForBrowsers, SessionGateMiddleware):
    pass


class Messages(_ForBrowsers, MessageMiddleware):
    pass


@cache
def _policy() -> str:
    return str(build_policy())

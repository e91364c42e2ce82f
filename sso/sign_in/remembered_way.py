"""The connection by which this browser signed in last, so that the sign-in page offers it first.

The cookie contains the slug of the connection and nothing about the person. It is signed, so nobody can try slugs with it. The slug is looked up
among the live connections: it is never an address.
"""

from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse

COOKIE: Final = "__Host-way"
LASTS: Final = timedelta(days=180)
_SALT: Final = "sso.sign_in.remembered_way"


def remembered_way(request: HttpRequest) -> str:
    """Return the slug of the connection; an empty text if there is none, or if the cookie is not ours or too old."""
    return str(request.get_signed_cookie(COOKIE, default="", salt=_SALT, max_age=LASTS))


def remember_way(response: HttpResponse, slug: str) -> None:
    """Store the slug after a finished sign-in."""
    response.set_signed_cookie(
        COOKIE, slug, salt=_SALT, max_age=LASTS, path="/", secure=True, httponly=True, samesite="Lax"
    )


def forget_way(response: HttpResponse) -> None:
    """Remove the cookie. Browsers remove a ``__Host-`` cookie only if the answer is marked as secure too."""
    response.set_cookie(COOKIE, "", max_age=0, path="/", secure=True, httponly=True, samesite="Lax")

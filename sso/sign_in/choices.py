"""The connections that the sign-in page offers: that of the last sign-in in this browser, and those that fit the text a person typed.

A signed cookie contains the slug of the last connection, and nothing about the person. Because it is signed, nobody can try slugs with it. The
slug is looked up among the live connections: it is never an address.
"""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from core_identity.keys import key
from sso.models import SamlSettings, VerifiedDomain
from sso.settings.email_domains import normal_domain

MOST: Final = 20
LONGEST: Final = 320
"""The maximum length of an email address (RFC 5321: 64, @, 255)."""

COOKIE: Final = "__Host-way"
LASTS: Final = timedelta(days=180)
_SALT: Final = "sso.sign_in.remembered_way"


def connections_to_show() -> tuple[list[SamlSettings], bool]:
    """Return the connections to show to a person who typed nothing, and whether to ask for an address or a name. One query.

    The names of our customers are not public, so several connections are listed only in the demo.
    """
    choices = list(_live()[: MOST if settings.DEMO else 2])
    return (choices, False) if settings.DEMO or len(choices) < 2 else ([], True)


def connections_for(entry: str, *, is_typed: bool) -> list[SamlSettings]:
    """Return the live connections that fit ``entry``: an email address, of which only the domain is used, a slug, or the name of a customer.

    A link (not ``is_typed``) may contain only a slug: the number of tries by links is not limited. An unknown domain, an unverified one, one of a
    connection that is off, an unknown name, and nonsense get the same answer after the same work: always this one statement.
    """
    if len(entry) > LONGEST or "\0" in entry:
        entry = ""
    _, _, domain = entry.partition("@")
    leading = VerifiedDomain.objects.filter(domain=normal_domain(domain) if is_typed else "")
    fits = Q(connection__slug=entry.lower()) | Q(connection__customer__name_key=key(entry) if is_typed else "")
    return list(_live().filter(fits | Q(connection__in=leading.values("connection")))[:MOST])


def live_connection(slug: str) -> SamlSettings | None:
    """Return the SAML settings of this live connection, or None. One query, or none for an empty slug."""
    return _live().filter(connection__slug=slug).first() if slug else None


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


def _live() -> QuerySet[SamlSettings]:
    live = SamlSettings.objects.select_related("connection").filter(connection__enabled=True)
    return live.order_by("connection__name")

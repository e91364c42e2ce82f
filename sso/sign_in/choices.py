"""The sign-in page, and the connections that it offers: that of the last sign-in in this browser, and those that fit the text a person typed.

A signed cookie contains the slug of the last connection, and nothing about the person. Because it is signed, nobody can try slugs with it. The
slug is looked up among the live connections: it is never an address.
"""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core_identity.budgets import hash_of_address, spend
from core_identity.credentials import credential
from core_identity.keys import key
from sso.models import SamlSettings, VerifiedDomain
from sso.settings.email_domains import normal_domain
from sso.sign_in.redirects import safe_path

MOST: Final = 20
LONGEST: Final = 320
"""The maximum length of an email address (RFC 5321: 64, @, 255)."""

COOKIE: Final = "__Host-way"
LASTS: Final = timedelta(days=180)
_SALT: Final = "sso.sign_in.remembered_way"


@credential("none")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the ways to sign in. Customers are not listed to strangers: if there are several, people type their address or the name of their company.

    The text comes by POST, so addresses are in no log, history or Referer. A link may contain a slug; an address in a link is not read. The
    number of tries is limited by network address. The answer over the limit is the same for every text. If one connection fits, the browser
    continues there by itself. The way of the last sign-in in this browser is offered first.
    """
    if request.user.is_authenticated:
        return redirect("me")
    is_posted = request.method == "POST"
    if is_posted and "forget" in request.POST:
        response: HttpResponse = redirect("sign-in")
        forget_way(response)
        return response
    form_data = request.POST if is_posted else request.GET
    entry = form_data.get("connection", "").strip()
    next_query = urlencode({"next": safe_path(form_data["next"])}) if "next" in form_data else ""
    page: dict[str, Any] = {"ask": True, "next_query": next_query, "next": form_data.get("next", "")}
    wait = spend(f"sign-in page {hash_of_address(request)}", settings.SIGN_IN_LOOKUPS_PER_MINUTE) if is_posted else 0
    if wait:
        response = render(request, "sso/sign_in.html", page | {"wait": True}, status=429)
        response["Retry-After"] = str(wait)
        return response
    if not is_posted and "@" in entry:
        entry = ""
    if entry:
        choices = connections_for(entry, is_typed=is_posted)
        if len(choices) == 1:
            return _straight_on(request, choices[0], next_query)
        return render(request, "sso/sign_in.html", page | {"choices": choices, "entry": entry})
    page["remembered"] = remembered = live_connection(remembered_way(request))
    choices, page["ask"] = connections_to_show()
    page["choices"] = [one for one in choices if one != remembered]
    return render(request, "sso/sign_in.html", page)


def _straight_on(request: HttpRequest, saml: SamlSettings, next_query: str) -> HttpResponse:
    """Continue to the IdP of the one connection that fits.

    A link continues by a redirect, a form by a page that continues by itself: browsers apply ``form-action`` to the redirects after a post. The
    browser does not keep that page, so its back button leads to the form.
    """
    target = reverse("sso-login", args=[saml.connection.slug]) + (f"?{next_query}" if next_query else "")
    if request.method != "POST":
        return HttpResponseRedirect(target)
    back = reverse("sign-in") + (f"?{next_query}" if next_query else "")
    page = {"connection": saml.connection, "target": target, "back": back}
    response = render(request, "sso/straight_on.html", page)
    response["Refresh"] = f"0; url={target}"
    return response


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

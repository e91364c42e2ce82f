"""Pages that a set-up link opens: the check who may see one, and the headers of every answer."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core_identity.budgets import DAY, spend
from core_identity.credentials import credential
from core_identity.models import SetupLink
from core_identity.portal.links import current_link, note_use

PortalView = Callable[[HttpRequest, SetupLink], HttpResponse]

ACTS_PER_MINUTE: Final = 60
ACTS_PER_DAY: Final = 1000
"""A link lasts for days, and most acts record events, which stay for a year at least. The limits keep a link from filling the table."""


def portal_page(
    *methods: str, is_watched: bool = False
) -> Callable[[PortalView], Callable[[HttpRequest], HttpResponse]]:
    """Declare a view that needs an open set-up link and gets it. Everybody else reads that they need a new link.

    ``is_watched``: the page renews itself, so a request for it does not prove that somebody is there.
    """

    def declare(view: PortalView) -> Callable[[HttpRequest], HttpResponse]:
        @never_cache
        @require_http_methods([*methods])
        @wraps(view)
        def page(request: HttpRequest) -> HttpResponse:
            link = current_link(request)
            if link is None:
                return link_ended_page(request)
            if request.method == "POST" and (waiting := wait_for_acts(request, link)):
                return waiting
            if not is_watched:
                note_use(link)
            return private(view(request, link))

        return credential("setup_link")(page)

    return declare


def wait_for_acts(request: HttpRequest, link: SetupLink, *, what: str = "set-up link") -> HttpResponse | None:
    """Count an act of a link. Return the page that asks to wait if there were too many, otherwise None. ``what`` names a budget of its own."""
    key = f"{what} {link.pk}"
    wait = spend(key, ACTS_PER_MINUTE) or spend(f"{key} a day", ACTS_PER_DAY, minutes=DAY)
    if not wait:
        return None
    context = {"wait": wait, "connection": link.connection if current_link(request) else None}
    response = render(request, "portal/wait.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(wait)
    return private(response)


def link_ended_page(request: HttpRequest) -> HttpResponse:
    """Answer the same for a link that never was, has ended, or is open elsewhere."""
    return private(render(request, "portal/gone.html", status=HTTPStatus.NOT_FOUND))


def private(response: HttpResponse) -> HttpResponse:
    """Keep search engines and other sites out.

    No other site gets a Referer: same-origin. With no-referrer, Chromium would send ``Origin: null`` with our own forms, and the check
    against forged forms would refuse them.
    """
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "same-origin"
    return response

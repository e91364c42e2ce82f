"""The customer's own page (R38): open the link, see the steps and the values, finish."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core_identity.budgets import hash_of_address, spend
from core_identity.credentials import credential
from core_identity.models import SetupLink
from core_identity.portal import links
from core_identity.portal.pages import ACTS_PER_MINUTE, link_ended_page, portal_page, private, wait_for_acts
from core_identity.portal.trust import Proposed, waiting_proposals
from core_identity.set_up import CustomerStep, Screen, ShownStep, Step, progress, screens_of, steps_of
from core_identity.vendor_choice import remember_vendor, vendors_for


@credential("none")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Show a button. Only its POST binds the link to the browser, because mail scanners open links."""
    if request.method == "POST":
        if spend(f"open set-up link {hash_of_address(request)}", ACTS_PER_MINUTE):
            return link_ended_page(request)
        free = links.free_link(secret, request)
        if free is not None and (waiting := wait_for_acts(request, free, what="openings of set-up link")):
            return waiting
        token = links.open_link(request, secret)
        if token is not None:
            # A form that this browser still shows for another link must not act for this one.
            rotate_token(request)
            response = redirect("portal")
            links.remember_browser(response, token)
            return private(response)
    link = links.link_of(secret)
    if link is None:
        return link_ended_page(request)
    is_free = links.free_link(secret, request) is not None
    page = {"link": link, "is_free": is_free, "hours": links.IDLE.seconds // 3600}
    return private(render(request, "portal/open.html", page, status=200 if is_free else 403))


@portal_page("GET", "HEAD")
def overview(request: HttpRequest, link: SetupLink) -> HttpResponse:
    """The steps, and the values for the screens of the chosen identity provider."""
    choice = vendors_for(request)
    page = _page(link, choice, screens_of(link.connection, choice["vendor"]))
    return remember_vendor(request, render(request, "portal/overview.html", page))


@portal_page("GET", "HEAD", is_watched=True)
def steps(request: HttpRequest, link: SetupLink) -> HttpResponse:
    """The list of steps alone. The page renews it by a script, so ticks turn while somebody looks.

    The page names its link, because this browser may have opened another one since.
    """
    if request.GET.get("link", str(link.pk)) != str(link.pk):
        return link_ended_page(request)
    return render(request, "portal/steps.html", _page(link, vendors_for(request)))


@portal_page("POST")
def finish(request: HttpRequest, link: SetupLink) -> HttpResponse:
    links.finish(actor=links.actor_of(link, request), link=link)
    return redirect("portal")


@portal_page("POST")
def leave(request: HttpRequest, link: SetupLink) -> HttpResponse:
    """Let another browser open the link."""
    links.leave(actor=links.actor_of(link, request), link=link)
    response = render(request, "portal/left.html")
    response.delete_cookie(links.COOKIE, path="/", samesite="Lax")
    return response


def _page(link: SetupLink, choice: dict[str, Any], screens: Sequence[Screen] = ()) -> dict[str, Any]:
    steps = [step for step in steps_of(link.connection, choice["vendor"]) if step.for_customer is not None]
    return {
        **choice,
        "link": link,
        "connection": link.connection,
        "progress": progress(steps, _shown, screens),
        "waiting": [Proposed(proposal.kind).label for proposal in waiting_proposals(link.connection)],
    }


def _shown(step: Step) -> ShownStep:
    """Return a step in the words for the customer."""
    words = step.for_customer or CustomerStep(step.title)
    act = reverse(words.act) if words.act else ""
    return ShownStep(step.name, words.title, words.facts, words.advice or step.advice, act, words.act_title)

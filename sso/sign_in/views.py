"""The pages of end users: the way to the IdP and back (SAML profiles 4.1), and the page with their own data."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from core_identity.backends import begin_session, identity_of
from core_identity.budget_leases import spend_leased
from core_identity.budgets import hash_of_address, spend
from core_identity.credentials import credential
from core_identity.errors import IdentityError
from core_identity.selectors.connections import connection_names
from core_identity.selectors.sessions import sessions_of
from core_identity.selectors.story import role_values
from core_identity.selectors.users import identities_of, user_summary
from core_identity.services.sign_in import require_open_gate
from sso.logout.sessions import remember_session
from sso.models import SamlSettings
from sso.saml.messages import sp_metadata
from sso.saml.refusals import Code, SamlRefusal
from sso.settings.keys import announced_certificates, signing_key
from sso.settings.live_settings import live_settings
from sso.sign_in import progress
from sso.sign_in.choices import (
    connections_for,
    connections_to_show,
    forget_way,
    live_connection,
    remember_way,
    remembered_way,
)
from sso.sign_in.log import Attempt
from sso.sign_in.refusal_page import refused_at_the_end, refused_message, too_many_begun, unable
from sso.sign_in.relay_state import safe_path
from sso.sign_in.send_to_idp import send_to_idp


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


@credential("none")
@require_GET
@never_cache
def login(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the IdP of a connection with an AuthnRequest."""
    saml, next_path = live_settings(slug), safe_path(request.GET.get("next"))
    if wait := _spend_start(request, saml):
        again = f"{reverse('sso-login', args=[slug])}?{urlencode({'next': next_path})}"
        return too_many_begun(Attempt(request, saml), wait=wait, again=again)
    try:
        away = progress.depart(
            saml,
            browser_token=progress.browser_token_of(request),
            next_path=next_path,
            from_elsewhere=_sent_from_elsewhere(request),
        )
    except IdentityError as fault:
        return unable(Attempt(request, saml), fault)
    response = send_to_idp(request, saml, away.message)
    progress.remember_browser(response, away.browser_token)
    return response


def _spend_start(request: HttpRequest, saml: SamlSettings) -> int:
    """Count a sign-in that begins, because each is a row. Return the seconds to wait if there were too many within a minute, otherwise 0.

    One network has a limit, and all networks together have a larger one at each connection. Many strangers can spend the second. So it does not
    stop a browser that has signed in at this connection before, and no limit stops a sign-in that begins at the IdP.
    """
    of_all, of_network = settings.SIGN_INS_OF_A_CONNECTION_PER_MINUTE, settings.SIGN_INS_PER_MINUTE
    wait = spend_leased(f"begun at {saml.pk} {hash_of_address(request)}", of_network)
    if wait or remembered_way(request) == saml.connection.slug:
        return wait
    return spend_leased(f"begun at {saml.pk}", of_all)


def _sent_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a link on a foreign page led here, as far as browsers show it.

    Our pages offer a sign-in only to people who are signed out. A signed-in person may come from the administration's own sign-in, which follows
    any link after it.
    """
    site = request.headers.get("Sec-Fetch-Site")
    return site in {"cross-site", "same-site"} or (site == "same-origin" and request.user.is_authenticated)


@credential("none")
@require_http_methods(["GET", "POST"])
@never_cache
def finish(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin the session. This is a request of this site, so the cookie of the old session is sent, and that session is replaced.

    If the old session belongs to another user, and the sign-in began at the IdP or by a link on a foreign page, nobody here asked for it. A
    stranger could have brought their own assertion, or sent the browser to their own IdP. So the page asks the person, and only their own POST
    continues. A sign-in that began here is bound to this browser by its request, and continues by itself.
    """
    is_confirmed = request.method == "POST"
    ticket = (request.POST if is_confirmed else request.GET).get("ticket", "")
    state = progress.arrived(slug, ticket=ticket, browser_token=progress.browser_token_of(request))
    if state is None or state.identity is None:
        saml = live_settings(slug)
        if request.user.is_authenticated:
            return redirect("me")  # the page was reloaded
        return refused_message(Attempt(request, saml), SamlRefusal(Code.NO_REQUEST))
    identity = state.identity
    another = request.user.is_authenticated and request.user.pk != identity.user_id
    if another and not state.asked_for_here and not is_confirmed:
        page = {"connection": identity.connection, "newcomer": identity.user, "ticket": ticket}
        return render(request, "sso/another_user.html", page)
    if not progress.finish(state) or "stay" in request.POST:
        return redirect("me")
    try:
        require_open_gate(identity)  # the question may have been open for minutes
    except IdentityError as refusal:
        return refused_at_the_end(Attempt(request, live_settings(slug)), refusal)
    if progress.is_outdated(identity, ticket):
        return refused_message(Attempt(request, live_settings(slug)), SamlRefusal(Code.NO_REQUEST))
    now = state.now  # type: ignore[attr-defined]  # by `arrived`
    begin_session(request, identity, until=state.session_until, now=now)
    remember_session(request, state)
    response = HttpResponseRedirect(safe_path(state.next_path))
    remember_way(response, identity.connection.slug)
    return response


@credential("session")
@require_safe
@never_cache
def me(request: HttpRequest) -> HttpResponse:
    """Show the user, their roles, and the source of each (R32): as a page, or as JSON if the client prefers it."""
    as_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    if not request.user.is_authenticated:
        return _nobody(request, as_json=as_json)
    identity, identities = identity_of(request), identities_of(request.user)
    document: dict[str, Any] = {
        **user_summary(request.user, identities),
        "connection": identity.connection.slug if identity else None,
        "roles": role_values(request.user),
    }
    if as_json:
        return JsonResponse(document)
    return render(request, "sso/me.html", _page_of(request, identity, identities, document))


def _page_of(
    request: HttpRequest, identity: Any, identities: Sequence[Any], document: dict[str, Any]
) -> dict[str, Any]:
    """Return what the page shows: names of connections instead of slugs, and the person's sessions."""
    user: Any = request.user
    sources = [source for role in document["roles"] for source in role["sources"]]
    names = connection_names({source["connection"] for source in sources if source["connection"]})
    for source in sources:
        source["connection"] = names.get(source["connection"])
    return {
        "person": document,
        "display_name": user.get_full_name() or user.email or user.username,
        "connection": identity.connection if identity else None,
        "customer": user.customer,
        "contact": user.customer.support_contact if user.customer else {},
        "sessions": [
            {
                "began_at": one.began_at,
                "ends_at": one.ends_at,
                "connection": one.connection,
                "is_this": one.key == request.session.session_key,
            }
            for one in sessions_of(user, identities)
        ],
    }


def _nobody(request: HttpRequest, *, as_json: bool) -> HttpResponse:
    if as_json:
        response: HttpResponse = JsonResponse(
            {
                "error": "not_signed_in",
                "message": "Nobody is signed in.",
                "sign_in": settings.PUBLIC_URL + reverse("sign-in"),
            },
            status=401,
        )
    else:
        response = render(request, "sso/nobody.html", status=401)
    response["WWW-Authenticate"] = 'Session realm="core-identity"'
    return response


@credential("none")
@require_safe
def metadata(request: HttpRequest, slug: str) -> HttpResponse:
    """Return our metadata for the IdP of a connection (SAML metadata 2.4.4). Its address is our entity ID."""
    saml = live_settings(slug)
    try:
        signer = signing_key(saml) if saml.sign_metadata else None
    except IdentityError as fault:
        return unable(Attempt(request, saml), fault)
    xml = sp_metadata(
        saml.sp,
        now=timezone.now(),
        certificates=announced_certificates(saml),
        signs_requests=saml.sign_requests,
        wants_assertions_signed=saml.idp.signed.needs_assertion,
        signer=signer,
    )
    return HttpResponse(xml, content_type="application/samlmetadata+xml")

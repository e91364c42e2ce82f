"""One sign-in (SAML profiles 4.1), in its order: to the IdP, back with a message, and the session. Then the page with the person's own data.

The page on which people choose their IdP is in `sso.sign_in.choices`.
"""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from core_identity.backends import begin_session, identity_of
from core_identity.budgets import hash_of_address, spend_leased
from core_identity.credentials import credential
from core_identity.errors import IdentityError
from core_identity.selectors.connections import connection_names
from core_identity.selectors.roles import role_values
from core_identity.selectors.sessions import sessions_of
from core_identity.selectors.users import identities_of, user_summary
from core_identity.services.sign_in import enter, require_open_gate
from sso.models import SamlSettings
from sso.saml.messages import sp_metadata
from sso.saml.refusals import Code, SamlRefusal, VerifierFault
from sso.settings.keys import announced_certificates, signing_key
from sso.settings.live_settings import live_settings, require_live
from sso.sign_in import progress
from sso.sign_in.choices import remember_way, remembered_way
from sso.sign_in.explanations import explain_attributes, explain_entrance
from sso.sign_in.incoming_message import Attempt, actor_of, pending_sign_in, verified_assertion
from sso.sign_in.log import record
from sso.sign_in.mapping import person_of
from sso.sign_in.outcomes import SIGNED_IN
from sso.sign_in.redirects import safe_path, send_to_idp
from sso.sign_in.refusal_page import (
    cannot_sign_page,
    last_reference,
    our_fault_page,
    refused_at_the_end,
    refused_by_policy,
    refused_message,
    too_many_sign_ins_page,
)
from sso.sign_in.sign_in_tests import finish_test, settings_under_test

log = logging.getLogger("sso.sign_ins")


@credential("none")
@require_GET
@never_cache
def login(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the IdP of a connection with an AuthnRequest."""
    if not _is_window(request):
        raise PermissionDenied
    saml, next_path = live_settings(slug), safe_path(request.GET.get("next"))
    if wait := _spend_start(request, saml):
        again = f"{reverse('sso-login', args=[slug])}?{urlencode({'next': next_path})}"
        return too_many_sign_ins_page(Attempt(request, saml), wait=wait, again=again)
    try:
        away = progress.depart(
            saml,
            browser_token=progress.browser_token_of(request),
            next_path=next_path,
            from_elsewhere=_sent_from_elsewhere(request),
        )
    except IdentityError as fault:
        return cannot_sign_page(Attempt(request, saml), fault)
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


def _is_window(request: HttpRequest) -> bool:
    """Whether a person can follow the answer, as far as browsers show it: not an image, a script or a frame of a page.

    Otherwise any page could begin sign-ins without end in the browser of a visitor, and spend the limit of the whole office.
    """
    mode, destination = (request.headers.get(f"Sec-Fetch-{name}") for name in ("Mode", "Dest"))
    return mode in {None, "navigate"} and destination in {None, "document"}


def _sent_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a link on a foreign page led here, as far as browsers show it.

    Our pages offer a sign-in only to people who are signed out. A signed-in person may come from the administration's own sign-in, which follows
    any link after it.
    """
    site = request.headers.get("Sec-Fetch-Site")
    return site in {"cross-site", "same-site"} or (site == "same-origin" and request.user.is_authenticated)


@credential("none")
@csrf_exempt  # The IdP's page posts here. InResponseTo and the cookie of this browser protect against forged requests (SAML profiles 4.1.5).
@never_cache
def acs(request: HttpRequest, slug: str) -> HttpResponse:
    """Verify a message, use it up, let the person in, and redirect the browser to `sso.sign_in.views.finish` by a GET."""
    if request.method != "POST":
        return _by_link(request)
    token = progress.browser_token_of(request)
    attempt = Attempt(request, _settings(slug, token))
    try:
        state = pending_sign_in(attempt, token)
        if state is not None and state.tester_id is not None:
            return finish_test(attempt, state)
        require_live(attempt.saml)
        assertion = verified_assertion(attempt, state)
    except SamlRefusal as refusal:
        return refused_message(attempt, refusal)
    except VerifierFault as fault:
        return our_fault_page(attempt, fault)
    explain_attributes(attempt.trace, attempt.saml, assertion)
    try:
        person = person_of(assertion, attempt.saml)
        entrance = enter(actor=actor_of(attempt, person), connection=attempt.saml.connection, person=person)
    except IdentityError as refusal:
        return refused_by_policy(attempt, assertion, refusal)
    identity = entrance.identity
    log.info("sign-in", extra=attempt.facts | {"identity": identity.pk})
    record(
        attempt,
        assertion,
        code=SIGNED_IN,
        decision=f"Signed in: {explain_entrance(attempt.trace, entrance)}",
        identity_id=identity.pk,
        user_id=identity.user_id,
    )
    arrival = progress.arrive(
        attempt.saml,
        identity,
        state=state,
        browser_token=token,
        next_path=safe_path(request.POST.get("RelayState")),
        assertion=assertion,
    )
    response = redirect("sso-finish", slug)
    response.status_code = 303
    response["Location"] += f"?{arrival.query}"
    progress.remember_browser(response, arrival.browser_token)
    return response


def _by_link(request: HttpRequest) -> HttpResponse:
    """Answer 405 with a page that helps a person. The page is the same for every slug, so it does not reveal which connections exist."""
    page = {"refused": last_reference(request), "reference": getattr(request, "request_id", "")}
    return HttpResponseNotAllowed(["POST"], render_to_string("sso/acs_by_link.html", page, request))


def _settings(slug: str, token: str | None) -> SamlSettings:
    try:
        return live_settings(slug)
    except Http404:
        return settings_under_test(slug, token)


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
    state = progress.sign_in_of_ticket(slug, ticket=ticket, browser_token=progress.browser_token_of(request))
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
    if not progress.take_last_step(state) or "stay" in request.POST:
        return redirect("me")
    try:
        require_open_gate(identity)  # the question may have been open for minutes
    except IdentityError as refusal:
        return refused_at_the_end(Attempt(request, live_settings(slug)), refusal)
    if progress.is_outdated(identity, ticket):
        return refused_message(Attempt(request, live_settings(slug)), SamlRefusal(Code.NO_REQUEST))
    now = state.now  # type: ignore[attr-defined]  # by `sign_in_of_ticket`
    begin_session(request, identity, until=state.session_until, now=now)
    progress.remember_session(request, state)
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
        return cannot_sign_page(Attempt(request, saml), fault)
    xml = sp_metadata(
        saml.sp,
        now=timezone.now(),
        certificates=announced_certificates(saml),
        signs_requests=saml.sign_requests,
        wants_assertions_signed=saml.idp.signed.needs_assertion,
        signer=signer,
    )
    return HttpResponse(xml, content_type="application/samlmetadata+xml")

"""What a browser meets: the way to the IdP and back (SAML profiles 4.1), who one is here, and the way out."""

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
from core_identity.budgets import hash_of_address, spend
from core_identity.credentials import credential
from core_identity.errors import IdentityError
from core_identity.selectors.story import role_values
from core_identity.selectors.users import user_summary
from core_identity.services.sign_in import require_open_gate
from sso import sign_in_state
from sso.keys import announced_certificates, signing_key
from sso.live_settings import live_settings
from sso.logout import remember_session
from sso.refusal_page import refused_at_the_end, refused_message, unable
from sso.relay_state import safe_path
from sso.saml.messages import sp_metadata
from sso.saml.refusals import Code, SamlRefusal
from sso.send_to_idp import send_to_idp
from sso.sign_in_choices import connections_to_show
from sso.sign_in_log import Attempt


@credential("none")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Offer the ways to sign in. Customers are not listed to strangers: where there are many, people type their address, or the name of theirs.

    What is typed comes by POST, so that addresses stand in no log, history or Referer; a link may name a slug, and an address in one is not read.
    Nobody may type for long (a budget of the network's address), and whoever may not is told so whatever was typed.
    """
    if request.user.is_authenticated:
        return redirect("me")
    typed = request.method == "POST"
    said = request.POST if typed else request.GET
    wanted = said.get("connection", "").strip().lower()
    going_on = urlencode({"next": safe_path(said["next"])}) if "next" in said else ""
    page = {"ask": True, "going_on": going_on, "next": said.get("next", "")}
    wait = spend(f"sign-in page {hash_of_address(request)}", settings.SIGN_IN_LOOKUPS_PER_MINUTE) if typed else 0
    if wait:
        response = render(request, "sso/sign_in.html", page | {"wait": True}, status=429)
        response["Retry-After"] = str(wait)
        return response
    if not typed and "@" in wanted:
        wanted = ""
    page["offered"], page["ask"] = connections_to_show(wanted)
    return render(request, "sso/sign_in.html", page | {"wanted": wanted})


@credential("none")
@require_GET
@never_cache
def login(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the IdP of a connection with an AuthnRequest of its own."""
    saml = live_settings(slug)
    try:
        away = sign_in_state.depart(
            saml,
            browser_token=sign_in_state.browser_token_of(request),
            next_path=safe_path(request.GET.get("next")),
            from_elsewhere=_sent_from_elsewhere(request),
        )
    except IdentityError as fault:
        return unable(Attempt(request, saml), fault)
    response = send_to_idp(request, saml, away.message)
    sign_in_state.remember_browser(response, away.browser_token)
    return response


def _sent_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a link on a foreign page led here, as far as a browser tells.

    Pages of ours offer a sign-in to whoever is signed out. Who is signed in and sent by one may come from the administration's own sign-in,
    which goes on to where any link said.
    """
    site = request.headers.get("Sec-Fetch-Site")
    return site in {"cross-site", "same-site"} or (site == "same-origin" and request.user.is_authenticated)


@credential("none")
@require_http_methods(["GET", "POST"])
@never_cache
def finish(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin the session: a request of this site, so the old session's cookie is here and is replaced.

    Where that session is somebody else's and the sign-in began at the IdP, or by a link on a foreign page, nobody here asked for it: by the one a
    stranger's assertion could have been brought, by the other the browser sent to a stranger's IdP. So the person is asked, and only their own
    POST goes on. A sign-in that began here is bound to this browser by its request, and goes on by itself.
    """
    asked = request.method == "POST"
    state = sign_in_state.arrived(
        slug,
        ticket=(request.POST if asked else request.GET).get("ticket", ""),
        browser_token=sign_in_state.browser_token_of(request),
    )
    if state is None or state.identity is None:
        saml = live_settings(slug)
        if request.user.is_authenticated:
            return redirect("me")  # the page was loaded again
        return refused_message(Attempt(request, saml), SamlRefusal(Code.NO_REQUEST))
    identity = state.identity
    another = request.user.is_authenticated and request.user.pk != identity.user_id
    if another and not state.asked_for_here and not asked:
        page = {"connection": identity.connection, "newcomer": identity.user, "ticket": request.GET["ticket"]}
        return render(request, "sso/another_user.html", page)
    if not sign_in_state.finish(state) or "stay" in request.POST:
        return redirect("me")
    try:
        require_open_gate(identity)  # minutes may have gone by since it was asked
    except IdentityError as refusal:
        return refused_at_the_end(Attempt(request, live_settings(slug)), refusal)
    now = state.now  # type: ignore[attr-defined]  # by `arrived`
    begin_session(request, identity, until=state.session_until, now=now)
    remember_session(request, state)
    return HttpResponseRedirect(safe_path(state.next_path))


@credential("session")
@require_safe
@never_cache
def me(request: HttpRequest) -> HttpResponse:
    """Who is signed in, with their roles and where each comes from (R32): a page, or JSON where that is preferred."""
    as_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    if not request.user.is_authenticated:
        return _nobody(request, as_json=as_json)
    identity = identity_of(request)
    document: dict[str, Any] = {
        **user_summary(request.user),
        "connection": identity.connection.slug if identity else None,
        "roles": role_values(request.user),
    }
    if as_json:
        return JsonResponse(document)
    called = request.user.get_full_name() or request.user.email or request.user.username
    page = {"told": document, "called": called, "connection": identity.connection if identity else None}
    return render(request, "sso/me.html", page)


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
    response["WWW-Authenticate"] = 'Session realm="CORE"'
    return response


@credential("none")
@require_safe
def metadata(request: HttpRequest, slug: str) -> HttpResponse:
    """Our metadata for the IdP of a connection (SAML metadata 2.4.4). Its address is our entity ID."""
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

"""The assertion consumer service, where a browser returns from the IdP (SAML profiles 4.1.5): verify the message, then let the person in."""

import logging

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from core_identity.credentials import credential
from core_identity.errors import IdentityError
from core_identity.services.sign_in import enter
from sso.models import SamlSettings
from sso.saml.refusals import SamlRefusal, Unjudged
from sso.settings.live_settings import live_settings, require_live
from sso.sign_in import progress
from sso.sign_in.explanations import explain_attributes, explain_entrance
from sso.sign_in.incoming_message import actor_of, pending_sign_in, verified_assertion
from sso.sign_in.log import Attempt, record
from sso.sign_in.mapping import person_of
from sso.sign_in.outcomes import SIGNED_IN
from sso.sign_in.refusal_page import facts, last_reference, refused_by_policy, refused_message, unjudged
from sso.sign_in.relay_state import safe_path
from sso.sign_in.sign_in_tests import finish_test, settings_under_test

log = logging.getLogger("sso.sign_ins")


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
    except Unjudged as fault:
        return unjudged(attempt, fault)
    explain_attributes(attempt.trace, attempt.saml, assertion)
    try:
        person = person_of(assertion, attempt.saml)
        entrance = enter(actor=actor_of(attempt, person), connection=attempt.saml.connection, person=person)
    except IdentityError as refusal:
        return refused_by_policy(attempt, assertion, refusal)
    identity = entrance.identity
    log.info("sign-in", extra=facts(request, attempt.saml) | {"identity": identity.pk})
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

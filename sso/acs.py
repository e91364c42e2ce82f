"""The way back from the IdP (SAML profiles 4.1.5): what came is believed or not, and whom it speaks of let in or not."""

import logging
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core_identity.credentials import credential
from core_identity.errors import IdentityError
from core_identity.services.sign_in import enter
from core_identity.values import Actor, ActorKind, Channel, Person
from sso import sign_in_state
from sso.explanations import explain_attributes, explain_entrance
from sso.keys import opening_keys
from sso.live_settings import live_settings
from sso.mapping import person_of
from sso.models import SignInState
from sso.refusal_page import facts, refused_by_policy, refused_message
from sso.relay_state import safe_path
from sso.saml.assertion import VerifiedAssertion
from sso.saml.expectations import Expected
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.verifier import unverified_in_response_to, verify
from sso.sign_in_log import SIGNED_IN, Attempt, record

log = logging.getLogger("sso.sign_ins")


@credential("none")
@csrf_exempt  # The IdP's page posts here. InResponseTo and the browser's own cookie are what protects (SAML profiles 4.1.5).
@require_POST
@never_cache
def acs(request: HttpRequest, slug: str) -> HttpResponse:
    """Assertion consumer service: verify, take it once, let the person in, and go on by a GET on this site."""
    attempt = Attempt(request, live_settings(slug))
    token = sign_in_state.browser_token_of(request)
    try:
        state = departed(attempt, token)
        assertion = believed(attempt, state)
    except SamlRefusal as refusal:
        return refused_message(attempt, refusal)
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
        decision=explain_entrance(attempt.trace, entrance),
        identity_id=identity.pk,
        user_id=identity.user_id,
    )
    arrival = sign_in_state.arrive(
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
    sign_in_state.remember_browser(response, arrival.browser_token)
    return response


def departed(attempt: Attempt, token: str | None) -> SignInState | None:
    """Return the sign-in that a message says it answers, if this browser began it; None where the IdP began. Raises `SamlRefusal`."""
    with attempt.trace.step("XML within the limits"):
        request_id = unverified_in_response_to(attempt.request.POST.get("SAMLResponse", ""))
    if request_id is not None:
        with attempt.trace.step("Answers a request of ours, in the browser that left"):
            return sign_in_state.waiting_state(attempt.saml, request_id, token)
    with attempt.trace.step("Sign-ins may start at the IdP"):
        if not attempt.saml.idp_initiated:
            raise SamlRefusal(Code.UNSOLICITED, expected="InResponseTo")
    return None


def believed(attempt: Attempt, state: SignInState | None) -> VerifiedAssertion:
    """Return a message's assertion once it is verified and used up; raise `SamlRefusal`."""
    saml, request_id = attempt.saml, state.request_id if state else None
    expected = Expected(saml.idp, saml.sp, request_id, timezone.now(), partial(opening_keys, saml), saml.skew)
    assertion = verify(attempt.request.POST.get("SAMLResponse", ""), expected, attempt.trace)
    with attempt.trace.step("Not used before"):
        sign_in_state.use_up(saml, assertion, state)
    return assertion


def actor_of(attempt: Attempt, person: Person) -> Actor:
    label = f"{person.uid or person.name_id or 'somebody'} by SSO"[:300]
    return Actor(Channel.SSO, ActorKind.SIGN_IN, label, request_id=attempt.reference)

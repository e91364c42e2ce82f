"""What came back from the IdP: whose sign-in it is, and whether it is believed. Each step stands in the trace."""

from functools import partial

from core_identity.clock import database_now
from core_identity.values import Actor, ActorKind, Channel, Person
from sso import sign_in_state
from sso.keys import opening_keys
from sso.models import SignInState
from sso.saml.assertion import VerifiedAssertion
from sso.saml.expectations import Expected
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.verifier import unverified_in_response_to, verify
from sso.sign_in_log import Attempt


def departed(attempt: Attempt, token: str | None) -> SignInState | None:
    """Return the sign-in that a message says it answers, if this browser began it; None where the IdP began. Raises `SamlRefusal`."""
    with attempt.trace.step("XML within the limits"):
        messages = attempt.request.POST.getlist("SAMLResponse")
        if len(messages) != 1:  # of two, what stands before us may have read the other
            raise SamlRefusal(Code.STRUCTURE, expected="one SAMLResponse", received=str(len(messages)))
        request_id = unverified_in_response_to(messages[0])
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
    keys = partial(opening_keys, saml)
    expected = Expected(saml.idp, saml.sp, request_id, database_now(), keys, saml.skew, saml.wishes)
    assertion = verify(attempt.request.POST.get("SAMLResponse", ""), expected, attempt.trace)
    with attempt.trace.step("Not used before"):
        sign_in_state.use_up(saml, assertion, state)
    return assertion


def actor_of(attempt: Attempt, person: Person) -> Actor:
    label = f"{person.uid or person.name_id or 'somebody'} by SSO"[:300]
    return Actor(Channel.SSO, ActorKind.SIGN_IN, label, request_id=attempt.reference)

"""A message that a browser brings from the IdP: find the sign-in that it answers, and verify it. Each step is in the trace."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from django.db import Error
from django.http import HttpRequest

from core_identity.clock import database_now
from core_identity.values import Actor, ActorKind, Channel, Person
from sso.models import SamlSettings, SignInState
from sso.saml.claims import VerifiedAssertion
from sso.saml.expectations import Expected
from sso.saml.refusals import Code, SamlRefusal, VerifierFault
from sso.saml.trace import Trace
from sso.saml.verifier import unverified_in_response_to, verify
from sso.settings.keys import opening_keys
from sso.sign_in import progress

log = logging.getLogger("sso.sign_ins")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in at a connection, in progress."""

    request: HttpRequest
    saml: SamlSettings
    trace: Trace = field(default_factory=Trace)
    is_test: bool = False

    @property
    def reference(self) -> str:
        return str(getattr(self.request, "request_id", ""))

    @property
    def facts(self) -> dict[str, object]:
        """The fields of every log line about a sign-in: names and references, never a value from an assertion."""
        return {"reference": self.reference, "connection": self.saml.connection.slug}


@contextmanager
def judging(attempt: Attempt) -> Iterator[None]:
    """Refuse an unverified message that causes an exception in the block: no stranger may cause a 500.

    Raises `VerifierFault` if the fault is ours: no memory, or a failure after the message was verified. A failure of the database passes through,
    because the message did not cause it.
    """
    try:
        yield
    except (SamlRefusal, VerifierFault, Error):
        raise
    except Exception as fault:
        if attempt.trace.believed or isinstance(fault, MemoryError):
            raise VerifierFault("A message could not be judged.") from fault
        log.exception("an unverified message made us fail, and was refused", extra=attempt.facts)
        raise SamlRefusal(
            Code.STRUCTURE, expected="a message that can be processed", received=type(fault).__name__
        ) from fault


def pending_sign_in(attempt: Attempt, token: str | None) -> SignInState | None:
    """Return the sign-in that a message claims to answer, if this browser began it; None if the IdP began. Raises `SamlRefusal`."""
    with attempt.trace.step("XML within the limits"):
        messages = attempt.request.POST.getlist("SAMLResponse")
        if len(messages) != 1:  # of two messages, a proxy or firewall may have checked the other one
            raise SamlRefusal(Code.STRUCTURE, expected="one SAMLResponse", received=str(len(messages)))
        with judging(attempt):
            request_id = unverified_in_response_to(messages[0])
    if request_id is not None:
        with attempt.trace.step("Answers a request of ours, in the browser that left"):
            return progress.departed_sign_in(attempt.saml, request_id, token)
    with attempt.trace.step("Sign-ins may start at the identity provider"):
        if not attempt.saml.idp_initiated:
            raise SamlRefusal(Code.UNSOLICITED, expected="InResponseTo")
    return None


def verified_assertion(attempt: Attempt, state: SignInState | None) -> VerifiedAssertion:
    """Verify a message, use it up, and return its assertion. Raises `SamlRefusal`."""
    saml, request_id = attempt.saml, state.request_id if state else None
    keys = partial(opening_keys, saml)
    now = database_now() if state is None else state.now  # type: ignore[attr-defined]  # by `departed_sign_in`
    expected = Expected(saml.idp, saml.sp, request_id, now, keys, saml.skew, saml.wishes)
    with judging(attempt):
        assertion = verify(attempt.request.POST.get("SAMLResponse", ""), expected, attempt.trace)
    with attempt.trace.step("Not used before"):
        progress.use_up(saml, assertion, state)
    return assertion


def actor_of(attempt: Attempt, person: Person) -> Actor:
    label = f"{person.uid or person.name_id or 'somebody'} by SSO"[:300]
    return Actor(Channel.SSO, ActorKind.SIGN_IN, label, request_id=attempt.reference)

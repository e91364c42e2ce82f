"""The page of a refused sign-in: plain words and a reference for the person, all facts for the log.

A reload or the back button sends a refused message again. A cookie finds the first reference of that message, and the page shows it again (R35).
"""

import hashlib
import logging
import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core_identity.brand import BRAND
from core_identity.budgets import hash_of_address, spend
from core_identity.clock import Now
from core_identity.errors import Busy, Conflict, IdentityError, MayNotSignIn, MissingAttributes, NoMark
from core_identity.outages import RETRY_AFTER
from sso.models import SamlSettings, SignInState
from sso.saml.claims import VerifiedAssertion
from sso.saml.refusals import Code, SamlRefusal, VerifierFault
from sso.sign_in.choices import remembered_way
from sso.sign_in.explanations import explain_refusal
from sso.sign_in.incoming_message import Attempt
from sso.sign_in.log import names_shown, record, record_stranger
from sso.sign_in.mapping import called_here
from sso.sign_in.progress import browser_token_of, hashed
from sso.sign_in.refusal_advice import advice_for

log = logging.getLogger("sso.sign_ins")

COOKIE: Final = "__Host-refused"
"""The cookie with the reference and the digest of the last refused message. ``SameSite=None``, because messages come by a POST from another site."""
LASTS: Final = timedelta(minutes=30)
_VALUE: Final = re.compile(r"([2-9A-Z]{10})\.([0-9a-f]{32})")

CANNOT_SIGN: Final = (
    f"{BRAND} cannot send you to your identity provider, because a key of {BRAND} cannot be opened. "
    f"Please tell an administrator of {BRAND}."
)
BUSY: Final = f"{BRAND} is busy with other changes for your company. Nothing was changed. Please wait a few seconds, then try again."
OUR_FAULT: Final = f"{BRAND} could not check the message of your identity provider. This is a fault of {BRAND}. Please try again in a moment."
AGAIN: Final = "This sign-in was refused before, and your browser has sent it again. Please start again."
SIGNED_IN_ALREADY: Final = "Your browser has sent a finished sign-in again."
NOT_EVERYTHING: Final = f"Your identity provider did not send everything that {BRAND} needs to identify you."
IN_DOUBT: Final = f"{BRAND} cannot be sure who you are, so you are not signed in. An administrator must decide. Please give them the reference."
TOO_MANY: Final = "Too many sign-ins from your network were refused. Please wait a minute, then start again."
TOO_MANY_SIGN_INS: Final = "Too many sign-ins were started within a minute. Please wait a minute, then start again."


def refused_message(attempt: Attempt, refusal: SamlRefusal) -> HttpResponse:
    """Answer a message that is not believed. It writes a line in the log and no event, because strangers must not be able to fill the events."""
    context = {"code": refusal.code.value, "expected": refusal.expected}
    log.warning("sign-in refused", extra=attempt.facts | context)
    record_stranger(attempt, refusal)
    if refusal.code is Code.OUR_KEY:  # the fault is ours, so it does not count against the address
        log.error("no key of ours opens", extra=attempt.facts)
        return _page(attempt, status=503, sentence=refusal.sentence, code=refusal.code.value)
    wait = count_refusal(attempt)
    if wait:
        response = _page(attempt, status=429, sentence=TOO_MANY, code="too_many_requests")
        response["Retry-After"] = str(wait)
        return response
    sentence, done = refusal.sentence, False
    if refusal.code is Code.REPLAY:
        done = _finished_lately(attempt.saml, browser_token_of(attempt.request))
        sentence = SIGNED_IN_ALREADY if done else AGAIN if first_reference(attempt.request) else sentence
    return _page(attempt, status=400, sentence=sentence, code=refusal.code.value, done=done)


def _finished_lately(saml: SamlSettings, browser_token: str | None) -> bool:
    """Whether this browser has just finished a sign-in at the connection. If so, a repeated message comes from its back button."""
    if not browser_token:
        return False
    mine = SignInState.objects.filter(connection=saml.connection, browser_hash=hashed(browser_token), tester=None)
    return mine.filter(finished_at__isnull=False, expires_at__gt=Now()).exists()


def count_refusal(attempt: Attempt) -> int:
    """Count a message that is not believed. Return the seconds to wait if there were too many from this address, otherwise 0.

    Only refused messages are counted. A valid sign-in from the same address, maybe of a whole office, is always accepted.
    """
    who = f"refused at {attempt.saml.pk} {hash_of_address(attempt.request)}"
    return spend(who, settings.SIGN_IN_FAILURES_PER_MINUTE)


def our_fault_page(attempt: Attempt, fault: VerifierFault) -> HttpResponse:
    """Answer a message that we failed to judge: 503, and an ERROR in the log with the cause."""
    log.error("a message could not be judged", exc_info=fault, extra=attempt.facts)
    return _page(attempt, status=503, sentence=OUR_FAULT, code="our_fault")


def refused_by_policy(attempt: Attempt, assertion: VerifiedAssertion, refusal: IdentityError) -> HttpResponse:
    """Answer a believed message of a person who may not come in."""
    missing: list[str] = []
    sentence = refusal.message
    user_id = refusal.user_id if isinstance(refusal, MayNotSignIn) else None
    if isinstance(refusal, MissingAttributes):
        missing = [called_here(name, attempt.saml) for name in refusal.missing]
        sentence = NOT_EVERYTHING
    if isinstance(refusal, Conflict):
        # The browser does not learn which name or address it is. The administrator finds it by the reference.
        sentence = IN_DOUBT
    if isinstance(refusal, NoMark):
        # The owner of the UID: the administrator looks for it on this user's page.
        user_id = refusal.collision.other_user_id
    if isinstance(refusal, Busy):
        sentence = BUSY
    names: dict[str, Any] = {"missing": missing, "arrived": names_shown(assertion)}
    log.warning("sign-in refused", extra=attempt.facts | names | {"code": refusal.code})
    explain_refusal(attempt.trace, attempt.saml, refusal)
    record(attempt, assertion, code=refusal.code, decision=sentence, missing=missing, user_id=user_id)
    status = 503 if isinstance(refusal, Busy) else 403
    response = _page(attempt, status=status, sentence=sentence, code=refusal.code, reason=_reason(refusal), **names)
    if isinstance(refusal, Busy):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def refused_at_the_end(attempt: Attempt, refusal: IdentityError) -> HttpResponse:
    """Answer a person who was let in, and who may no longer come in at the moment when the session would begin."""
    log.warning("sign-in refused at its end", extra=attempt.facts | {"code": refusal.code})
    attempt.trace.believe()  # the message was, in an earlier request of this browser
    return _page(attempt, status=403, sentence=refusal.message, code=refusal.code, reason=_reason(refusal))


def cannot_sign_page(attempt: Attempt, fault: IdentityError) -> HttpResponse:
    """Answer a person who cannot be sent to the IdP because we cannot sign the message. An unsigned one would weaken the connection."""
    log.error("no way to the IdP", extra=attempt.facts | {"code": fault.code, "fault": fault.message})
    return _page(attempt, status=503, sentence=CANNOT_SIGN, code="our_key")


def too_many_sign_ins_page(attempt: Attempt, *, wait: int, again: str) -> HttpResponse:
    """Answer a person who cannot begin a sign-in for ``wait`` seconds. Nothing is stored. ``again`` is the address of the same sign-in."""
    log.warning("too many sign-ins begun", extra=attempt.facts)
    response = _page(attempt, status=429, sentence=TOO_MANY_SIGN_INS, code="too_many_sign_ins", again=again)
    response["Retry-After"] = str(wait)
    return response


def _reason(refusal: IdentityError) -> str:
    return refusal.reason if isinstance(refusal, MayNotSignIn) else ""


def contact_for(attempt: Attempt) -> dict[str, str]:
    """Return the support contact of the customer for a person whom its IdP vouches for, or whose browser has signed in here before.

    Everybody else may be a stranger who tries slugs, and gets an empty contact.
    """
    connection = attempt.saml.connection
    is_known = attempt.trace.believed or remembered_way(attempt.request) == connection.slug
    return connection.customer.support_contact if is_known else {}


def _page(attempt: Attempt, *, status: int, code: str, reason: str = "", **context: Any) -> HttpResponse:
    first = first_reference(attempt.request)
    page = {
        "connection": attempt.saml.connection,
        "reference": first or attempt.reference,
        "code": code,
        "advice": advice_for(code, reason=reason),
        "is_staff": reason == "staff",
        "contact": contact_for(attempt),
        **context,
    }
    response = render(attempt.request, "sso/refused.html", page, status=status)
    if not first:
        remember_refusal(attempt.request, response, attempt.reference)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = str(RETRY_AFTER)
    return response


def first_reference(request: HttpRequest) -> str:
    """Return the reference of the first refusal of this message in this browser, otherwise an empty text."""
    reference, digest = _stored_refusal(request)
    return reference if digest and digest == _digest(request) else ""


def last_reference(request: HttpRequest) -> str:
    """Return the reference of the last refusal in this browser, otherwise an empty text. It is only shown: a browser can write any cookie."""
    return _stored_refusal(request)[0]


def remember_refusal(request: HttpRequest, response: HttpResponse, reference: str) -> None:
    """Store the reference in a cookie, if the request contains a message."""
    digest = _digest(request)
    if digest and reference:
        value = f"{reference}.{digest}"
        response.set_cookie(COOKIE, value, max_age=LASTS, path="/", secure=True, httponly=True, samesite="None")


def _stored_refusal(request: HttpRequest) -> tuple[str, str]:
    match = _VALUE.fullmatch(request.COOKIES.get(COOKIE, ""))
    return (match[1], match[2]) if match else ("", "")


def _digest(request: HttpRequest) -> str:
    message = request.POST.get("SAMLResponse", "")
    return hashlib.sha256(message.encode()).hexdigest()[:32] if message else ""

"""A sign-in that is refused: in plain words for the person, with a reference; with all that is known for the log."""

import logging
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core_identity.budgets import hash_of_address, spend
from core_identity.errors import Conflict, IdentityError, MissingAttributes
from sso.mapping import called_here
from sso.models import SamlSettings
from sso.saml.assertion import VerifiedAssertion
from sso.saml.claims import names_of
from sso.saml.refusals import SamlRefusal
from sso.sign_in_log import record, record_stranger

log = logging.getLogger("sso.sign_ins")

TOO_MANY: Final = "Too many sign-ins from your network were refused. Please wait a minute, then start again."


def refused_message(request: HttpRequest, saml: SamlSettings, refusal: SamlRefusal) -> HttpResponse:
    """Answer a message that is not believed. It leaves a line in the log and no event: strangers do not write the story."""
    told = {"code": refusal.code.value, "expected": refusal.expected, "received": refusal.received}
    log.warning("sign-in refused", extra=facts(request, saml) | told)
    record_stranger(request, saml, refusal)
    # Only what failed is counted and refused: a good sign-in from the same address, maybe of a whole office, is always let in.
    wait = spend(f"refused at {saml.pk} {hash_of_address(request)}", settings.SIGN_IN_FAILURES_PER_MINUTE)
    if wait:
        response = _page(request, saml, status=429, sentence=TOO_MANY, code="too_many_requests")
        response["Retry-After"] = str(wait)
        return response
    return _page(request, saml, status=400, sentence=refusal.sentence, code=refusal.code.value)


def refused_by_policy(
    request: HttpRequest, saml: SamlSettings, assertion: VerifiedAssertion, refusal: IdentityError
) -> HttpResponse:
    """Answer a believed message whose person may not come in."""
    arrived = list(names_of(assertion))
    missing: list[str] = []
    sentence = refusal.message
    if isinstance(refusal, MissingAttributes):
        missing = [called_here(name, saml) for name in refusal.missing]
        sentence = "Your identity provider did not send everything that CORE needs to know you."
    if isinstance(refusal, Conflict):
        # Whose name or address it is stays between us and the administrator (who finds it by the reference).
        sentence = "CORE cannot tell for sure who you are, so nothing was opened. An administrator has to look at it."
    told = {"missing": missing, "arrived": arrived}
    log.warning("sign-in refused", extra=facts(request, saml) | {"code": refusal.code} | told)
    record(
        request,
        saml,
        assertion,
        code=refusal.code,
        decision=sentence,
        missing=missing,
    )
    return _page(request, saml, status=403, sentence=sentence, code=refusal.code, **told)


def refused_at_the_end(request: HttpRequest, saml: SamlSettings, refusal: IdentityError) -> HttpResponse:
    """Answer whoever was let in, and may not come in any more when the session would begin."""
    log.warning("sign-in refused at its end", extra=facts(request, saml) | {"code": refusal.code})
    return _page(request, saml, status=403, sentence=refusal.message, code=refusal.code)


def facts(request: HttpRequest, saml: SamlSettings) -> dict[str, object]:
    """Return what every line about a sign-in says: names and references, never a value out of an assertion."""
    return {"reference": getattr(request, "request_id", ""), "connection": saml.connection.slug}


def _page(request: HttpRequest, saml: SamlSettings, *, status: int, **told: Any) -> HttpResponse:
    page = {"connection": saml.connection, "reference": getattr(request, "request_id", ""), **told}
    return render(request, "sso/refused.html", page, status=status)

"""The sign-in log: one row a sign-in, whatever became of it, found by the reference that the refused person reads out."""

import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.http import HttpRequest
from django.utils import timezone

from core_identity.budgets import hash_of_address, spend
from sso.models import SamlSettings, SignInRecord
from sso.saml.assertion import VerifiedAssertion
from sso.saml.claims import names_of
from sso.saml.refusals import SamlRefusal

log = logging.getLogger("sso.sign_in_log")

SIGNED_IN = "signed_in"


def record(
    request: HttpRequest,
    saml: SamlSettings,
    assertion: VerifiedAssertion,
    *,
    code: str,
    decision: str,
    missing: list[str] | None = None,
    identity_id: UUID | None = None,
    user_id: UUID | None = None,
) -> None:
    """Write the row of a message that is believed, in one statement. ``decision`` is a sentence."""
    _write(
        request,
        saml,
        code=code,
        decision=decision[:300],
        idp_initiated=assertion.in_response_to is None,
        arrived=list(names_of(assertion)),
        missing=missing or [],
        identity_id=identity_id,
        user_id=user_id,
    )


def record_stranger(request: HttpRequest, saml: SamlSettings, refusal: SamlRefusal) -> None:
    """Write the row of a message that is not believed, in two statements; none beyond ``FAILURES_PER_MINUTE`` of an address."""
    if not settings.SIGN_IN_LOG_DAYS or spend(
        f"sign-in rows of {hash_of_address(request)}", settings.FAILURES_PER_MINUTE
    ):
        return  # a stranger shall not be able to fill the table
    _write(
        request,
        saml,
        code=refusal.code.value,
        decision=refusal.sentence,
        expected=refusal.expected,
        received=refusal.received,
    )


def _write(request: HttpRequest, saml: SamlSettings, **told: Any) -> None:
    """Write a row, in no transaction. Where it cannot be written, only the log of the process tells: no sign-in fails by it."""
    if not settings.SIGN_IN_LOG_DAYS:
        return
    try:
        SignInRecord(
            at=timezone.now(),
            connection_id=saml.connection.pk,
            connection_slug=saml.connection.slug,
            reference=getattr(request, "request_id", ""),
            **told,
        ).save(force_insert=True)
    except Error:
        log.exception("A row of the sign-in log could not be written")

"""The sign-in log: one row a sign-in, whatever became of it, found by the reference that the refused person reads out (R35)."""

import logging
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core_identity.budgets import hash_of_address, spend
from core_identity.outages import is_outage, log_traceback
from sso.models import SamlSettings, SignInRecord
from sso.saml.assertion import VerifiedAssertion
from sso.saml.claims import names_of
from sso.saml.refusals import SamlRefusal, legible
from sso.saml.trace import Check, Trace

log = logging.getLogger("sso.sign_in_log")

SIGNED_IN: Final = "signed_in"
LOGOUT_REFUSED: Final = "logout_refused"

COLUMNS: Final = {
    "at": "at",
    "connection_id": "connection_id",
    "connection": "connection_slug",
    "reference": "reference",
    "outcome": "code",
    "decision": "decision",
    "test": "is_test",
    "idp_initiated": "idp_initiated",
    "identity_id": "identity_id",
    "user_id": "user_id",
    "arrived": "arrived",
    "missing": "missing",
    "expected": "expected",
    "received": "received",
    "duration_ms": "duration_ms",
    "checks": "checks",
}
"""What stands in an export, and which field of `SignInRecord` it is."""

REFUSED: Final = ~Q(code__in=[SIGNED_IN, LOGOUT_REFUSED]) & Q(is_test=False)
MOST_COUNTED: Final = 1000

MAX_NAMES: Final = 100
"""Names of attributes that are kept of one sign-in."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in at a connection, as far as it has come."""

    request: HttpRequest
    saml: SamlSettings
    trace: Trace = field(default_factory=Trace)
    is_test: bool = False

    @property
    def reference(self) -> str:
        return str(getattr(self.request, "request_id", ""))


def names_shown(assertion: VerifiedAssertion) -> list[str]:
    """Return the names of the attributes that arrived, legible and bounded: an IdP writes what it likes."""
    return [legible(name) for name in names_of(assertion)][:MAX_NAMES]


def record(
    attempt: Attempt,
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
        attempt,
        code=code,
        decision=decision[:300],
        idp_initiated=assertion.in_response_to is None,
        arrived=names_shown(assertion),
        missing=missing or [],
        identity_id=identity_id,
        user_id=user_id,
    )


def record_stranger(attempt: Attempt, refusal: SamlRefusal, *, decision: str = "") -> None:
    """Write the row of a message that is not believed, in two statements; none beyond ``FAILURES_PER_MINUTE`` of an address."""
    if _may_fill(attempt):
        _write_refusal(attempt, refusal, code=refusal.code.value, decision=refusal.sentence)


def record_refused_logout(attempt: Attempt, refusal: SamlRefusal) -> None:
    """Write the row of a logout message that is refused, so that the reference on its page finds it. Limited as `record_stranger` is."""
    if _may_fill(attempt):
        attempt.trace.note("Logout message", False, expected=refusal.expected, received=refusal.received)
        decision = f"A logout message was refused: {refusal.code.value}."
        _write_refusal(attempt, refusal, code=LOGOUT_REFUSED, decision=decision)


def _may_fill(attempt: Attempt) -> bool:
    """Whether a stranger's row may be written: nobody must be able to fill the table."""
    key = f"sign-in rows of {hash_of_address(attempt.request)}"
    return bool(settings.SIGN_IN_LOG_DAYS) and not spend(key, settings.FAILURES_PER_MINUTE)


def _write_refusal(attempt: Attempt, refusal: SamlRefusal, *, code: str, decision: str) -> None:
    _write(
        attempt,
        code=code,
        decision=decision,
        expected=refusal.expected,
        received=refusal.received,
    )


def as_json(check: Check) -> dict[str, Any]:
    """Return a check as it is stored; what is empty or goes without saying is left out."""
    told: dict[str, Any] = {"check": check.name, "passed": check.passed}
    told |= {name: value for name in ("expected", "received") if (value := getattr(check, name))}
    return told if check.believed else {**told, "unverified": True}


def by_reference(text: str) -> QuerySet[SignInRecord]:
    """Return the rows whose reference begins with what somebody read out or pasted: in any case, with spaces or dashes in it."""
    reference = re.sub(r"[^0-9A-Z]", "", text.upper())
    return SignInRecord.objects.filter(reference__startswith=reference) if reference else SignInRecord.objects.none()


def records_between(
    *, since: datetime | None = None, until: datetime | None = None, slug: str | None = None, refused: bool = False
) -> QuerySet[SignInRecord]:
    """Return the rows from ``since`` on and before ``until`` (both aware), of the connection with this slug; only those who were ``refused``."""
    limits = {"at__gte": since, "at__lt": until, "connection_slug": slug}
    found = SignInRecord.objects.filter(**{name: limit for name, limit in limits.items() if limit is not None})
    return found.filter(REFUSED) if refused else found


def refused_lately(slug: str) -> int:
    """Return how many sign-ins by a connection were refused in the last 24 hours, ``MOST_COUNTED`` at most."""
    since = timezone.now() - timedelta(hours=24)
    return records_between(since=since, slug=slug, refused=True).order_by()[:MOST_COUNTED].count()


def _write(attempt: Attempt, **told: Any) -> None:
    """Write a row, in no transaction. Where it cannot be written, only the log of the process tells: no sign-in fails by it."""
    if not settings.SIGN_IN_LOG_DAYS:
        return
    try:
        SignInRecord(
            at=timezone.now(),
            connection_id=attempt.saml.connection.pk,
            connection_slug=attempt.saml.connection.slug,
            reference=attempt.reference,
            checks=[as_json(check) for check in attempt.trace.checks],
            duration_ms=attempt.trace.milliseconds,
            is_test=attempt.is_test,
            **told,
        ).save(force_insert=True)
    except Error as error:
        if is_outage(error):
            log_traceback(error)
        else:
            log.exception("A row of the sign-in log could not be written")

"""The sign-in log: one row for each sign-in, whatever its result, found by the reference on the page of the refused person (R35)."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.db import connection as database
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core_identity.budgets import hash_of_address, spend
from core_identity.compiled import written_out
from core_identity.lookup_keys import lookup_keys, named_any
from core_identity.outages import is_outage, log_traceback
from core_identity.services.erased_names import FORGET, of_erased
from sso.models import SamlSettings, SignInKind, SignInRecord, SsoSession
from sso.saml.claims import VerifiedAssertion, attribute_names
from sso.saml.refusals import Code, SamlRefusal, legible
from sso.saml.trace import Check
from sso.sign_in.incoming_message import Attempt
from sso.sign_in.outcomes import (
    LOGOUT_REFUSED,
    PASSWORD_ACCEPTED,
    PASSWORD_REFUSED,
    SIGNED_IN,
    SIGNED_OUT,
    words_of,
)

log = logging.getLogger("sso.sign_in.log")

COLUMNS: Final = {
    "at": "at",
    "connection_id": "connection_id",
    "connection": "connection_slug",
    "reference": "reference",
    "kind": "kind",
    "outcome": "code",
    "decision": "decision",
    "test": "is_test",
    "idp_initiated": "idp_initiated",
    "identity_id": "identity_id",
    "user_id": "user_id",
    "name_id": "name_id",
    "uid": "uid",
    "email": "email",
    "arrived": "arrived",
    "missing": "missing",
    "expected": "expected",
    "received": "received",
    "duration_ms": "duration_ms",
    "checks": "checks",
}
"""The columns of an export, each with its field of `SignInRecord`."""

REFUSED: Final = ~Q(code=SIGNED_IN) & Q(is_test=False, kind__in=[SignInKind.PERSON_REFUSED, SignInKind.MESSAGE_REFUSED])
"""Refused sign-ins by an IdP. The first condition is that of the index."""
COUNTED: Final = ~Q(kind=SignInKind.SIGNED_OUT) & Q(is_test=False, connection_id__isnull=False)
"""All sign-ins by an IdP, as Home counts them: not tests, sign-outs and passwords."""
UNKNOWN_CERTIFICATE_SQL: Final = f"(code = '{Code.SIGNATURE.value}' AND NOT is_test)"
"""The condition of an index."""
UNKNOWN_CERTIFICATE: Final = written_out(UNKNOWN_CERTIFICATE_SQL)
MOST_COUNTED: Final = 1000

MAX_VALUES: Final = 10
MAX_SHOWN: Final = 255
MAX_REFERENCE: Final = 10

MAX_NAMES: Final = 100
"""The maximum number of attribute names that are stored of one sign-in."""


def names_shown(assertion: VerifiedAssertion) -> list[str]:
    """Return the names of the attributes that arrived, legible and bounded, because an IdP may send any text."""
    return [legible(name) for name in attribute_names(assertion)][:MAX_NAMES]


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
        **({} if attempt.is_test else _names(attempt.saml, assertion, refused=code != SIGNED_IN)),
    )


def record_logout(attempt: Attempt, name_id: str, ended: Sequence[SsoSession]) -> None:
    """Write the row of a logout message that is believed; ``ended`` are the sessions that it ended, of one person."""
    identity = ended[0].identity if ended else None
    sessions = "1 session" if len(ended) == 1 else f"{len(ended)} sessions"
    _write(
        attempt,
        code=SIGNED_OUT,
        decision=f"Signed out by the identity provider: {sessions} ended."
        if ended
        else "The identity provider signed out a person without a session here.",
        identity_id=identity.pk if identity else None,
        user_id=identity.user_id if identity else None,
        keys=lookup_keys([name_id]),
    )


def record_sign_out(request: HttpRequest, *, session: SsoSession | None, user_id: UUID, decision: str) -> None:
    """Write the row of a session that the person ended. ``session`` is None if it began with a password."""
    _insert(
        connection_id=session.connection_id if session else None,
        connection_slug=session.connection.slug if session else "",
        reference=str(getattr(request, "request_id", "")),
        code=SIGNED_OUT,
        decision=decision,
        identity_id=session.identity_id if session else None,
        user_id=user_id,
        keys=lookup_keys([session.name_id] if session else []),
    )


def record_signed_out(*, request: HttpRequest, user: Any, **_: Any) -> None:
    """Write the row of a session that an administrator ended in the administration. A receiver of `signed_out`."""
    key = request.session.session_key
    session = SsoSession.objects.select_related("connection").filter(session_key=key).first() if key else None
    record_sign_out(request, session=session, user_id=user.pk, decision="Signed out of the administration.")


def record_password(*, user: Any, accepted: bool, reference: str, network: str, **_: Any) -> None:
    """Write the row of a password that was typed in the administration: one statement, two if it was refused. It never contains the typed name.

    A receiver of `password_judged`. A refused password of an unknown name writes the same kind of row, so the time of the answer reveals nothing.
    """
    if not accepted and not _budget_left(network):
        return
    _insert(
        reference=reference,
        code=PASSWORD_ACCEPTED if accepted else PASSWORD_REFUSED,
        decision="Signed in to the administration with a password."
        if accepted
        else "The password was wrong, or nobody has the name that was typed.",
        user_id=user.pk if user else None,
    )


def record_stranger(attempt: Attempt, refusal: SamlRefusal, *, decision: str = "") -> None:
    """Write the row of a message that is not believed, in two statements. Above ``FAILURES_PER_MINUTE`` of an address, write none."""
    if _may_fill(attempt):
        _write_refusal(attempt, refusal, code=refusal.code.value, decision=refusal.sentence)


def record_refused_logout(attempt: Attempt, refusal: SamlRefusal) -> None:
    """Write the row of a refused logout message, so that the reference on its page finds it. It is limited as in `record_stranger`."""
    if _may_fill(attempt):
        attempt.trace.note("Logout message", False, expected=refusal.expected, received=refusal.received)
        decision = f"A logout message was refused: {words_of(refusal.code)}."
        _write_refusal(attempt, refusal, code=LOGOUT_REFUSED, decision=decision)


def _may_fill(attempt: Attempt) -> bool:
    """Whether a stranger's row may be written. Nobody must be able to fill the table."""
    return _budget_left(hash_of_address(attempt.request))


def _budget_left(network: str) -> bool:
    return bool(settings.SIGN_IN_LOG_DAYS) and not spend(f"sign-in rows of {network}", settings.FAILURES_PER_MINUTE)


def _names(saml: SamlSettings, assertion: VerifiedAssertion, *, refused: bool) -> dict[str, Any]:
    """Return the names that find a row, and for a refused person the names that they claim: such a row has no link to a user."""
    mapped = (saml.connection.uid_attribute, saml.email_attribute, saml.external_id_attribute)
    uids, emails, external = (
        [value for value in assertion.attributes.get(name, ())[:MAX_VALUES] if value.strip()] for name in mapped
    )
    columns: dict[str, Any] = {"keys": lookup_keys([assertion.name_id, *uids, *emails, *external])}
    if refused:
        claims = {"name_id": assertion.name_id, "uid": next(iter(uids), ""), "email": next(iter(emails), "")}
        columns |= {name: legible(value.strip())[:MAX_SHOWN] for name, value in claims.items()}
    return columns


def _write_refusal(attempt: Attempt, refusal: SamlRefusal, *, code: str, decision: str) -> None:
    _write(
        attempt,
        code=code,
        decision=decision,
        expected=refusal.expected,
        received=refusal.received,
    )


def as_json(check: Check) -> dict[str, Any]:
    """Return a check in its stored form, without empty values and defaults."""
    stored: dict[str, Any] = {"check": check.name, "passed": check.passed}
    stored |= {name: value for name in ("expected", "received") if (value := getattr(check, name))}
    return stored if check.believed else {**stored, "unverified": True}


def by_reference(text: str) -> QuerySet[SignInRecord]:
    """Return the rows with a reference that begins with the text a person typed: in any letter case, with spaces or dashes."""
    reference = re.sub(r"[^0-9A-Z]", "", text.upper())
    return SignInRecord.objects.filter(reference__startswith=reference) if reference else SignInRecord.objects.none()


def search(text: str) -> Q:
    """Return the condition for rows with this reference or its beginning, or of a person with this NameID, UID, email or externalId."""
    reference = re.sub(r"[^0-9A-Z]", "", text.upper())
    is_reference = reference and len(reference) <= MAX_REFERENCE and re.fullmatch(r"[0-9A-Za-z\s-]+", text.strip())
    found = named_any([text])
    return found | Q(reference__startswith=reference) if is_reference else found


def records_between(
    *, since: datetime | None = None, until: datetime | None = None, slug: str | None = None, refused: bool = False
) -> QuerySet[SignInRecord]:
    """Return the rows from ``since`` on and before ``until`` (both aware), of the connection with this slug; ``refused``: only refused sign-ins."""
    limits = {"at__gte": since, "at__lt": until, "connection_slug": slug}
    found = SignInRecord.objects.filter(**{name: limit for name, limit in limits.items() if limit is not None})
    return found.filter(REFUSED) if refused else found


def without_names(record: SignInRecord) -> str:
    """Return the decision of a sign-in in words that name nobody. The sentence for a refused person may quote names."""
    if record.kind != SignInKind.PERSON_REFUSED:
        return record.decision
    words = words_of(record.code)
    return f"{words[:1].upper()}{words[1:]}."


def refused_lately(slug: str) -> int:
    """Return how many sign-ins by a connection were refused in the last 24 hours, ``MOST_COUNTED`` at most."""
    since = timezone.now() - timedelta(hours=24)
    return records_between(since=since, slug=slug, refused=True).order_by()[:MOST_COUNTED].count()


_FIELDS: Final = tuple(field for field in SignInRecord._meta.concrete_fields if field.name != "id")
_TABLE: Final = SignInRecord._meta.db_table
_BLANKED: Final = {
    **{name: f"CASE WHEN erased THEN '' ELSE {name} END" for name in ("name_id", "uid", "email")},
    "keys": "CASE WHEN erased THEN '{}' ELSE keys END",
    "decision": f"CASE WHEN erased AND kind = '{SignInKind.PERSON_REFUSED.value}' THEN '' ELSE decision END",
}
"""Columns that lose the values of a person who was erased meanwhile, as `sso.erasure` does with older rows."""
_INSERT: Final = f"""
WITH {FORGET}, given AS MATERIALIZED (
    SELECT given.*, {of_erased("given", own_id="user_id", at="statement_timestamp()")} AS erased
    FROM json_populate_record(NULL::{_TABLE}, %s::json) AS given
)
INSERT INTO {_TABLE} ({", ".join(f'"{field.attname}"' for field in _FIELDS)})
SELECT {", ".join(_BLANKED.get(field.attname, field.attname) for field in _FIELDS)} FROM given
"""  # noqa: S608 - names of our own


def _write(attempt: Attempt, **fields: Any) -> None:
    _insert(
        connection_id=attempt.saml.connection.pk,
        connection_slug=attempt.saml.connection.slug,
        reference=attempt.reference,
        checks=[as_json(check) for check in attempt.trace.checks],
        duration_ms=attempt.trace.milliseconds,
        is_test=attempt.is_test,
        **fields,
    )


_KINDS: Final[Mapping[str, SignInKind]] = MappingProxyType({
    SIGNED_IN: SignInKind.SIGNED_IN,
    PASSWORD_ACCEPTED: SignInKind.SIGNED_IN,
    PASSWORD_REFUSED: SignInKind.PASSWORD_REFUSED,
    SIGNED_OUT: SignInKind.SIGNED_OUT,
    LOGOUT_REFUSED: SignInKind.SIGNED_OUT,
    **dict.fromkeys(Code, SignInKind.MESSAGE_REFUSED),
})  # fmt: skip


def kind_of(code: str) -> SignInKind:
    """Return the kind of a code. A code that is not listed is a refusal of core_identity: the message was believed, and the person was refused."""
    return _KINDS.get(code, SignInKind.PERSON_REFUSED)


def _insert(*, code: str, **values: Any) -> None:
    """Write a row, in no transaction of its own. If it cannot be written, only the log of the process has a line: no sign-in fails because of it."""
    if not settings.SIGN_IN_LOG_DAYS:
        return
    row = SignInRecord(at=timezone.now(), kind=kind_of(code), code=code, **values)
    document = {field.attname: getattr(row, field.attname) for field in _FIELDS}
    try:
        with database.cursor() as cursor:
            cursor.execute(_INSERT, [json.dumps(document, default=str)])
    except Error as error:
        if is_outage(error):
            log_traceback(error)
        else:
            log.exception("A row of the sign-in log could not be written")

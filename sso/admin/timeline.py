"""The sign-ins of a person, as a part of the timeline (R36)."""

from typing import Any, Final

from django.urls import reverse

from core_identity.admin_kit.logs import may_see_connections
from core_identity.admin_kit.timeline import Entry, Source, Subject, newest_of_each
from core_identity.lookup_keys import named_any
from sso.models import SignInKind, SignInRecord
from sso.sign_in.outcomes import words_of

TONES: Final = {
    SignInKind.SIGNED_IN: "fine",
    SignInKind.SIGNED_OUT: "plain",
    SignInKind.PASSWORD_REFUSED: "attention",
}


def _window(subject: Subject, position: str, limit: int) -> list[Entry]:
    """Return the rows of the user, and refused rows in which somebody claimed a name of this person at a connection of theirs."""
    rows = SignInRecord.objects.filter(is_test=False)
    found = newest_of_each(rows, "user_id", subject.users, position, limit)
    names = subject.names()
    if names:
        connections = {one.connection_id for one in subject.identities}
        claims = rows.filter(named_any(names), user_id=None, kind=SignInKind.PERSON_REFUSED)
        found += newest_of_each(claims, "connection_id__in", [connections], position, limit)
    found.sort(key=lambda record: -record.pk)
    return [_entry(record) for record in found[:limit]]


def _entry(record: Any) -> Entry:
    words = words_of(record.code)
    by = f" through {record.connection_slug}" if record.connection_slug else ""
    refused = record.kind == SignInKind.PERSON_REFUSED
    return Entry(
        at=record.at,
        sentence=f"Sign-in{by} refused: {words}." if refused else f"{words[0].upper()}{words[1:]}{by}.",
        url=reverse("admin:sso_signinrecord_change", args=[record.pk]),
        tone=TONES.get(record.kind, "trouble"),
        position=str(record.pk),
        detail=record.decision if refused else "",
        reference=record.reference,
    )


SIGN_INS: Final = Source("sign-ins", "Sign-ins", _window, may_see_connections)

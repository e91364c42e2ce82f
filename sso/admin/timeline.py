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
    """Return the rows of the user, and refused rows with a name by which the same connection knows this person.

    A refused sign-in concerns several people: the owner of the UID in it, and everybody whom its NameID, email or externalId names (R8b).
    """
    rows = SignInRecord.objects.filter(is_test=False)
    claims = rows.filter(kind=SignInKind.PERSON_REFUSED).exclude(user_id__in=subject.users)
    windows = [
        *(rows.filter(user_id=user) for user in subject.users),
        *(
            claims.filter(named_any(names), connection_id=connection)
            for connection, names in subject.names_at().items()
        ),
    ]
    return [_entry(record, subject) for record in newest_of_each(windows, position, limit)]


def _entry(record: Any, subject: Subject) -> Entry:
    words = words_of(record.code)
    by = f" through {subject.connection_called(record.connection_slug)}" if record.connection_slug else ""
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

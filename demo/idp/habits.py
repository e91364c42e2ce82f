"""How this IdP differs from the plain one: habits that a product has to bear, and mistakes that it has to name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from demo.idp import names


@dataclass(frozen=True, slots=True)
class Habits:
    """``key`` is *current*, *second* (announced too) or *old* (not announced any more); ``uid_attribute`` None leaves it out."""

    name_id_format: str = names.NAME_ID_UNSPECIFIED
    signs_response: bool = True
    encrypts: bool = False
    key: str = "current"
    audience: str | None = None
    uid_attribute: str | None = "UID"
    uid: str | None = None
    clock: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Choice:
    """One radio button: what it changes, in words for the person who tries it."""

    value: str
    label: str
    help: str = ""
    changes: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Radio buttons of one name; the first is the plain case."""

    name: str
    label: str
    choices: tuple[Choice, ...]


MISTAKE: Final = Question(
    "mistake",
    "A mistake in Okta",
    (
        Choice("none", "None"),
        Choice(
            "audience",
            "Wrong audience",
            "The Audience URI (SP Entity ID) was copied from another app.",
            {"audience": "https://another-app.example/metadata"},
        ),
        Choice("no_uid", "UID missing", "The attribute statement UID is missing.", {"uid_attribute": None}),
        Choice(
            "same_uid",
            "One UID for two people",
            "Everybody is sent as jane.doe, as can happen if the UID is made of names. Sign in as Jane first, then as somebody else.",
            {"uid": "jane.doe"},
        ),
        Choice(
            "old_certificate",
            "Old certificate",
            "Okta signs with a certificate that is not in its metadata.",
            {"key": "old"},
        ),
        Choice(
            "clock", "Clock five minutes fast", "The assertion begins in the future.", {"clock": timedelta(minutes=5)}
        ),
        Choice(
            "attribute_name",
            "Other attribute name",
            "The UID is sent as employeeNumber.",
            {"uid_attribute": "employeeNumber"},
        ),
    ),
)
NAME_ID: Final = Question(
    "name_id",
    "NameID format",
    (
        Choice("unspecified", "Unspecified"),
        Choice("email", "EmailAddress", changes={"name_id_format": names.NAME_ID_EMAIL}),
        Choice("persistent", "Persistent", changes={"name_id_format": names.NAME_ID_PERSISTENT}),
    ),
)
SIGNED: Final = Question(
    "signed",
    "Signed",
    (
        Choice("both", "Response and assertion"),
        Choice(
            "assertion",
            "Assertion only",
            "Accepted if the connection has signed: assertion.",
            {"signs_response": False},
        ),
    ),
)
CERTIFICATE: Final = Question(
    "certificate",
    "Certificate",
    (
        Choice("current", "The current one"),
        Choice("second", "The second one, announced for a rollover", changes={"key": "second"}),
    ),
)
ENCRYPTED: Final = Question(
    "encrypted",
    "Encryption",
    (
        Choice("none", "The assertion can be read"),
        Choice(
            "assertion",
            "The assertion is encrypted",
            "For the certificate in CORE's metadata.",
            {"encrypts": True},
        ),
    ),
)
QUESTIONS: Final = (MISTAKE, NAME_ID, SIGNED, CERTIFICATE, ENCRYPTED)


def habits_of(answers: Mapping[str, str]) -> Habits:
    """Return the habits that a form asks for. A missing or unknown answer means the usual habit."""
    habits = Habits()
    for question in reversed(QUESTIONS):  # the mistake comes last, and wins
        chosen = next((one for one in question.choices if one.value == answers.get(question.name)), question.choices[0])
        habits = replace(habits, **(chosen.changes or {}))  # type: ignore[arg-type]  # CHOICES name the fields
    return habits

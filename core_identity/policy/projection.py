"""Decide which values of the IdP are copied to the user (R4, R16, R17), and find the differences (R18)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from core_identity.values import Person

FOLLOWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "given_name": "first_name",
        "family_name": "last_name",
        "title": "title",
        "organization": "company",
        "department": "department",
    }
)
"""Fields of the identity, each with the field of the user that follows it. userName and email do not follow (R8, R16)."""

NAMES: Final = frozenset({"given_name", "family_name"})
"""Fields that an empty value never clears (R17), and that do not follow if the UID is made of them (R4)."""

COMPARED: Final[Mapping[str, str]] = MappingProxyType({"user_name": "username", "email": "email", **FOLLOWS})
"""Fields that are compared to find drift."""


def permitted_changes(
    said: Person, user: Mapping[str, str], *, names_are_the_uid: bool, uid_moves: bool
) -> dict[str, str]:
    """Return the fields of the user that this message may change, with their new values.

    ``user`` contains the present values of the fields in `FOLLOWS`. With the UID rule *name*, a first or last name is copied to the user only
    in a push that also changes the UID (R4). Absent (None) means unchanged; empty clears title, company and department (R17). Blanks around a value
    stay with the identity.
    """
    changes = {}
    for source, field in FOLLOWS.items():
        if getattr(said, source) is None:
            continue
        value = getattr(said, source).strip()
        if value == user[field]:
            continue
        if source in NAMES and (not value or (names_are_the_uid and not uid_moves)):
            continue
        changes[field] = value
    return changes


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which an identity and its user differ: the IdP's value is ``said`` (without blanks around it), CORE's is ``held``."""

    field: str
    said: str
    held: str


def differences(identity: Mapping[str, str], user: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the drift between an identity and its user (R18). A value that the IdP never sent is not drift."""
    return tuple(
        Difference(field, said, user[field])
        for source, field in COMPARED.items()
        if (said := identity[source].strip()) != user[field] and (said or source in NAMES)
    )


def texts_that_follow(said: Person, identity: Mapping[str, str]) -> dict[str, Any]:
    """Return the texts that the identity gets from a sign-in: its own if the two differ only in blanks around them.

    Blanks mean nothing in XML, so a sign-in strips them. Otherwise a push and a sign-in would change the value in turn.
    """
    texts = {source: getattr(said, source) for source in FOLLOWS}
    return {name: identity[name] if text == identity[name].strip() else text for name, text in texts.items()}

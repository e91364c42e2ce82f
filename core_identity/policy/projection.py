"""Decide which values of a message are copied to the identity (R19) and the user (R4, R16, R17), and find the differences (R18)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from core_identity.attributes import FOLLOWED
from core_identity.keys import key
from core_identity.values import Person

FOLLOWS: Final[Mapping[str, str]] = MappingProxyType({attribute.source: attribute.field for attribute in FOLLOWED})
"""Fields of the identity, each with the field of the user that follows it. userName and email do not follow (R8, R16)."""

NAMES: Final = frozenset(attribute.source for attribute in FOLLOWED if attribute.is_name)
"""Fields that an empty value never clears (R17), and that do not follow if the UID is made of them (R4)."""

KEY_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {"user_name": "user_name_key", "email": "email_key", "name_id": "name_id_key"}
)
"""Fields of an identity that are compared, each with the field that contains its compared form (R5)."""

MIRRORED: Final = (*FOLLOWS, *KEY_COLUMNS, *KEY_COLUMNS.values(), "external_id", "attributes")
"""Fields of an identity that a message is compared with."""

COMPARED: Final[Mapping[str, str]] = MappingProxyType({"user_name": "username", "email": "email", **FOLLOWS})
"""Fields that are compared to find drift."""


def mirrored_changes(person: Person, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an identity that this message changes, with their new values (R19). UIDs and ``active`` are decided elsewhere.

    ``stored`` holds the present values of the fields in `MIRRORED`.
    """
    new: dict[str, Any] = {}
    if person.user_name and key(person.user_name) != key(stored["user_name"]) == stored["name_id_key"]:
        new["name_id"] = ""  # R8, R8b: it was the userName; the next owner of that name must not find this person by it
    new["user_name"] = person.user_name or None
    new["external_id"] = person.external_id
    new["email"] = person.email
    if person.name_id:
        new["name_id"] = person.name_id
    new.update({field: getattr(person, field) for field in FOLLOWS})
    if person.attributes:
        merged = {**stored["attributes"], **person.attributes}
        new["attributes"] = {name: value for name, value in merged.items() if value is not None}
    return {field: value for field, value in new.items() if value is not None and value != stored[field]}


def permitted_changes(
    person: Person, user: Mapping[str, str], *, names_are_the_uid: bool, uid_moves: bool
) -> dict[str, str]:
    """Return the fields of the user that this message may change, with their new values.

    ``user`` contains the present values of the fields in `FOLLOWS`. With the UID rule *name*, a first or last name is copied to the user only
    in a push that also changes the UID (R4). Absent (None) means unchanged; empty clears all fields but names (R17). Blanks around a value
    stay with the identity.
    """
    changes = {}
    for source, field in FOLLOWS.items():
        if getattr(person, source) is None:
            continue
        value = getattr(person, source).strip()
        if value == user[field]:
            continue
        if source in NAMES and (not value or (names_are_the_uid and not uid_moves)):
            continue
        changes[field] = value
    return changes


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which an identity and its user differ: ``idp_value`` is the IdP's value, without blanks around it."""

    field: str
    idp_value: str
    core_value: str


def differences(identity: Mapping[str, str], user: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the drift between an identity and its user (R18). A value that the IdP never sent is not drift."""
    return tuple(
        Difference(field, sent, user[field])
        for source, field in COMPARED.items()
        if (sent := identity[source].strip()) != user[field] and (sent or source in NAMES)
    )


def texts_that_follow(person: Person, identity: Mapping[str, str]) -> dict[str, Any]:
    """Return the texts that the identity gets from a sign-in: its own if the two differ only in blanks around them.

    Blanks mean nothing in XML, so a sign-in strips them. Otherwise a push and a sign-in would change the value in turn.
    """
    texts = {source: getattr(person, source) for source in FOLLOWS}
    return {name: identity[name] if text == identity[name].strip() else text for name, text in texts.items()}


def email_that_follows(person: Person, stored: str) -> str | None:
    """Return the email that the identity gets: the stored one if one of several values equals it, else the first (R12)."""
    if not person.more_emails:
        return person.email
    keys = {key(email) for email in (person.email or "", *person.more_emails)}
    return stored if key(stored) in keys else person.email

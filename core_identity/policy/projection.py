"""Decide which values of a message are copied to the identity (R19) and the user (R4, R16, R17), and find the differences (R18).

A push that changes nothing at all is the most frequent one of Okta. It needs no lock and writes nothing.
"""

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
class Stored:
    """The stored values of a SCIM resource, read from one snapshot.

    ``uid`` is the current UID as written, and ``uid_key`` as compared; both None if there is none. ``drift_uid`` is the UID that is kept as drift.
    ``identity`` and ``user`` map names of fields to values: those in `MIRRORED`, and those that follow them. ``has_conflict``: a conflict is pending
    that a message about this person could close or use up (R9).
    """

    uid: str | None
    uid_key: str | None
    derived: bool
    drift_uid: str
    identity: Mapping[str, Any]
    user: Mapping[str, str]
    names_are_the_uid: bool
    active: bool
    pushed: bool
    offered: bool
    has_conflict: bool


def would_change_nothing(person: Person, stored: Stored) -> bool:
    """Whether a PUT or PATCH with these values leaves everything as it is: identity, UIDs, drift, user, groups, conflicts and events.

    Its keys are the stored ones or absent, so the decision of R8a is to apply it: `test_unchanged.py` asks `decide_push` about each such message.
    """
    return (
        stored.pushed
        and not stored.offered
        and not stored.has_conflict
        and person.active in {None, stored.active}
        and person.user_name != ""
        and _uid_stays(person.uid, stored)
        and not mirrored_changes(person, stored.identity)
        and all(key(stored.identity[name]) == stored.identity[column] for name, column in KEY_COLUMNS.items())
        and not permitted_changes(person, stored.user, names_are_the_uid=stored.names_are_the_uid, uid_moves=False)
    )


def _uid_stays(uid: str | None, stored: Stored) -> bool:
    """Whether neither the UID nor a UID that is kept as drift changes (R6, R8a)."""
    if uid is None:  # a derived UID follows the userName
        return stored.uid is not None and (not stored.derived or stored.uid_key == stored.identity["user_name_key"])
    return uid == stored.uid and key(uid) == stored.uid_key and not stored.derived and not stored.drift_uid


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

"""Decide whether two collisions have the same cause, and find the keys of their resolution (R9)."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from core_identity.attributes import NAMES
from core_identity.keys import key
from core_identity.values import Cause, Collision, Person

STORED_FIELDS: Final = ("uid", "external_id", "user_name", "name_id", "email", *(name.source for name in NAMES))
"""The fields of a message that are stored for the administrator who decides."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that identify a message: its UID (or its userName if it has none, R6), its externalId, and its names."""

    uid_key: str
    external_id: str
    marks: str


def keys_of(person: Person) -> Keys:
    name = key(person.user_name or person.name_id or "")
    return Keys(
        uid_key=key(person.uid) if person.uid else name,
        external_id=person.external_id or "",
        marks=f"{name} {key(person.email or '')}".strip(),
    )


def value_in_doubt(collision: Collision) -> str:
    """Return the name, the email, or both, as compared; empty if the UID or externalId itself is in doubt."""
    person = collision.person
    match collision.cause:
        case Cause.USER_NAME:
            return key(person.user_name or person.name_id or "")
        case Cause.EMAIL:
            return key(person.email or "")
        case Cause.NO_MARK:
            return keys_of(person).marks
    return ""


def digest(collision: Collision) -> str:
    """Return 64 hexadecimal digits that are equal for the same cause: the keys of the message, the identity, and the user in the way."""
    keys = keys_of(collision.person)
    parts = [collision.cause.value, keys.uid_key, keys.external_id, value_in_doubt(collision)]
    parts += [str(collision.subject_id), str(collision.other_user_id)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

"""Decide whether two collisions have the same cause (R9)."""

import hashlib
import json
from typing import Final

from core_identity.attributes import NAMES
from core_identity.keys import key, message_keys
from core_identity.values import Cause, Collision

STORED_FIELDS: Final = ("uid", "external_id", "user_name", "name_id", "email", *(name.source for name in NAMES))
"""The fields of a message that are stored for the administrator who decides."""


def value_in_doubt(collision: Collision) -> str:
    """Return the name, the email, or both, as compared; empty if the UID or externalId itself is in doubt."""
    person = collision.person
    match collision.cause:
        case Cause.USER_NAME:
            return key(person.user_name or person.name_id or "")
        case Cause.EMAIL:
            return key(person.email or "")
        case Cause.NO_MARK:
            return message_keys(person).marks
    return ""


def digest(collision: Collision) -> str:
    """Return 64 hexadecimal digits that are equal for the same cause: the keys of the message, the identity, and the user in the way."""
    keys = message_keys(collision.person)
    parts = [collision.cause.value, keys.uid_key, keys.external_id, value_in_doubt(collision)]
    parts += [str(collision.subject_id), str(collision.other_user_id)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

"""Convert the values of clients to the types in the registry."""

import re
from collections.abc import Iterable
from typing import Final, TypeGuard
from uuid import UUID

from scim.wire.attributes import Attribute
from scim.wire.errors import InvalidValue, shown

MAX_TEXT: Final = 1_024
MAX_VALUES: Final = 200
_UNCHECKED: Final = frozenset({"display", "$ref", "displayName"})
"""Sub-attributes that are read-only by the RFC and that clients echo in any form.

A value that is neither text nor a whole number is dropped and not refused.
"""

RESOURCE_ID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def coerce(attribute: Attribute, value: object, name: str) -> object:
    """Return ``value`` in the type of ``attribute``, under canonical names; None if it is null or has no content.

    ``name`` is the attribute's name in the error. Raises `InvalidValue`. Leniency, by client: booleans as "True" (Entra); a bare string for a
    complex value (Entra's manager); ``[{"value": …}]`` for a single value (early Entra); one value for a multi-valued attribute (OneLogin).
    """
    if value is None:
        return None
    if attribute.multi_valued:
        return _many(attribute, value, name)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]["value"] if isinstance(value[0], dict) and "value" in value[0] else value[0]
    if attribute.type == "complex":
        return _complex(attribute, value, name)
    return _simple(attribute, value, name)


def text(value: object, name: str) -> str:
    """Return ``value`` if it is text that a database column can contain, or the digits of a whole number. Raises `InvalidValue`.

    Okta sends custom attributes as numbers, for example employee numbers. A fraction has several spellings, so it is refused.
    """
    if _is_whole(value):
        value = _digits(value, name)
    if not isinstance(value, str):
        raise InvalidValue(f"{name} must be a text in double quotes, not {shown(value)}.")
    if "\0" in value or (not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)):
        raise InvalidValue(f"{name} contains a character that no text can contain.")
    if len(value) > MAX_TEXT:
        raise InvalidValue(f"{name} is longer than {MAX_TEXT} characters.")
    return value


def truth(value: object, name: str) -> bool:
    """Return a boolean. The texts "True" and "False" are accepted, because Entra sends them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise InvalidValue(f"{name} must be true or false, not {shown(value)}.")


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _digits(value: int, name: str) -> str:
    if abs(value) >= 10**MAX_TEXT:  # Python refuses to print much longer ones
        raise InvalidValue(f"{name} is longer than {MAX_TEXT} characters.")
    return str(value)


def _simple(attribute: Attribute, value: object, name: str) -> object:
    return truth(value, name) if attribute.type == "boolean" else text(value, name)


def _complex(attribute: Attribute, value: object, name: str) -> dict[str, object] | None:
    if isinstance(value, str) and attribute.sub("value") is not None:
        if not value and not attribute.multi_valued:
            return None  # Entra clears a manager like this
        value = {"value": value}
    if not isinstance(value, dict):
        raise InvalidValue(f"{name} must be an object in braces, not {shown(value)}.")
    parts: dict[str, object] = {}
    for key, inner in value.items():
        sub = attribute.sub(key)
        if (
            sub is None
            or inner is None
            or (sub.name in _UNCHECKED and not isinstance(inner, str) and not _is_whole(inner))
        ):
            continue
        parts[sub.name] = coerce(sub, inner, f"{name}.{sub.name}")
    return parts or None


def _many(attribute: Attribute, value: object, name: str) -> list[object] | None:
    values: Iterable[object] = value if isinstance(value, list) else [value]
    entries: list[object] = []
    primary = False
    for inner in values:
        entry = _complex(attribute, inner, name) if inner is not None else None
        if entry is not None and entry.get("primary") is True:
            entry["primary"], primary = not primary, True  # at most one (RFC 7643 section 2.4): the first
        if entry is not None and entry not in entries:
            entries.append(entry)
        if len(entries) > MAX_VALUES:
            raise InvalidValue(f"{name} has more than {MAX_VALUES} values.")
    return entries or None


def resource_id(value: str) -> UUID | None:
    """Return an id in our form; None for any other text. ``UUID()`` accepts many more forms, which no id has."""
    return UUID(value) if RESOURCE_ID.fullmatch(value) else None

"""How names are compared (R5), and which text may be a name at all."""

import unicodedata

from core_identity.errors import InvalidValue

MAX_NAME = 255
"""Characters that a UID, userName, externalId, email or the name of a role or group may have."""

MAX_TEXT = 1024
"""Characters that any other text an IdP sends may have."""


def key(text: str) -> str:
    """Return the form by which names are compared: strip, NFKC, casefold, NFKC (R5).

    Made here and stored in columns, never by ``lower()`` in SQL, whose answer depends on the locale of the cluster.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold())


def clean_name(text: str, *, field: str) -> str:
    """Return ``text`` stripped, fit to be a key; raise `InvalidValue` where it is not.

    Refused: more than `MAX_NAME` characters (also once compared), control characters, and the invisible ones (zero-width, bidirectional
    marks, lone surrogates) by which two names could look the same and be different.
    """
    name = text.strip()
    if max(len(name), len(key(name))) > MAX_NAME:
        raise InvalidValue(field, f"{field} is longer than {MAX_NAME} characters.")
    for character in name:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            raise InvalidValue(
                field,
                f"{field} contains the invisible character U+{ord(character):04X}. Remove it at the identity provider.",
            )
    return name


def clean_text(text: str, *, field: str, limit: int = MAX_TEXT) -> str:
    """Return ``text`` stripped; raise `InvalidValue` for what no database column or page should hold."""
    value = text.strip()
    if len(value) > limit:
        raise InvalidValue(field, f"{field} is longer than {limit} characters.")
    for character in value:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n\r":
            raise InvalidValue(field, f"{field} contains the control character U+{ord(character):04X}.")
    return value

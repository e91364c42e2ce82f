"""Compare names (R5), find the keys of a message, and refuse texts that are not valid as names."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from core_identity.errors import InvalidValue
from core_identity.values import Person

MAX_NAME = 255
"""Characters that a UID, userName, externalId, email or the name of a role or group may have."""

MAX_TEXT = 1024
"""Characters that any other text an IdP sends may have."""


_MAX_COMPARED: Final = 4 * MAX_NAME
"""Four characters become one at most, so a longer text is not a valid name. The time to compare combining marks grows with the square of their
number: two minutes for a megabyte, and no other thread runs meanwhile."""

FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0")
"""Invisible, but not format characters of Unicode: joiners, Hangul and Khmer fillers, Mongolian selectors, the blank of Braille."""

EMOJI_STYLE: Final = frozenset("\ufe0e\ufe0f")
"""Characters that choose the look of the sign before them. Many emoji need them. After a letter they are only invisible."""

LOOK_ALIKES: Final = ("Armenian", "Cherokee", "Coptic", "Cyrillic", "Greek")
"""Scripts with letters that look like Latin ones."""


def key(text: str) -> str:
    """Return the form by which names are compared: strip, NFKC, casefold, NFKC (R5).

    The form is stored in columns. ``lower()`` in SQL is not used, because its result depends on the locale of the cluster. The end of a text that is
    too long for a name stays as it is.
    """
    if text.isascii():  # most names are; NFKC changes nothing of them
        return text.strip().lower()
    text = text.strip()
    start, end = text[:_MAX_COMPARED], text[_MAX_COMPARED:]
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", start).casefold()) + end


@dataclass(frozen=True, slots=True)
class MessageKeys:
    """The keys by which conflicts find a message (R9): its UID, or its userName if it has none (R6), its externalId, and its names."""

    uid_key: str
    external_id: str
    marks: str


def message_keys(person: Person) -> MessageKeys:
    name = key(person.user_name or person.name_id or "")
    return MessageKeys(
        uid_key=key(person.uid) if person.uid else name,
        external_id=person.external_id or "",
        marks=f"{name} {key(person.email or '')}".strip(),
    )


def clean_name(text: str, *, field: str) -> str:
    """Return ``text`` stripped, if it is valid as a key. Otherwise raise `InvalidValue`.

    Refused are more than `MAX_NAME` characters (also once compared), control characters, and the invisible ones (zero-width, bidirectional
    marks, fillers, lone surrogates) by which two names could look the same and be different.
    """
    name = text.strip()
    if len(name) <= MAX_NAME and _is_plain(name):
        return name
    if max(len(name), len(key(name))) > MAX_NAME:
        raise InvalidValue(field, f"{field} is longer than {MAX_NAME} characters.")
    for before, character in zip(" " + name, name, strict=False):
        if _is_invisible(character) or (character in EMOJI_STYLE and before.isalpha()):
            raise InvalidValue(
                field,
                f"{field} contains the invisible character U+{ord(character):04X}. Remove it at the identity provider.",
            )
    return name


def _is_plain(text: str) -> bool:
    """Whether a text contains only the visible characters of ASCII and blanks, as most do. Then no character needs a further look."""
    return text.isascii() and text.isprintable()


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or character in FILLERS


def mixed_scripts(text: str) -> tuple[str, ...]:
    """Return the scripts of the first word that mixes Latin letters with letters of a script that has look-alikes. Empty: there is no such word.

    Such a name stays different from the name that it resembles (R5). It may be the true name of a person, so it causes a warning and no refusal.
    """
    for word in re.split(r"[\W\d_]+", text):
        scripts = {unicodedata.name(letter, "").partition(" ")[0].title() for letter in word}
        found = tuple(script for script in LOOK_ALIKES if script in scripts)
        if "Latin" in scripts and found:
            return ("Latin", *found)
    return ()


def clean_text(text: str, *, field: str, limit: int = MAX_TEXT) -> str:
    """Return ``text`` stripped; raise `InvalidValue` for characters that no database column or page should contain."""
    return exact_text(text.strip(), field=field, limit=limit)


def exact_text(text: str, *, field: str, limit: int = MAX_TEXT) -> str:
    """Return ``text`` without a change. Raise `InvalidValue` for the same characters as `clean_text`."""
    if len(text) > limit:
        raise InvalidValue(field, f"{field} is longer than {limit} characters.")
    if _is_plain(text):
        return text
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n\r":
            raise InvalidValue(field, f"{field} contains the control character U+{ord(character):04X}.")
    return text

"""Guess, in words, why the two channels send different UIDs for one person, who then has two users (R5, R7).

These guesses are for an administrator and decide nothing: only `core_identity.policy.matching` decides.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from core_identity.brand import BRAND
from core_identity.keys import key

LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})
SPELLED_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
GUID: Final = re.compile(r"\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?")
OKTA_ID: Final = re.compile(r"00u[0-9a-z]{17}")
DOMAIN_ACCOUNT: Final = re.compile(r"[^\\]+\\(.+)")


@dataclass(frozen=True, slots=True)
class ChannelValues:
    """The values that one channel sends for a person. ``others`` are the identifying values besides the UID: label → value."""

    uid: str
    derived: bool = False
    others: Mapping[str, str] = field(default_factory=dict)


def probable_cause(scim: ChannelValues, sso: ChannelValues) -> str:
    """Return, in one or two sentences, why SCIM and SSO probably send different UIDs for a person with the same name or address."""
    if scim.derived:
        return f"SCIM sends no UID, so {BRAND} uses the userName. In the provisioning of the app, map the UID to the value that SSO sends."
    for sender, other_channel, one, other in (("SSO", "SCIM", sso, scim), ("SCIM", "SSO", scim, sso)):
        label = _named(one.uid, other.others)
        if label:
            return f"{sender} sends as UID what {other_channel} sends as {label}. Map the same attribute on both sides."
    pair = key(scim.uid), key(sso.uid)
    for differ, words in SPELLINGS:
        if differ(*pair):
            return words
    kinds = kind(scim.uid), kind(sso.uid)
    if kinds[0] != kinds[1]:
        return f"Two different attributes are mapped: SCIM sends {kinds[0]}, SSO sends {kinds[1]}. Map the same one on both sides."
    return (
        f"Both channels send {kinds[0]}, but with different values. Compare the two mappings. "
        "If they are correct, these may be two people who share a name or an address."
    )


def kind(uid: str) -> str:
    """Return the kind of a UID in words, with an article: *a number*, *an email address*."""
    text = key(uid)
    if GUID.fullmatch(text):
        return "a GUID"
    if OKTA_ID.fullmatch(text):
        return "an id of Okta's"
    if text.isdigit():
        return "a number"
    if re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        return "an email address"
    if DOMAIN_ACCOUNT.fullmatch(text):
        return "a Windows account with its domain"
    if _is_name(_words(text)):
        return "a name such as firstName.lastName"
    return "a single word"


def _named(uid: str, others: Mapping[str, str]) -> str:
    return next((label for label, value in others.items() if value and key(value) == key(uid)), "")


def _plain(text: str) -> str:
    """Return ``text`` without accents."""
    apart = unicodedata.normalize("NFKD", text.translate(LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _spelled_out(text: str) -> str:
    """Return ``text`` as a passport writes it: ü as ue."""
    return _plain(text.translate(SPELLED_OUT))


def _words(uid_key: str) -> list[str]:
    """Return the parts of a name, without accents; of an email address, those before the @."""
    return [word for word in re.split(r"[\W_]+", _plain(uid_key.partition("@")[0])) if word]


def _is_name(words: list[str]) -> bool:
    return len(words) >= 2 and all(word.isalpha() for word in words)


# How two UIDs may differ. Each takes the two as `core_identity.keys.key` makes them, SCIM's first, and runs only if none before it matched.


def _in_spaces(one: str, other: str) -> bool:
    return "".join(one.split()) == "".join(other.split())


def _in_accents(one: str, other: str) -> bool:
    return _plain(one) == _plain(other) or _spelled_out(one) == _spelled_out(other)


def _in_the_domain(one: str, other: str) -> bool:
    return "@" in one and "@" in other and one.partition("@")[0] == other.partition("@")[0]


def _in_having_a_domain(one: str, other: str) -> bool:
    return ("@" in one) != ("@" in other) and one.partition("@")[0] == other.partition("@")[0]


def _in_a_windows_domain(one: str, other: str) -> bool:
    return one.rpartition("\\")[2] == other.rpartition("\\")[2]


def _in_leading_zeros(one: str, other: str) -> bool:
    return one.isdigit() and other.isdigit() and one.lstrip("0") == other.lstrip("0")


def _in_an_appended_number(one: str, other: str) -> bool:
    first, second = (uid.partition("@")[0].rstrip("0123456789") for uid in (one, other))
    return first == second != "" and not re.search(r"\d", first)


def _in_separators(one: str, other: str) -> bool:
    return "".join(_words(one)) == "".join(_words(other))


def _in_the_order(one: str, other: str) -> bool:
    return _is_name(_words(one)) and sorted(_words(one)) == sorted(_words(other))


def _in_an_initial(one: str, other: str) -> bool:
    def is_short_for(short: list[str], words: list[str]) -> bool:
        return _is_name(words) and "".join(short) == words[0][0] + "".join(words[1:])

    first, second = _words(one), _words(other)
    return is_short_for(first, second) or is_short_for(second, first)


def _in_a_part_more(one: str, other: str) -> bool:
    fewer, more = sorted((set(_words(one)), set(_words(other))), key=len)
    return _is_name(list(fewer)) and fewer < more


def _in_the_first_name(one: str, other: str) -> bool:
    first, second = _words(one), _words(other)
    return _is_name(first) and _is_name(second) and first[-1] == second[-1]


def _in_the_last_name(one: str, other: str) -> bool:
    first, second = _words(one), _words(other)
    return _is_name(first) and _is_name(second) and first[0] == second[0]


SPELLINGS: Final[tuple[tuple[Callable[[str, str], bool], str], ...]] = (
    (_in_spaces, "The two differ in spaces only. One of the mappings joins names without removing them."),
    (_in_accents, "The two differ in accents only: one side writes letters such as é or ü without accents."),
    (
        _in_the_domain,
        "The two are the same name at different domains: an old and a new one, or two attributes for addresses.",
    ),
    (_in_having_a_domain, "One side sends the whole address, the other only the part before the @."),
    (_in_a_windows_domain, "One side puts a Windows domain and a backslash before the name, the other does not."),
    (_in_leading_zeros, "The two are the same number with and without leading zeros."),
    (
        _in_an_appended_number,
        "The two differ in the number at the end. If names are numbered, these may be two people.",
    ),
    (_in_separators, "The two differ only in the dots, dashes or other signs between their parts."),
    (_in_the_order, "First and last name are swapped on one side."),
    (_in_an_initial, "One side sends the initial instead of the whole first name."),
    (_in_a_part_more, "One side has an extra part: a middle name, an initial, or a second first or last name."),
    (
        _in_the_first_name,
        "The first names differ: a nickname, or another first name, on one side. These may be two people.",
    ),
    (
        _in_the_last_name,
        "The last names differ: one side may have the name from before a marriage. These may be two people.",
    ),
)
"""The ways in which two UIDs of one person differ, the most certain first, each with its sentence."""

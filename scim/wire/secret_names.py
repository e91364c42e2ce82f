"""Recognise names of secrets, and texts that may contain a secret. Neither may reach a log (R34, R35).

A name counts in any letter case, with any separators, and at the end of any path. When in doubt, a text counts as a secret.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_WITHIN: Final = (
    "password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey", "accesskey", "privatekey", "signingkey",
    "authorization", "bearer", "securityanswer", "securityquestion", "recoveryanswer", "recoveryquestion",
)  # fmt: skip
"""A name that contains one of these, without separators, is the name of a secret."""

_WHOLE: Final = frozenset({"pwd", "pass", "pin", "otp", "totp", "cvv", "auth", "jwt", "cookie", "apiauth"})
"""Too short to be looked for within a name: the last part of a path has to be one of these."""

_PLAIN: Final = re.compile(
    r"(?:urn(?::[a-z0-9][a-z0-9._-]*)*:)?(?:[a-z][a-z_$-]*\.)?(?P<last>[a-z][a-z_$-]*)", re.IGNORECASE
)
"""The name of an attribute, or the path to it, without a value. A digit in the name makes it a doubtful case."""

MAX_PLAIN: Final = 200

_SPOKEN: Final = re.compile(
    r"(?:pass[\s_-]?(?:word|wd|phrase|code)s?|secret(?!ar)|token|credential|api[\s_-]?key|access[\s_-]?key|private[\s_-]?key|authorization|bearer)",
    re.IGNORECASE,
)
_SUSPECT: Final = re.compile("pass|secret|token|credential|key|authorization|bearer|eyj|-----begin|basic")
"""A part of each text that `_SPOKEN` or `_LOOKS_SECRET` matches, in small letters. Much cheaper, and most texts have none of these."""
_LOOKS_SECRET: Final = re.compile(
    r"(?<![\w-])(?:(?!eyJ)[\w-])*+eyJ[\w-]{6,}+\.[\w-]{4,}"  # a JSON Web Token; each word is read once, however many eyJ it has
    r"|-----BEGIN"
    r"|\bBasic\s+[A-Za-z0-9+/]{8,}={0,2}(?![A-Za-z0-9])"
)


_MAX_NORMALISED: Final = 1024
"""A longer text counts as a secret, because comparing a text with many combining marks takes time that grows with the square of its length."""


@lru_cache(maxsize=1024)  # a client sends the same few names again and again
def names_secret(name: str) -> bool:
    """Whether this is the name of a secret, or a path to one: ``Password``, ``urn:…:User:password``, ``client_secret``."""
    if len(name) > _MAX_NORMALISED:
        return True
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = "".join(one for one in folded if one.isalnum())
    if any(word in plain for word in _WITHIN):
        return True
    last = re.split(r"[.:\[\]/]", folded.rstrip("]./: "))[-1]
    return "".join(one for one in last if one.isalnum()) in _WHOLE


def is_name_of_secret(text: str) -> bool:
    """Whether a text is only the name of a secret, or the path to one."""
    found = _PLAIN.fullmatch(text)
    return found is not None and len(text) <= MAX_PLAIN and names_secret(found["last"])


def may_contain_secret(text: str) -> bool:
    """Whether a text looks like a secret, or contains more than the name of one: ``password=x``, ``my token is x``, a JSON Web Token."""
    if text.isascii():
        if _SUSPECT.search(text.lower()) is None:
            return False
        folded = text
    elif len(text) > _MAX_NORMALISED:
        return True
    else:
        folded = _without_invisible(unicodedata.normalize("NFKC", text))
    if _LOOKS_SECRET.search(folded):
        return True
    return _SPOKEN.search(folded) is not None and not is_name_of_secret(text)


def _without_invisible(text: str) -> str:
    return "".join(one for one in text if unicodedata.category(one) != "Cf")

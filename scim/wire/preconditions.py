"""Versions, and the versions that a client requires (RFC 7644 section 3.14, RFC 9110 section 13)."""

import re
from typing import Final

from scim.wire.errors import PreconditionFailed

_TAG: Final = re.compile(r'[\s,]*+(?:(?:W/)?"([^"]*+)"|([^",\s]++))\s*+(?=,|\Z)')
"""One tag, up to a comma or the end. It never reads a character twice, because a client may send a long text."""


def entity_tag(version: object) -> str:
    """Return the version of a resource for ``meta.version`` and ``ETag``. It is weak, because the answer may contain only a part."""
    return f'W/"{version}"'


def names(header: str, version: object) -> bool:
    """Whether ``header`` (If-Match or If-None-Match) contains the version of an existing resource.

    The comparison is weak: SCIM's own examples send weak tags in If-Match. A tag without quotes, as some clients write it, is accepted.
    """
    if header.strip() == "*":
        return True
    text, position, found = header.strip(" \t,"), 0, False
    while position < len(text):
        tag = _TAG.match(text, position)
        if tag is None:
            return False  # not a list of tags
        found, position = found or str(version) in tag.groups(), tag.end()
    return found


def require(version: object, *, if_match: str | None, if_none_match: str | None) -> None:
    """Raise `PreconditionFailed` if a client requires another version than the resource has."""
    if if_match is not None and not names(if_match, version):
        raise PreconditionFailed(
            f"The resource has changed: its version is {entity_tag(version)}. Nothing was changed. Read it again, then repeat the change."
        )
    if if_none_match is not None and names(if_none_match, version):
        raise PreconditionFailed(f"The resource already has the version {entity_tag(version)}. Nothing was changed.")

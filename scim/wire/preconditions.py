"""Versions, and the versions that a client requires (RFC 7644 section 3.14, RFC 9110 section 13)."""

import re
from typing import Final

from scim.wire.errors import PreconditionFailed

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"|([^",\s]+)')
"""One tag. It requires nothing after the tag: a client may send a long text, and each failure would read it again from the next character."""


def entity_tag(version: object) -> str:
    """Return the version of a resource for ``meta.version`` and ``ETag``. It is weak, because the answer may contain only a part."""
    return f'W/"{version}"'


def names(header: str, version: object) -> bool:
    """Whether ``header`` (If-Match or If-None-Match) contains the version of an existing resource.

    The comparison is weak: SCIM's own examples send weak tags in If-Match. A tag without quotes, as some clients write it, is accepted.
    """
    if header.strip() == "*":
        return True
    own = str(version)
    return any(own in match.groups() for match in _TAG.finditer(header))


def require(version: object, *, if_match: str | None, if_none_match: str | None) -> None:
    """Raise `PreconditionFailed` if a client requires another version than the resource has."""
    if if_match is not None and not names(if_match, version):
        raise PreconditionFailed(
            f"The resource has changed: its version is {entity_tag(version)}. Nothing was changed. Read it again, then repeat the change."
        )
    if if_none_match is not None and names(if_none_match, version):
        raise PreconditionFailed(f"The resource already has the version {entity_tag(version)}. Nothing was changed.")

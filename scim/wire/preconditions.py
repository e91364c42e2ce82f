"""Versions and what a client demands of them (RFC 7644 section 3.14, RFC 9110 section 13)."""

import re
from typing import Final

from scim.wire.errors import PreconditionFailed

_TAG: Final = re.compile(r'\s*(?:(?:W/)?"([^"]*)"|([^",\s]+))\s*(?:,|\Z)')


def entity_tag(version: object) -> str:
    """Return the version of a resource as ``meta.version`` and ``ETag`` have it: weak, for the answer may show a part."""
    return f'W/"{version}"'


def names(header: str, version: object) -> bool:
    """Whether ``header`` (If-Match or If-None-Match) names the version of a resource that exists.

    Compared weakly: SCIM's own examples send weak tags in If-Match. A tag without its quotes, as some clients write it, is one too.
    """
    if header.strip() == "*":
        return True
    return any(str(version) in match.groups() for match in _TAG.finditer(header))


def require(version: object, *, if_match: str | None, if_none_match: str | None) -> None:
    """Raise `PreconditionFailed` where a client demands another version of a resource than it has."""
    if if_match is not None and not names(if_match, version):
        raise PreconditionFailed(
            f"The resource has changed: its version is {entity_tag(version)}. Nothing was changed. Read it again, then repeat the change."
        )
    if if_none_match is not None and names(if_none_match, version):
        raise PreconditionFailed(f"The resource has the version {entity_tag(version)} already. Nothing was changed.")

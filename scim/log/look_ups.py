"""The decision about a look-up or a search: how many it found (R35).

It contains no name, because a reader of the log may lack the permission to see people.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple


class _Words(NamedTuple):
    none: str
    one: str
    several: str


_FOUND: Final[Mapping[str, _Words]] = MappingProxyType(
    {
        "Users": _Words("nobody", "one person", "people"),
        "Groups": _Words("no group", "one group", "groups"),
        ".search": _Words("nothing", "one resource", "resources"),
    }
)
"""The words for each type of an address. Lists at other addresses, such as that of schemas, are the same for all clients."""

FOUND_ONE: Final = frozenset(f"found {words.one}" for words in _FOUND.values())
"""The decisions of look-ups whose row has the id of the one resource that was found."""


def decision_of_look_up(document: Any, resource_type: str) -> str:
    """Return what a ListResponse found, in words; an empty text for any other answer."""
    words = _FOUND.get(resource_type)
    if words is None or not isinstance(document, dict) or "totalResults" not in document:
        return ""
    total, shown = document["totalResults"], document["itemsPerPage"]
    found = {0: words.none, 1: words.one}.get(total, f"{total} {words.several}")
    return f"found {found}, {shown} of them in this answer" if shown < total else f"found {found}"

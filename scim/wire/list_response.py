"""ListResponse and the paging of RFC 7644 section 3.4.2.4."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim.wire import urns
from scim.wire.errors import InvalidValue, shown

MAX_COUNT: Final = 200
"""Resources in one answer, announced in ServiceProviderConfig."""


@dataclass(frozen=True)
class Page:
    """``start`` counts from 1."""

    start: int = 1
    count: int = MAX_COUNT

    @classmethod
    def read(cls, start_index: object, count: object) -> "Page":
        """Return the page asked for.

        Below 1 means the first, a negative count means none, and none has more than `MAX_COUNT`.
        """
        start = _number("startIndex", start_index, 1)
        number = _number("count", count, MAX_COUNT)
        return cls(max(start, 1), min(max(number, 0), MAX_COUNT))

    def of(self, total: int) -> slice:
        """Return what to take of ``total`` rows.

        Never an offset beyond them, which a database would count out or refuse.
        """
        first = min(self.start - 1, total)
        return slice(first, min(first + self.count, total))


def list_response(total: int, page: Page, resources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": total,
        "startIndex": page.start,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def _number(name: str, value: object, default: int) -> int:
    if value is None or value == "":
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    digits = value.strip() if isinstance(value, str) else ""
    if not digits.removeprefix("-").isdecimal() or not digits.isascii() or len(digits) > 30:
        raise InvalidValue(f"{name} must be a whole number, not {shown(value)}.")
    return int(digits)

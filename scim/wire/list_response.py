"""ListResponse and the paging of RFC 7644 section 3.4.2.4."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim.wire import urns
from scim.wire.errors import InvalidValue, shown

MAX_COUNT: Final = 200
"""The maximum number of resources in one answer, which ServiceProviderConfig announces."""


CURSOR_SECONDS: Final = 24 * 60 * 60
"""How long a cursor is valid (RFC 9865), announced there too."""


@dataclass(frozen=True)
class Page:
    """A page by index. ``start`` counts from 1."""

    start: int = 1
    count: int = MAX_COUNT

    @classmethod
    def read(cls, start_index: object, count: object) -> "Page":
        """Return the requested page. A start below 1 is 1, a negative count is 0, and `MAX_COUNT` is the limit."""
        start = _number("startIndex", start_index, 1)
        number = _number("count", count, MAX_COUNT)
        return cls(max(start, 1), min(max(number, 0), MAX_COUNT))

    @property
    def is_beyond_everything(self) -> bool:
        """Whether the start is larger than any table. The database would refuse such an offset."""
        return self.start > 2**40

    def of(self, total: int) -> slice:
        """Return the slice of ``total`` rows. Its offset is never larger than ``total``: the database would count through it or refuse it."""
        first = min(self.start - 1, total)
        return slice(first, min(first + self.count, total))


@dataclass(frozen=True)
class Sort:
    """The order of a list: an attribute's name as a client wrote it, and whether the largest comes first (section 3.4.2.3)."""

    by: str
    descending: bool = False

    @classmethod
    def read(cls, sort_by: object, sort_order: object) -> "Sort | None":
        """Return the requested order; None for the order of the service. Raises `InvalidValue`."""
        if sort_by in (None, ""):
            return None
        if not isinstance(sort_by, str):
            raise InvalidValue(f"sortBy must be the name of an attribute, not {shown(sort_by)}.")
        order = "ascending" if sort_order in (None, "") else sort_order
        if not isinstance(order, str) or order.lower() not in ("ascending", "descending"):
            raise InvalidValue(f"sortOrder is ascending or descending, not {shown(sort_order)}.")
        return cls(sort_by, order.lower() == "descending")


def list_response(total: int, page: Page, resources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": total,
        "startIndex": page.start,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def cursor_response(total: int, next_cursor: str | None, resources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a page by cursor (RFC 9865 section 2.1). The last page has no next cursor."""
    answer: dict[str, Any] = {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": total,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }
    return answer if next_cursor is None else {**answer, "nextCursor": next_cursor}


def _number(name: str, value: object, default: int) -> int:
    if value is None or value == "":
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    digits = value.strip() if isinstance(value, str) else ""
    if not digits.removeprefix("-").isdecimal() or not digits.isascii() or len(digits) > 30:
        raise InvalidValue(f"{name} must be a whole number, not {shown(value)}.")
    return int(digits)

"""The filters of a list over all connections, and its pages. Neither costs more where there are more rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from core_identity.keys import key
from core_identity.models import Connection

ON_A_PAGE: Final = 15
"""Rows of a page. They have more lines than those of other lists."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters that an administrator chose: the slug or name of a connection, the name of a customer, and a kind of rows.

    Empty texts filter nothing.
    """

    connection: str = ""
    customer: str = ""
    kind: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The kinds of this list, each with its label."""

    @classmethod
    def of(cls, query: QueryDict, kinds: Mapping[str, str]) -> "Filters":
        connection, customer, kind = (query.get(name, "").strip()[:255] for name in ("connection", "customer", "kind"))
        return cls(connection, customer, kind if kind in kinds else "", kinds)

    def connections(self) -> list[Connection] | None:
        """Return the connections that the filters name, or None for all. Two queries at most. A slug counts more than a name."""
        if not self.connection and not self.customer:
            return None
        if "\0" in self.connection + self.customer:  # no name contains it, and PostgreSQL cannot compare it
            return []
        named = Connection.objects.select_related("customer")
        if self.connection:
            by_slug = named.filter(slug=self.connection)
            named = by_slug if by_slug.exists() else named.filter(name__iexact=self.connection)
        if self.customer:
            named = named.filter(customer__name_key=key(self.customer))
        return list(named)

    def rows(self, path: str = "connection") -> Q:
        """Return the condition for rows that refer to a connection by ``path``."""
        connections = self.connections()
        return Q() if connections is None else Q(**{f"{path}__in": [one.pk for one in connections]})

    def query(self, **other: object) -> str:
        """Return the filters as the query of an address, without a question mark."""
        named = {"connection": self.connection, "customer": self.customer, "kind": self.kind, **other}
        return urlencode({name: value for name, value in named.items() if value})

    @property
    def active(self) -> list[tuple[str, str]]:
        """The name and the value of each filter that leaves out rows, in words."""
        named = (("connection", self.connection), ("customer", self.customer), ("", self.kinds.get(self.kind, "")))
        return [(name, words) for name, words in named if words]


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of a list. Nothing is counted: one row more than a page shows that there is a next page."""

    rows: Sequence[Any]
    number: int
    has_next: bool

    @property
    def previous(self) -> int:
        return self.number - 1

    @property
    def following(self) -> int:
        return self.number + 1 if self.has_next else 0


def page_of_rows(rows: Any, page: str | None, most: int = ON_A_PAGE) -> Shown:
    """Return the page with the number ``page`` of a queryset or a list, with ``most`` rows. One query."""
    number = min(max(int(page), 1), 1_000) if page and page.isascii() and page.isdigit() and len(page) < 6 else 1
    first = (number - 1) * most
    found = list(rows[first : first + most + 1])
    return Shown(found[:most], number, len(found) > most)

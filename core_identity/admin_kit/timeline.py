"""One timeline of a person from several logs, newest first (R36).

Each package that keeps a log declares a `Source`. A source reads a window of its log by an index, and the windows are merged here. So the cost
depends on the length of a page and never on the length of a log. A page continues where each source ended, so new rows shift nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict

if TYPE_CHECKING:
    from django.http import HttpRequest

    from core_identity.models import Connection, Identity, User

SHOWN: Final = 25
KIND: Final = "happened"
BEFORE: Final = "before"
MOST_WINDOWS: Final = 40
"""The windows of one source: one for each user who was merged into this one, each identity and each connection. Nobody has more in practice."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The person of a timeline: the user with those who were merged into them, their identities with UIDs, and all connections of the customer."""

    user: "User"
    users: Sequence[UUID]
    identities: Sequence["Identity"]
    connections: Sequence["Connection"]

    def names_at(self) -> dict[UUID, list[str]]:
        """Return for each connection the names in a message that are about this person.

        An identity provider knows its own names of a person, now, and by any UID. Username and email of the user are unique in the customer,
        so a message of any connection of the customer can claim them (R9).
        """
        found = {one.pk: [self.user.username, self.user.email] for one in self.connections}
        for one in self.identities:
            known = [uid.uid for uid in one.uids.all()]
            found.setdefault(one.connection_id, []).extend(
                [*known, one.user_name, one.name_id, one.email, one.external_id or ""]
            )
        return {
            connection: [name for name in dict.fromkeys(names) if name]
            for connection, names in found.items()
            if any(names)
        }

    def connection_called(self, slug: str) -> str:
        """Return the name of a connection in a row of a log."""
        return next((one.name for one in self.connections if one.slug == slug), slug)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``tone`` is fine, attention, trouble or plain.

    ``position`` is the place of its row in its source. ``echoes`` is true for an event that repeats a row of a log with the same reference.
    """

    at: datetime
    sentence: str
    url: str
    tone: str
    position: str
    detail: str = ""
    reference: str = ""
    echoes: bool = False


Window = Callable[[Subject, str, int], list[Entry]]
"""Return the newest entries of a person after a position ("" for the newest of all), at most so many, newest first."""


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    label: str
    window: Window
    may_see: "Callable[[HttpRequest], bool]"
    """Whether the administrator of a request may read the log. Without it, nothing of the source is shown."""
    may_open: "Callable[[HttpRequest], bool] | None" = None
    """Whether they may open the pages of its rows, if that needs another permission."""

    def entries(self, request: "HttpRequest", subject: Subject, position: str, limit: int) -> list[Entry]:
        found = self.window(subject, position, limit)
        if self.may_open is None or self.may_open(request):
            return found
        return [replace(entry, url="") for entry in found]


@dataclass(frozen=True, slots=True)
class Choice:
    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    entries: Sequence[Entry]
    choices: Sequence[Choice]
    older: str
    """The query of the next page; empty on the last one."""
    is_first: bool
    newest: str
    """The query of the first page."""


def timeline(sources: Sequence[Source], subject: Subject, request: "HttpRequest") -> Timeline:
    """Return the page of the timeline that the query of a request asks for, from the sources that its administrator may see."""
    visible = [source for source in sources if source.may_see(request)]
    kind = request.GET.get(KIND, "")
    chosen = [source for source in visible if source.name == kind] or visible
    kind = kind if len(chosen) == 1 and chosen[0].name == kind else ""
    before = QueryDict(request.GET.get(BEFORE, ""))
    positions = {source.name: before.get(source.name, "") for source in chosen}
    windows = [
        [(source.name, entry) for entry in source.entries(request, subject, positions[source.name], SHOWN + 1)]
        for source in chosen
    ]
    rows = list(merge(*windows, key=lambda row: row[1].at, reverse=True))
    page = rows[:SHOWN]
    for name, entry in page:
        positions[name] = entry.position
    logged = {entry.reference for _, entry in page if not entry.echoes}
    return Timeline(
        entries=[entry for _, entry in page if not (entry.echoes and entry.reference in logged)],
        choices=[
            Choice("All", _query(""), not kind),
            *(Choice(one.label, _query(one.name), one.name == kind) for one in visible),
        ],
        older=_query(kind, positions) if len(rows) > SHOWN else "",
        is_first=not before,
        newest=_query(kind),
    )


def _query(kind: str, positions: Mapping[str, str] | None = None) -> str:
    values = {KIND: kind} if kind else {}
    if positions:
        values[BEFORE] = urlencode({name: position for name, position in positions.items() if position})
    return f"?{urlencode(values)}"


def newest_of_each(windows: Sequence[QuerySet[Any]], position: str, limit: int) -> list[Any]:
    """Return the newest rows of several sets that have no row in common, by ``id``: a window of an index for each, in one statement."""
    found = [rows.filter(pk__lt=int(position)) if _is_id(position) else rows for rows in windows[:MOST_WINDOWS]]
    newest = [rows.order_by("-id")[:limit] for rows in found]
    if not newest:
        return []
    if len(newest) == 1:
        return list(newest[0])
    return list(newest[0].union(*newest[1:], all=True).order_by("-id")[:limit])


def _is_id(position: str) -> bool:
    return position.isdecimal() and len(position) < MOST_DIGITS


MOST_DIGITS: Final = 19
"""A longer number is not an id of a row."""

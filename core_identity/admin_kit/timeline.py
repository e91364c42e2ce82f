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

    from core_identity.models import Identity, User

SHOWN: Final = 25
KIND: Final = "happened"
BEFORE: Final = "before"
MOST_ROWS: Final = 20
"""The windows of one source: one for each user who was merged into this one, or each identity. Nobody has more in practice."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The person of a timeline: the user with those who were merged into them, and their identities with connections and UIDs."""

    user: "User"
    users: Sequence[UUID]
    identities: Sequence["Identity"]

    def names(self) -> list[str]:
        """Return the names by which the identity providers know the person now or knew them by a UID."""
        found = [uid.uid for one in self.identities for uid in one.uids.all()]
        for one in self.identities:
            found += [one.user_name, one.name_id, one.email, one.external_id or ""]
        return [name for name in dict.fromkeys(found) if name]


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
    """Whether they may open the pages of its rows, if that is another question."""

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


def newest_of_each(rows: QuerySet[Any], column: str, values: Sequence[Any], position: str, limit: int) -> list[Any]:
    """Return the newest rows whose ``column`` has one of some values, by ``id``: a window of the index for each value, in one statement."""
    if position.isdecimal() and len(position) < MOST_DIGITS:
        rows = rows.filter(pk__lt=int(position))
    windows = [rows.filter(**{column: one}).order_by("-id")[:limit] for one in values[:MOST_ROWS]]
    if not windows:
        return []
    if len(windows) == 1:
        return list(windows[0])
    return list(windows[0].union(*windows[1:], all=True).order_by("-id")[:limit])


MOST_DIGITS: Final = 19
"""A longer number is not an id of a row."""

"""Events as a stream, for other systems (R34): one line of JSON each, or a table for a spreadsheet.

Rows come by a cursor of the database, some at a time, so that a million cost no more memory than a few.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from core_identity.models import Connection, Event, User

COLUMNS: Final = {
    "uuid": "uuid",
    "at": "at",
    "kind": "kind",
    "channel": "channel",
    "actor_kind": "actor_kind",
    "actor_id": "actor_id",
    "actor": "actor",
    "connection_id": "connection_id",
    "connection": "connection_slug",
    "subject_type": "subject_type",
    "subject_id": "subject_id",
    "subject": "subject",
    "user_id": "user_id",
    "person": "person",
    "changes": "changes",
    "reason": "reason",
    "reference": "request_id",
}
"""The columns of an export, each with the field of `Event`, or of `with_person`."""

AT_ONCE: Final = 500
"""Events in memory together."""

FORMULA: Final = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet would calculate instead of show; the wide forms count, too (OWASP, CSV injection)."""


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


MEDIA_TYPES: Final = {Format.JSONL: "application/x-ndjson; charset=utf-8", Format.CSV: "text/csv; charset=utf-8"}


def with_person(events: QuerySet[Event]) -> QuerySet[Event]:
    """Annotate ``person``, the present username of the user whose history contains the event. Erased users have no other name than their id."""
    return events.annotate(person=Subquery(User.objects.filter(pk=OuterRef("user_id")).values("username")[:1]))


def events_between(
    *, since: datetime | None, until: datetime | None, connection: Connection | None, user: User | None
) -> QuerySet[Event]:
    """Return the events from ``since`` on and before ``until`` (both aware), of one connection, in the history of one user, each `with_person`."""
    condition = Q()
    if since is not None:
        condition &= Q(at__gte=since)
    if until is not None:
        condition &= Q(at__lt=until)
    if connection is not None:
        condition &= Q(connection_id=connection.pk)
    if user is not None:
        condition &= Q(user_id=user.pk)
    return with_person(Event.objects.filter(condition))


@dataclass
class Export:
    """The text of ``rows``, the oldest first, in their state at the first read. Read it once; ``exported`` counts the rows meanwhile.

    ``columns`` maps each column to a field.
    """

    rows: QuerySet[Any]
    format: Format
    columns: Mapping[str, str] = field(default_factory=lambda: COLUMNS)
    exported: int = 0

    def __iter__(self) -> Iterator[str]:
        """Yield the text of some events at a time. Holds a transaction open as long as it is read: the cursor lives in it."""
        if self.format is Format.CSV:
            yield _table([tuple(self.columns)])
        with transaction.atomic():
            rows = self.rows.order_by("pk").values_list(*self.columns.values()).iterator(chunk_size=AT_ONCE)
            while some := list(islice(rows, AT_ONCE)):
                self.exported += len(some)
                yield _lines(some, self.columns) if self.format is Format.JSONL else _table(some)


def _lines(rows: Sequence[tuple[Any, ...]], columns: Mapping[str, str]) -> str:
    """Return an object a line, in ASCII: some readers end a line at U+2028 too."""
    lines = (dict(zip(columns, row, strict=True)) for row in rows)
    return "".join(f"{json.dumps(one, default=_text)}\n" for one in lines)


def _table(rows: Sequence[tuple[Any, ...]]) -> str:
    """Return rows of RFC 4180, each cell in quotes."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """Return a cell that a spreadsheet shows unchanged, and never calculates."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else _text(value)
    return f"'{text}" if FORMULA.match(text) else text


def _text(value: object) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else str(value)

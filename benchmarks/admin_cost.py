"""The cost of one page of the administration: its statements, their time, and the length of the page."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Final

from django.db import connection as database
from django.test import Client

from benchmarks.admin_walk import Visit
from benchmarks.kernel_cpu import cpu_seconds

TICKS: Final = {"_selected_action"}
"""Fields of which Django shows one in each row of a list."""


@dataclass(frozen=True)
class Cost:
    """One answer. ``seconds`` are the CPU time of the server and its database, so a busy machine does not change them.

    ``in_database`` is the part of the database. ``slowest`` is the text of the dearest statement.
    """

    name: str
    status: int
    queries: int
    seconds: float
    in_database: float
    size: int
    rows: int
    choices: int
    slowest: str


class Lengths(HTMLParser):
    """Finds the rows of the longest table and the entries of the longest list to choose from: options, links of a filter, boxes of one name."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[int] = [0]
        self.lists: list[int] = [0]
        self.boxes: Counter[str] = Counter()
        self._in_filter = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "table":
            self.tables.append(0)
        elif tag == "tr":
            self.tables[-1] += 1
        elif tag in {"select", "datalist", "ul"}:
            self.lists.append(0)
        elif tag in {"option", "li"}:
            self.lists[-1] += 1
        elif tag == "input" and values.get("type") in {"checkbox", "radio"} and values.get("name") not in TICKS:
            self.boxes[values.get("name") or ""] += 1

    @property
    def rows(self) -> int:
        return max(self.tables)

    @property
    def choices(self) -> int:
        return max(*self.lists, *self.boxes.values(), 0)


def visit(client: Client, page: Visit) -> Cost:
    """Open a page once, and measure it."""
    statements: list[tuple[float, str]] = []

    def timed(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            statements.append((time.perf_counter() - began, sql))

    backend = [database.connection.info.backend_pid]
    own, theirs = time.thread_time(), cpu_seconds(backend)
    with database.execute_wrapper(timed):
        answer = client.get(page.path)
        text = answer.getvalue().decode()
    own, theirs = time.thread_time() - own, cpu_seconds(backend) - theirs
    lengths = Lengths()
    lengths.feed(text)
    queries = [one for one in statements if not one[1].lstrip().startswith(("SAVEPOINT", "RELEASE", "SET"))]
    return Cost(
        name=page.name,
        status=answer.status_code,
        queries=len(queries),
        seconds=own + theirs,
        in_database=theirs,
        size=len(text),
        rows=lengths.rows,
        choices=lengths.choices,
        slowest=max(queries, default=(0.0, ""))[1],
    )

"""The plans of all hot statements, as PostgreSQL's auto_explain writes them into its log while the product answers real requests."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.group_work import group_work
from benchmarks.report import DOCS
from benchmarks.scene import Scene
from benchmarks.servers import Host
from benchmarks.sign_in_work import sign_in_work
from benchmarks.work import Work, page_work, people_work
from devtools.faults import say
from tests.support.saml import TestIdp

_SETTINGS: Final = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_buffers": "on",
}
_ENTRY: Final = re.compile(r"LOG:  duration: [^\n]*  plan:\n((?:\t.*\n)+)")
_NOISE: Final = (
    (re.compile(r" *\(cost=[^)]*\)"), ""),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "…"),
)
_LITERAL: Final = re.compile(r"'([^']*)'")
_VARIES: Final = re.compile(r"\d{4}-\d\d-\d\d.*|[0-9a-f]{32}|.{60,}", re.DOTALL)
"""Times, ids without hyphens, and whatever is long: lists and documents."""
_UNTOLD: Final = ("Planning:", "Settings:", "Query Identifier:", "Query Parameters:")
_COLUMNS: Final = re.compile(r"(?:\w+(?:\.\w+)?(?: AS \w+)?, ){4,}")
_VALUES: Final = re.compile(r"'[^']*'|\bNULL\b|\b\d+\b")
_FOREIGN_KEY_CHECK: Final = "SELECT 1 FROM ONLY "
LONGEST: Final = 1000
MEMBERS: Final = 900


@dataclass(frozen=True)
class Statement:
    """The text of a statement, shortened, and the lines of its plan."""

    text: str
    plan: Sequence[str]


def capture(host: Host, scene: Scene, idp: TestIdp) -> dict[str, list[Statement]]:
    """Send each work once to a server whose PostgreSQL sessions explain what they do; return the statements by work."""
    say("Query plans …")
    with psycopg.connect(host.superuser_url, autocommit=True) as connection:
        for name, value in _SETTINGS.items():
            connection.execute(f"ALTER ROLE core_identity SET {name} = '{value}'")
        [(folder,)] = connection.execute("SHOW data_directory").fetchall()
    log = Path(folder).parent / "postgres.log"
    explained = replace(scene, server=host.serve_product())
    found = {}
    for work in _hot(explained, idp):
        client = work.client()
        for number in range(1 if work.after else 4):  # the last one is explained: those before fill caches
            began = log.stat().st_size
            work.send(client, number)
            time.sleep(0.3)  # for the row of the log, which is written after the answer
        with log.open(errors="replace") as lines:
            lines.seek(began)
            found[work.name] = list(statements(lines.read()))
        if work.after:
            work.after(client)
        client.close()
    return found


def statements(log: str) -> Iterator[Statement]:
    """Read the entries of auto_explain in a piece of PostgreSQL's log. Values that differ between two runs are removed."""
    for entry in _ENTRY.findall(log):
        text = ""
        plan: list[str] = []
        for line in (line.removeprefix("\t") for line in entry.splitlines()):
            if line.startswith("Query Text: "):
                text = line.removeprefix("Query Text: ")
            elif not plan and not _begins_a_plan(line):
                text += f" {line.strip()}"
            elif not line.strip().startswith(_UNTOLD):
                plan.append(_without_noise(line))
        if not text.startswith(_FOREIGN_KEY_CHECK):
            yield Statement(_shortened(_without_noise(text)), plan)


def write_page(plans: Mapping[str, Sequence[Statement]], people: int) -> None:
    """Write docs/query-plans.md. A statement that several requests send is shown once."""
    page = [
        "# Query plans",
        "",
        "`./dev bench --docs` writes this page; do not edit it. PostgreSQL's auto_explain wrote these plans while the service answered real",
        f"requests, with {people:,} people in one connection. *rows* are what a step really returned, *Buffers* the pages of 8 kB that it read.",
        "Left out are the checks of foreign keys, which PostgreSQL makes at the end of a transaction.",
    ]
    shown: set[str] = set()
    for work, listed in plans.items():
        fresh = {_alike(one): one for one in listed if _alike(one) not in shown}
        shown |= fresh.keys()
        page += [
            "",
            f"## {work[:1].upper()}{work[1:]}",
            "",
            f"{len(listed)} statements, {len(fresh)} of them not shown above." if listed else "No statement.",
        ]
        for one in fresh.values():
            page += ["", "```", one.text, *(f"    {line}" for line in one.plan), "```"]
    (DOCS / "query-plans.md").write_text("\n".join(page) + "\n")


def _hot(scene: Scene, idp: TestIdp) -> Iterator[Work]:
    yield from people_work(scene)
    yield from (work for work in page_work(scene) if "last" in work.name)
    yield from group_work(scene, MEMBERS, linked=True, name="Group for plans")
    yield from sign_in_work(scene, idp)


def _begins_a_plan(line: str) -> bool:
    return "(cost=" in line


def _without_noise(text: str) -> str:
    for pattern, replacement in _NOISE:
        text = pattern.sub(replacement, text)
    return _LITERAL.sub(lambda found: "'…'" if _VARIES.fullmatch(found[1]) else found[0], text).rstrip()


def _shortened(statement: str) -> str:
    """Return the statement in one line, without long lists of columns and quotation marks that it does not need."""
    line = _COLUMNS.sub("…, ", " ".join(statement.split()).replace('"', ""))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} …"


def _alike(statement: Statement) -> str:
    """Return what two runs of a statement with other values have in common."""
    return _VALUES.sub("?", statement.text)

"""Every list, search and page of the administration of a large service: `python -m benchmarks.administration`.

It measures a database that `python -m benchmarks.population` has filled, and changes nothing there: the walk is one transaction that is rolled back.
Each page is opened twice, and the second time counts, as for an administrator who works.
"""

import argparse
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from benchmarks.admin_walk import EVERYBODY
from benchmarks.population import set_up
from devtools.checkout import this_checkout
from devtools.faults import say
from devtools.product import collect_static_files

if TYPE_CHECKING:
    from benchmarks.admin_cost import Cost

MOST_QUERIES: Final = 19
MOST_SECONDS: Final = 0.3
MOST_CHOICES: Final = 50
MOST_ROWS: Final = 52
"""Of one table: 50, its head, and a line below it."""

ALL_PEOPLE: Final = ("roles, delete", EVERYBODY)
"""Ends of the names of pages before a rare decision that count all people concerned, exactly. Their time grows with these people."""


def measured(only: str = "") -> "list[Cost]":
    """Walk through the administration as a superuser and return the cost of each page, or of those whose name contains ``only``."""
    from django.db import connection as database
    from django.db import transaction
    from django.test import Client

    from benchmarks.admin_cost import visit
    from benchmarks.admin_walk import walk
    from benchmarks.scene import ACTOR
    from core_identity.services.users import create_user

    found = []
    with transaction.atomic():
        with database.cursor() as cursor:
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # their time is not counted
        root = create_user(actor=ACTOR, username="walker", is_staff=True, is_superuser=True)
        client = Client(headers={"host": "localhost"}, raise_request_exception=False)
        client.force_login(root)
        for page in walk(root):
            if only in page.name:
                visit(client, page)
                found.append(visit(client, page))
                say(line(found[-1]))
        transaction.set_rollback(True)
    return found


def faults(cost: "Cost") -> list[str]:
    """Return what is too much of a page, in words."""
    limits = (
        (f"status {cost.status}", cost.status >= 400),
        (f"{cost.queries} queries", cost.queries > MOST_QUERIES),
        (f"{cost.seconds * 1000:.0f} ms", cost.seconds > MOST_SECONDS and not cost.name.endswith(ALL_PEOPLE)),
        (f"{cost.choices} choices in one list", cost.choices > MOST_CHOICES),
        (f"{cost.rows} rows in one table", cost.rows > MOST_ROWS),
    )
    return [words for words, is_too_much in limits if is_too_much]


def line(cost: "Cost") -> str:
    times = f"{cost.seconds * 1000:7.0f} ms {cost.in_database * 1000:7.0f} ms {cost.queries:3} q"
    shown = f"{times} {cost.size // 1024:4} KB {cost.rows:4} r {cost.choices:4} c  {cost.name}"
    return f"{shown}  ! {', '.join(faults(cost))}" if faults(cost) else shown


def table(costs: "Sequence[Cost]") -> str:
    """Return the worst of each kind of page as Markdown, for docs/performance.md."""
    kinds: dict[str, list[Cost]] = {}
    for cost in costs:
        kind, _, _ = cost.name.partition(":")
        kinds.setdefault(
            kind.partition(",")[0].split()[0] if kind.startswith("autocomplete") else kind.partition(",")[0], []
        ).append(cost)
    lines = ["| page or list | visited | queries | CPU, ms | dearest |", "| --- | --- | --- | --- | --- |"]
    for kind, of_kind in kinds.items():
        judged = [cost for cost in of_kind if not cost.name.endswith(ALL_PEOPLE)] or of_kind
        worst = max(judged, key=lambda cost: cost.seconds)
        queries = max(cost.queries for cost in judged)
        lines.append(f"| {kind} | {len(of_kind)} | {queries} | {worst.seconds * 1000:.0f} | {worst.name} |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.administration", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="pages whose name contains it")
    parser.add_argument("--slowest", action="store_true", help="show the slowest statement of each page that fails")
    options = parser.parse_args(words)
    if not os.environ.get("DATABASE_URL"):
        parser.error("Set DATABASE_URL to a database that `python -m benchmarks.population` has filled.")
    set_up(os.environ["DATABASE_URL"])
    collect_static_files(this_checkout(), dict(os.environ))
    logging.disable(logging.WARNING)
    costs = measured(options.only)
    bad = [cost for cost in costs if faults(cost)]
    print(table(costs))
    print(f"\n{len(costs)} pages, {len(bad)} of them too expensive or too long.")
    for cost in bad:
        print(line(cost))
        if options.slowest:
            print(f"    {' '.join(cost.slowest.split())[:1500]}")


if __name__ == "__main__":
    main()

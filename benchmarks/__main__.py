"""`./dev bench`: all works at all sizes, beside the ceilings and django-scim2, in interleaved rounds."""

import argparse
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import django
import psycopg

from benchmarks.group_work import group_work, people_needed
from benchmarks.kernel_cpu import cpu_seconds
from benchmarks.options import parse
from benchmarks.plans import capture, write_page
from benchmarks.report import tables, write_pages
from benchmarks.results import CEILING, LINKED, PRODUCT, STOCK, WAITING, Ratios, Results, ratios
from benchmarks.rounds import Pace, measure, rates
from benchmarks.scene import Scene, make_scene
from benchmarks.servers import Host, host
from benchmarks.sign_in_work import sign_in_work, trust
from benchmarks.stock_work import StockScene, make_stock_scene, serve_stock, stock_group_work, stock_people_work
from benchmarks.work import Work, ceilings, page_work, people_work
from devtools.faults import say
from devtools.web_server import WORKERS

RATED = ("lookup by userName", "put, unchanged", "put, changed", "create")


class Bench:
    """The servers, the two scenes, and what was found so far."""

    def __init__(self, machine: Host, options: argparse.Namespace) -> None:
        say("Starting …")
        self.ceilings_url = machine.make_ceilings()
        ceiling, product = machine.serve_ceilings(self.ceilings_url), machine.serve_product()
        self.machine, self.options = machine, options
        self.scene: Scene = make_scene(machine, product)
        self.stock: StockScene = make_stock_scene(machine)
        self.idp = trust(self.scene)
        self.pace = Pace(options.rounds, options.seconds)
        self.units = {work.name: work for work in ceilings(ceiling.client)}
        self.roots = [ceiling.pid, product.pid, self.stock.server.pid, machine.postmaster]
        self.results = Results(notes=self._notes())

    def people(self) -> None:
        for size in self.options.people:
            say(f"{size:,} people: seeding …")
            self.scene.grow(size, analyse=not self.options.never_analysed)
            self.stock.grow(size)
            self.results.people[size] = self._measured(
                {PRODUCT: self._product_work(), STOCK: list(stock_people_work(self.stock))}
            )

    def rates(self) -> None:
        """Serve each system with as many workers as `./dev serve`, because one Python process computes on one core only."""
        ceiling = self.machine.serve_ceilings(self.ceilings_url, workers=WORKERS)
        scene = replace(self.scene, server=self.machine.serve_product(workers=WORKERS))
        stock = replace(self.stock, server=serve_stock(self.machine, self.stock.url, workers=WORKERS))
        systems = {
            CEILING: list(ceilings(ceiling.client)),
            PRODUCT: [work for work in people_work(scene) if work.name in RATED],
            STOCK: [work for work in stock_people_work(stock) if work.name in RATED],
        }
        for system, works in systems.items():
            say(f"Rates of {system} …")
            self.results.rates[system] = {work.name: rates(work, self.options.connections, self.pace) for work in works}

    def groups(self) -> None:
        for size in self.options.groups:
            say(f"Groups of {size:,} …")
            if people_needed(size) > self.scene.people:
                self.scene.grow(people_needed(size), analyse=not self.options.never_analysed)
                self.stock.grow(self.scene.people)
            works = {
                WAITING: list(group_work(self.scene, size, linked=False)),
                LINKED: list(group_work(self.scene, size, linked=True)),
                STOCK: list(stock_group_work(self.stock, size)),
            }
            self.machine.settle(analyse=not self.options.never_analysed)
            self.results.groups[size] = self._measured(works)

    def _product_work(self) -> list[Work]:
        return [*people_work(self.scene), *page_work(self.scene), *sign_in_work(self.scene, self.idp)]

    def _measured(self, works: Mapping[str, Iterable[Work]]) -> dict[str, Ratios]:
        keyed = {f"{system}/{work.name}": work for system, listed in works.items() for work in listed}
        return ratios(measure(self.units, keyed, lambda: cpu_seconds(self.roots), self.pace))

    def _notes(self) -> dict[str, str]:
        with psycopg.connect(self.machine.database.url) as connection:
            version = connection.info.server_version // 10_000
        notes = {"PostgreSQL": str(version), "Python": platform.python_version(), "Django": django.get_version()}
        return notes | {"one gunicorn worker of 8 threads, on": f"{datetime.now(UTC):%Y-%m-%d}"}


def main(words: list[str]) -> None:
    options = parse(words)
    with host() as machine:
        bench = Bench(machine, options)
        for step in (bench.people, bench.rates, bench.groups):
            step()
            bench.results.write(Path(options.json))  # each time, so that a fault later on loses nothing
        plans = capture(machine, bench.scene, bench.idp) if options.docs else {}
    print(tables(bench.results))
    if options.docs:
        write_pages(bench.results)
        write_page(plans, bench.scene.people)


if __name__ == "__main__":
    main(sys.argv[1:])

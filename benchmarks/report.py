"""The results as tables and curves. ``python -m benchmarks.report .dev/bench.json`` writes the pages of docs/ from a run's results once more."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.curves import Panel, svg
from benchmarks.results import CEILING, LINKED, PRODUCT, STOCK, WAITING, Ratio, Ratios, Results

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- ./dev bench writes from here -->", "<!-- to here -->"
PEOPLE_CURVES: Final = (
    "lookup by userName",
    "lookup by UID",
    "get",
    "create",
    "put, changed",
    "put, unchanged",
    "page by index, first",
    "page by index, last",
    "page by cursor, last",
)
GROUP_CURVES: Final = ("one member in or out", "exchange a tenth", "group get")


def tables(results: Results) -> str:
    """Return all tables as Markdown."""
    notes = ", ".join(f"{name} {value}" for name, value in results.notes.items())
    parts = [f"Measured with {notes}.", "## One customer, more and more people", _people_table(results)]
    if results.groups:
        parts += ["## Groups, more and more members", _group_table(results)]
    if results.rates:
        parts += ["## Several connections at once", _rate_table(results)]
    return "\n\n".join(parts)


def people_curves(results: Results) -> str:
    panels = [_panel(name, results.people, (PRODUCT, STOCK)) for name in PEOPLE_CURVES]
    return svg([one for one in panels if one.series], legend=(PRODUCT, STOCK), x_label="people of the customer")


def group_curves(results: Results) -> str:
    legend = (WAITING, STOCK, LINKED)
    panels = [_panel(name, results.groups, legend) for name in GROUP_CURVES]
    return svg([one for one in panels if one.series], legend=legend, x_label="members of the group")


def write_pages(results: Results) -> None:
    """Replace what is between the markers of docs/performance.md, and the curves that it shows."""
    page = DOCS / "performance.md"
    curves = ["![Ratios as the customer grows](images/growth-people.svg)"]
    (DOCS / "images" / "growth-people.svg").write_text(people_curves(results))
    if results.groups:
        curves.append("![Ratios as a group grows](images/growth-groups.svg)")
        (DOCS / "images" / "growth-groups.svg").write_text(group_curves(results))
    page.write_text(between_markers(page.read_text(), "\n\n".join([tables(results), *curves])))


def between_markers(page: str, text: str) -> str:
    """Return the page with ``text`` between its markers. Raises ValueError if it does not have both."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page needs the lines {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def _people_table(results: Results) -> str:
    largest = max(results.people)
    rows = []
    for work, last in results.people[largest][PRODUCT].items():
        cells = [_cell(results.people[size][PRODUCT], work) for size in results.people]
        rows.append([work, *cells, f"± {100 * last.spread:.0f} %", _cell(results.people[largest].get(STOCK, {}), work)])
    heads = [f"{size:,} people" for size in results.people]
    return _table(["request", *heads, "spread", f"{STOCK}, {largest:,}"], rows)


def _group_table(results: Results) -> str:
    kinds = {kind: None for systems in results.groups.values() for kind in systems}
    works = {work: None for systems in results.groups.values() for ratios in systems.values() for work in ratios}
    rows = [
        [work, kind, *(_cell(systems.get(kind, {}), work) for systems in results.groups.values())]
        for work in works
        for kind in kinds
        if any(work in systems.get(kind, {}) for systems in results.groups.values())
    ]
    return _table(["request", "group", *(f"{size:,} members" for size in results.groups)], rows)


def _rate_table(results: Results) -> str:
    """Return how many times the rate over one connection is reached, and that rate as a part of L."""
    [one, *_] = sorted(next(iter(results.rates[CEILING].values())))
    unit = results.rates[CEILING]["L"][one]
    counts = sorted(results.rates[CEILING]["L"])
    rows = [
        [work, system, f"{rates[one] / unit:.2f}", *(f"{rates[count] / rates[one]:.1f}" for count in counts[1:])]
        for system, works in results.rates.items()
        for work, rates in works.items()
    ]
    heads = [f"{count} connections, times" for count in counts[1:]]
    return _table(["request", "system", f"rate over {one}, L = 1", *heads], rows)


def _panel(work: str, found: Mapping[int, Mapping[str, Ratios]], systems: Sequence[str]) -> Panel:
    series = {
        system: {size: by[system][work].median for size, by in found.items() if work in by.get(system, {})}
        for system in systems
    }
    return Panel(work, {system: points for system, points in series.items() if points})


def _cell(ratios: Ratios, work: str) -> str:
    return _shown(ratios[work]) if work in ratios else ""


def _shown(ratio: Ratio) -> str:
    return f"{ratio.median:.1f} {ratio.unit}" if ratio.median < 100 else f"{ratio.median:,.0f} {ratio.unit}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    write_pages(Results.read(Path(sys.argv[1])))

"""The parts of `./dev bench` that measure nothing: ratios, tables, curves, plans, and the command line."""

import os
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import cost, options
from benchmarks.first_push import windows
from benchmarks.keep_alive import KeepAlive
from benchmarks.kernel_cpu import cpu_seconds
from benchmarks.plans import Statement, statements
from benchmarks.report import BEGIN, END, between_markers, group_curves, people_curves, tables
from benchmarks.results import CEILING, PRODUCT, STOCK, Ratio, Results, ratios
from benchmarks.rounds import Cost
from benchmarks.work import Work

COSTS = {
    "L": Cost("L", [0.001, 0.002, 0.002]),
    "I": Cost("I", [0.002, 0.002, 0.004]),
    f"{PRODUCT}/get": Cost("L", [0.003, 0.004, 0.008]),
    f"{PRODUCT}/create": Cost("I", [0.010, 0.010, 0.010]),
    f"{STOCK}/get": Cost("L", [0.010, 0.500, 0.500]),
}


def results() -> Results:
    found = ratios(COSTS)
    return Results(
        people={1_000: found, 10_000: found},
        groups={100: {"linked": {"group get": Ratio("L", 3.0, 2.0, 4.0)}}},
        rates={CEILING: {"L": {1: 500.0, 4: 1000.0}}, PRODUCT: {"create": {1: 50.0, 4: 90.0}}},
        notes={"PostgreSQL": "18"},
    )


def test_a_ratio_compares_medians_and_its_spread_compares_rounds() -> None:
    assert ratios(COSTS) == {
        PRODUCT: {"get": Ratio("L", 2.0, 2.0, 4.0), "create": Ratio("I", 5.0, 2.5, 5.0)},
        STOCK: {"get": Ratio("L", 250.0, 10.0, 250.0)},
    }
    assert Ratio("L", 2.0, 2.0, 4.0).spread == 0.5


def test_the_tables_contain_ratios_only() -> None:
    assert (
        tables(results())
        == """Measured with PostgreSQL 18.

## One customer, more and more people

| request | 1,000 people | 10,000 people | spread | django-scim2, 10,000 |
| --- | --- | --- | --- | --- |
| get | 2.0 L | 2.0 L | ± 50 % | 250 L |
| create | 5.0 I | 5.0 I | ± 25 % |  |

## Groups, more and more members

| request | group | 100 members |
| --- | --- | --- |
| group get | linked | 3.0 L |

## Several connections at once

| request | system | rate over 1, L = 1 | 4 connections, times |
| --- | --- | --- | --- |
| L | ceiling | 1.00 | 2.0 |
| create | Core Identity | 0.10 | 1.8 |"""
    )


def test_results_are_the_same_after_a_file(tmp_path: Path) -> None:
    path = tmp_path / "made" / "bench.json"
    results().write(path)
    assert Results.read(path) == results()


def test_the_text_around_the_markers_stays() -> None:
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nThe end.\n"
    assert between_markers(page, "new") == f"# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nThe end.\n"
    with pytest.raises(ValueError, match="needs the lines"):
        between_markers("# Title\n", "new")


def test_curves_are_xml_with_a_line_for_each_system_and_colours_for_both_kinds_of_page() -> None:
    drawn = people_curves(results())
    shapes = [one.get("class") for one in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}path")]  # noqa: S314 - our own
    assert shapes.count("line s0") == 2  # get and create
    assert shapes.count("line s1") == 1  # django-scim2 was asked for one of them
    assert "prefers-color-scheme: dark" in drawn
    assert 'class="line s2"' in group_curves(results())  # of a single size: no line to divide by


def test_statements_are_read_from_the_log_without_values_that_differ_between_runs() -> None:
    log = (
        "2026-11-29 01:00:00.000 UTC [7] LOG:  duration: 0.018 ms  plan:\n"
        '\tQuery Text: SELECT "user"."a", "user"."b", "user"."c", "user"."d", "user"."e"\n'
        "\t  FROM \"user\" WHERE id = '0f8fad5b-d9cb-469f-a165-70867728950e'\n"
        '\tIndex Scan using user_pkey on "user"  (cost=0.29..8.31 rows=1 width=8) (actual rows=1.00 loops=1)\n'
        "\t  Buffers: shared hit=3\n"
        "2026-11-29 01:00:00.001 UTC [7] LOG:  something else\n"
    )
    assert list(statements(log)) == [
        Statement(
            "SELECT …, user.e FROM user WHERE id = '…'",
            ['Index Scan using user_pkey on "user" (actual rows=1.00 loops=1)', "  Buffers: shared hit=3"],
        )
    ]


def test_each_thousand_people_of_a_push_has_a_rate_and_a_cost() -> None:
    assert windows([(0.0, 1.0), (10.0, 3.0), (15.0, 5.0)]) == [(100.0, 2.0), (200.0, 2.0)]


def test_quick_sets_the_options_that_are_not_given() -> None:
    quick = options.parse(["--quick", "--rounds", "7"])
    assert (quick.people, quick.rounds) == ((1_000, 10_000), 7)
    assert options.parse(["--people", "100000,1000"]).people == (1_000, 100_000)


@pytest.mark.parametrize("words", [["--people", "10"], ["--people", "many"], ["--rounds", "0"], ["--fast"]])
def test_a_wrong_argument_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        options.parse(words)
    assert left.value.code == 2
    assert "./dev bench: error:" in capsys.readouterr().err


def test_measurements_are_chosen_by_the_start_of_their_names() -> None:
    works = {name: Work(name, "L", lambda: KeepAlive(1), print) for name in ("lookup, miss", "get", "group get")}
    assert [*cost.chosen(works, "look, get")] == ["lookup, miss", "get"]
    with pytest.raises(ValueError, match="No work begins with 'put'"):
        cost.chosen(works, "get,put")


def test_the_table_of_costs_has_milliseconds_too() -> None:
    *_, last = cost.table({"L": COSTS["L"], "get": COSTS[f"{PRODUCT}/get"]}).splitlines()
    assert last.split() == ["get", "4.00", "2.00", "L", "2.00", "…", "4.00"]


def test_the_kernel_counts_the_work_of_a_process() -> None:
    began, own = cpu_seconds([os.getpid()]), time.process_time()
    while time.process_time() - own < 0.02:
        pass
    assert cpu_seconds([os.getpid()]) - began >= 0.02

"""`./dev test`."""

import argparse
import os
import secrets
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from devtools.browser import browser_of_the_system, find_or_install_browser
from devtools.checkout import Checkout
from devtools.checks import Result, run_checks
from devtools.database import throwaway_database
from devtools.environment import ensure_tools
from devtools.faults import Fault, say
from devtools.foreground import run_foreground
from devtools.outcome import OUTCOME_VARIABLE, Outcome, closing_lines, outcome_of_pytest
from devtools.product import product_environment

SUMMARY = "run every check and every test"
BY_FILES = ("--dist=loadfile", "--no-loadscope-reorder")
"""A file stays in one process; files in the order of tests/conftest.py, which knows better than their number of tests which take long."""
FEWEST_PROCESSES, MOST_PROCESSES = 2, 6
"""Each process opens up to thirty connections to PostgreSQL, which accepts 200."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run every check and every test on a throw-away PostgreSQL. Other arguments go to pytest; then "
        "the checks are left out: ./dev test tests/policy -k expired. The last line counts checks and tests."
    )
    parser.add_argument("--fast", action="store_true", help="leave the checks out")
    parser.add_argument("--nightly", action="store_true", help="let the random tests search much longer")
    parser.add_argument(
        "--no-browser", action="store_true", help="leave out the browser tests; the last lines mention it"
    )


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    with ThreadPoolExecutor(1) as pool:
        if not options.no_browser:
            pool.submit(browser_of_the_system)
        ensure_tools(checkout)
    chosen: list[str] = options.passed_on
    with throwaway_database(checkout) as database:
        environment = product_environment(checkout, database, SECRET_KEY=secrets.token_urlsafe(50))
        environment["NIGHTLY"] = "1" if options.nightly else "0"
        if not options.no_browser:
            environment |= _browser(checkout, required=not chosen)
        words = chosen or [f"--numprocesses={_number_of_processes()}", *BY_FILES]
        words += ["--no-browser"] if options.no_browser else []
        with _checks_meanwhile(checkout, environment if not chosen and not options.fast else None) as results:
            tests = _run_pytest(checkout, environment, words, database.holds)
    passed_checks = [result.name for result in results if not result.failed]
    failed_checks = [result.name for result in results if result.failed]
    for line in closing_lines(tests, passed_checks, failed_checks, browser=not options.no_browser):
        print(line, flush=True)
    return 0 if tests.passed and not tests.failed and not failed_checks else 1


def _number_of_processes() -> int:
    """One for each processor that this process may use, within limits."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(FEWEST_PROCESSES, min(cpus, MOST_PROCESSES))


@contextmanager
def _checks_meanwhile(checkout: Checkout, environment: Mapping[str, str] | None) -> Iterator[list[Result]]:
    """Run the checks beside the block, and print how they ended after it. Without an environment, run none.

    Most checks use one core, and the tests wait for their servers now and then, so both together take less time than one after the other.
    """
    results: list[Result] = []
    if environment is None:
        yield results
        return
    with ThreadPoolExecutor(1) as pool:
        checking = pool.submit(lambda: results.extend(run_checks(checkout, environment)))
        yield results
        checking.result()
    say("Checks:")
    for result in results:
        result.show()


def _browser(checkout: Checkout, *, required: bool) -> dict[str, str]:
    """Return the variable with the path of Chromium. Tests chosen by hand may not need it."""
    try:
        return {"CHROMIUM": str(find_or_install_browser(checkout))}
    except Fault as fault:
        if required:
            raise
        say(str(fault))
        return {}


def _run_pytest(checkout: Checkout, environment: dict[str, str], words: list[str], holds: Sequence[int]) -> Outcome:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)  # should anybody else still have the other end
    status = run_foreground(
        [checkout.python, "-m", "pytest", *words],
        environment | {OUTCOME_VARIABLE: str(writer)},
        cwd=checkout.root,
        holds=(*holds, writer),
        stop_signal=signal.SIGINT,  # pytest tears down its fixtures then, and their servers with them
    )
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        return outcome_of_pytest(status, pipe.read() or b"")

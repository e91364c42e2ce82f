"""Counts of a run for `./dev test`, which closes with them, and its option `--no-browser`."""

import json
import os

import pytest

from devtools.outcome import OUTCOME_VARIABLE

COUNTED = {"passed": ("passed", "xpassed"), "failed": ("failed", "error"), "skipped": ("skipped", "xfailed")}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-browser", action="store_true", help="skip the tests that need a browser, and say so")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--no-browser"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="--no-browser"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the counts where `./dev test` wants them; xdist's workers leave that to their leader."""
    pipe = os.environ.get(OUTCOME_VARIABLE)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if pipe and reporter and not hasattr(session.config, "workerinput"):
        counts = {name: sum(len(reporter.stats.get(key, [])) for key in keys) for name, keys in COUNTED.items()}
        os.write(int(pipe), json.dumps(counts).encode())

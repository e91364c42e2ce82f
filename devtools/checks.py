"""Every check that needs no test: style, types, import contracts, English, documentation, templates, migrations, Django's own."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.checkout import Checkout
from devtools.faults import say

# `check --deploy` judges the settings of a production site.
PRODUCTION = {"DEBUG": "off", "DEMO": "off", "PUBLIC_URL": "https://core.example.com"}


@dataclass(frozen=True)
class Check:
    """`command` exits 0 when all is well; `repair` is the command that fixes the findings, if there is one."""

    name: str
    command: tuple[str | Path, ...]
    repair: tuple[str | Path, ...] = ()


def checks(checkout: Checkout) -> list[Check]:
    tool = checkout.tool
    manage = (checkout.python, checkout.root / "manage.py")
    return [
        Check("ruff check", (tool("ruff"), "check"), (tool("ruff"), "check", "--fix")),
        Check("ruff format", (tool("ruff"), "format", "--check"), (tool("ruff"), "format")),
        Check("mypy", (tool("mypy"),)),
        Check("import contracts", (tool("lint-imports"),)),
        Check("plain English", (checkout.python, "-m", "devtools.plain_english")),
        Check("documentation", (checkout.python, "-m", "devtools.site")),
        Check("djlint", (tool("djlint"), "templates", "--lint", "--quiet")),
        Check(
            "template format",
            (tool("djlint"), "templates", "--check", "--quiet"),
            (tool("djlint"), "templates", "--reformat", "--quiet"),
        ),
        Check("migrations", (*manage, "makemigrations", "--check", "--dry-run")),
        Check("deploy check", (*manage, "check", "--deploy", "--fail-level", "WARNING")),
    ]


@dataclass(frozen=True)
class Result:
    """How one check ended; `words` is what it printed."""

    name: str
    failed: bool
    seconds: float
    words: str

    def show(self) -> None:
        say(f"  {'FAILED' if self.failed else 'ok'}  {self.name}  ({self.seconds:.1f} s)")
        if self.failed:
            say(self.words.rstrip())


def run_checks(checkout: Checkout, environment: Mapping[str, str]) -> Iterator[Result]:
    """Run all, one after the other."""
    for check in checks(checkout):
        started = time.monotonic()
        status, words = _run(checkout, check.command, environment)
        yield Result(check.name, status != 0, time.monotonic() - started, words)


def repair(checkout: Checkout, environment: Mapping[str, str]) -> None:
    """Let the tools fix the findings that they can fix."""
    for check in checks(checkout):
        if check.repair:
            _run(checkout, check.repair, environment)


def _run(checkout: Checkout, command: Sequence[str | Path], environment: Mapping[str, str]) -> tuple[int, str]:
    answer = subprocess.run(
        command,
        cwd=checkout.root,
        env={**environment, **PRODUCTION},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return answer.returncode, answer.stdout

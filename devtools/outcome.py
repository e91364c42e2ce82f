"""The result of a run of checks and tests, and the lines that show it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Names the pipe's descriptor into which tests/support/outcome.py writes {"passed": N, "failed": N, "skipped": N}.
OUTCOME_VARIABLE = "TEST_OUTCOME_DESCRIPTOR"


@dataclass(frozen=True)
class Outcome:
    """Counts; an error outside of a test's own body is a failure too."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        """The form that CI reads: `N passed, N failed`, and skipped ones where there are any."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def outcome_of_pytest(status: int, words: bytes) -> Outcome:
    """The counts of pytest. An end that they do not explain (a crash, an interruption) is one more failure."""
    try:
        outcome = Outcome(**json.loads(words))
    except (ValueError, TypeError):
        outcome = Outcome()
    unexplained = status != 0 and not outcome.failed
    return outcome + Outcome(failed=1) if unexplained else outcome


def closing_lines(
    tests: Outcome, passed_checks: Sequence[str], failed_checks: Sequence[str], *, browser: bool
) -> Iterator[str]:
    """The last lines of `./dev test`; the very last one counts checks and tests together."""
    checked = Outcome(len(passed_checks), len(failed_checks))
    if checked != Outcome():
        yield f"Checks: {checked}. Tests: {tests}."
    if failed_checks:
        yield f"Failed checks: {', '.join(failed_checks)}"
    if not browser:
        yield "Browser tests were left out (--no-browser)."
    if not tests.passed:
        yield "No test passed, so this run proves nothing."
    yield str(checked + tests)

"""The lock for `.venv`: the needs of a server, or these and the developers' tools."""

import os
import re
from pathlib import Path

import pytest

from devtools import environment
from devtools.checkout import Checkout, this_checkout
from devtools.progress import reporting_growth


@pytest.fixture
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout whose two locks name no package: installed without a network, and by uv, which needs no second for it."""
    monkeypatch.setenv("PATH", f"{this_checkout().venv / 'bin'}{os.pathsep}{os.environ['PATH']}")
    checkout = Checkout(tmp_path)
    checkout.run_lock.write_text("# nothing to run\n")
    checkout.dev_lock.write_text("# no tools\n")
    return checkout


def markers(checkout: Checkout) -> list[str]:
    return sorted(path.name.removeprefix("installed-lock-") for path in checkout.venv.glob("installed-lock-*"))


def test_a_server_gets_no_tools_until_a_developer_needs_them_and_then_keeps_them(
    empty_checkout: Checkout, capfd: pytest.CaptureFixture[str]
) -> None:
    environment.ensure_environment(empty_checkout)
    assert markers(empty_checkout) == ["run"]
    assert re.search(r"Environment ready: \d+ MB in \d+ s", capfd.readouterr().err)
    environment.ensure_tools(empty_checkout)
    assert markers(empty_checkout) == ["dev", "run"]
    capfd.readouterr()
    environment.ensure_environment(empty_checkout)
    environment.ensure_tools(empty_checkout)
    assert capfd.readouterr().err == "", "nothing is installed twice"
    empty_checkout.run_lock.write_text("# renewed\n")
    environment.ensure_environment(empty_checkout)
    assert markers(empty_checkout) == ["dev", "run"], "an environment with tools is renewed with its tools"


def pins(lock: Path) -> set[str]:
    return set(re.findall(r"^([\w.-]+(?:\[[\w,]+\])?==\S+)", lock.read_text(), re.MULTILINE))


def test_each_lock_contains_the_pins_of_the_smaller_one() -> None:
    checkout = this_checkout()
    runtime, run, dev = (pins(lock) for lock in (checkout.runtime_lock, checkout.run_lock, checkout.dev_lock))
    assert runtime < run < dev
    assert not any(pin.startswith(("pytest", "playwright", "mypy", "sphinx")) for pin in run)


def test_silent_work_reports_the_size_of_its_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with reporting_growth(tmp_path, "Installing", every=0.01):
        (tmp_path / "package").write_bytes(b"x" * 3_000_000)
        reported = ""
        while "3 MB" not in reported:
            reported += capfd.readouterr().err
    assert reported.startswith("  Installing …\n")

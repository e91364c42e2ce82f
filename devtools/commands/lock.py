"""`./dev lock`."""

import argparse
import subprocess
from pathlib import Path

from devtools.checkout import Checkout
from devtools.environment import ensure_tools
from devtools.faults import Fault, say

SUMMARY = "create the requirements files from pyproject.toml"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Compile requirements.txt, requirements-run.txt and requirements-dev.txt from pyproject.toml: hashed, for "
        "Python 3.11 to 3.14 on every system, with no address of a package index in them. Pins stay as they are "
        "where they still fit."
    )
    parser.add_argument("--upgrade", action="store_true", help="take the newest releases that pyproject.toml allows")


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_tools(checkout)
    compile_lock = [
        checkout.tool("uv"),
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
    ]
    # With their extras: pip meets a wish for `pydantic[email]` with a pin of `pydantic` by looking for the newest one, which has no hash.
    compile_lock += ["--generate-hashes", "--no-strip-extras", "--custom-compile-command", "./dev lock"]
    compile_lock += ["--upgrade"] if options.upgrade else []
    # Each lock follows the pins of the smaller one, so that tests run what production installs.
    smaller: list[str] = []
    for lock, groups in (
        (checkout.runtime_lock, []),
        (checkout.run_lock, ["--group", "run"]),
        (checkout.dev_lock, ["--group", "dev"]),
    ):
        _run(checkout, [*compile_lock, "pyproject.toml", *groups, *smaller, "--output-file", lock.name])
        _refuse_addresses(lock)
        smaller = ["--constraints", lock.name]
    ensure_tools(checkout)
    return 0


def _run(checkout: Checkout, command: list[str]) -> None:
    if subprocess.run(command, cwd=checkout.root, stdin=subprocess.DEVNULL).returncode != 0:
        raise Fault("uv could not compile the lock; its output above gives the reason.")
    say(f"{command[-1]} made.")


def _refuse_addresses(lock: Path) -> None:
    """A lock that names an index or a folder of this machine works nowhere else."""
    for line in lock.read_text().splitlines():
        if "://" in line or line.startswith(("-", "/")):
            raise Fault(f"{lock.name} names an address: {line.strip()}")

"""`./dev setup`."""

import argparse

from devtools.checkout import Checkout
from devtools.environment import ensure_environment
from devtools.faults import say

SUMMARY = "make .venv and install into it what the lock names"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Make .venv from the Python that runs ./dev and install exactly what requirements-dev.txt pins. "
        "Every other command does this by itself when it is due."
    )


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_environment(checkout)
    say(f"{checkout.venv} fits requirements-dev.txt.")
    return 0

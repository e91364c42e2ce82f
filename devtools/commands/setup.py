"""`./dev setup`."""

import argparse

from devtools.checkout import Checkout
from devtools.environment import ensure_tools
from devtools.faults import say

SUMMARY = "create .venv with the developers' tools"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Create .venv from the Python that runs ./dev and install exactly what requirements-dev.txt pins. "
        "Every other command installs its packages by itself; ./dev run needs no developers' tools."
    )


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_tools(checkout)
    say(f"{checkout.venv} fits requirements-dev.txt.")
    return 0

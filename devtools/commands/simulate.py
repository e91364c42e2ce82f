"""`./dev simulate …`."""

import argparse
import os
from pathlib import Path

from devtools.checkout import Checkout
from devtools.commands.run import demo_connection_file
from devtools.environment import ensure_environment
from devtools.foreground import run_foreground

SUMMARY = "send the requests that Okta sends to a running server"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Send the SCIM requests of an IdP, for example: ./dev simulate okta-aiw. ./dev run (in another "
        "terminal) answers them. ./dev simulate okta-aiw --help shows the options."
    )


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_environment(checkout)
    environment = os.environ | {
        # `-m` looks in the working directory, which stays the caller's: relative paths in the arguments are theirs.
        "PYTHONPATH": str(checkout.root),
        "DEMO_CONNECTION": str(demo_connection_file(checkout)),
    }
    return run_foreground([checkout.python, "-m", "demo.simulate", *options.passed_on], environment, cwd=Path.cwd())

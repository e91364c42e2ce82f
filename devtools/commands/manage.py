"""`./dev manage …`."""

import argparse
from pathlib import Path

from devtools.addresses import remembered_address
from devtools.checkout import Checkout
from devtools.database import CORE, DEMO, lasting_database
from devtools.environment import ensure_environment
from devtools.foreground import run_foreground
from devtools.product import manage_command, product_environment

SUMMARY = "run a command of manage.py, with environment and PostgreSQL"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run a command of manage.py with the environment and PostgreSQL ready, for example: ./dev manage "
        "connection apply acme.yaml --json. Paths are relative to where you are."
    )
    parser.add_argument(
        "--demo", action="store_true", help="work on the database of ./dev run, not on that of ./dev serve"
    )


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_environment(checkout)
    with lasting_database(checkout, DEMO if options.demo else CORE) as database:
        environment = remembered_address(checkout, database) | product_environment(checkout, database)
        return run_foreground(
            manage_command(checkout, *options.passed_on), environment, cwd=Path.cwd(), holds=database.holds
        )

"""`./dev psql`."""

import argparse
import os

from devtools.checkout import Checkout
from devtools.database import CORE, DEMO, lasting_database
from devtools.environment import ensure_environment
from devtools.foreground import run_foreground
from devtools.postgres.binaries import find_binaries

SUMMARY = "open psql on the database"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Open psql on the database of ./dev serve, or hand arguments to it, for example: ./dev psql -c "
        "'TABLE django_migrations'."
    )
    parser.add_argument("--demo", action="store_true", help="the database of ./dev run instead")


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_environment(checkout)
    psql = find_binaries(checkout).program("psql")
    with lasting_database(checkout, DEMO if options.demo else CORE) as database:
        return run_foreground([psql, database.url, *options.passed_on], os.environ, holds=database.holds)

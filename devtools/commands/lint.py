"""`./dev lint`."""

import argparse
import secrets

from devtools.checkout import Checkout
from devtools.checks import repair, run_checks
from devtools.database import throwaway_database
from devtools.environment import ensure_tools
from devtools.faults import say
from devtools.product import product_environment

SUMMARY = "run every check, but no test"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run every check that ./dev test runs too: style, types, import contracts, plain English, documentation, "
        "templates, migrations and check --deploy."
    )
    parser.add_argument("--fix", action="store_true", help="first let ruff and djlint fix their findings")


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_tools(checkout)
    with throwaway_database(checkout) as database:
        environment = product_environment(checkout, database, SECRET_KEY=secrets.token_urlsafe(50))
        if options.fix:
            repair(checkout, environment)
        say("Checks:")
        failed: list[str] = []
        for result in run_checks(checkout, environment):
            result.show()
            failed += [result.name] if result.failed else []
    say(f"Failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0

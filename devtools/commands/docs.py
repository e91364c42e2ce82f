"""`./dev docs`."""

import argparse

from devtools.checkout import Checkout
from devtools.environment import ensure_tools
from devtools.faults import Fault, say
from devtools.site import build

SUMMARY = "build the documentation as a site"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Build docs/, README.md and the other pages as a site with search, and print where it is. A broken link or a "
        "page that docs/index.md does not list is an error."
    )


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_tools(checkout)
    status, site = build(checkout, "html")
    if status != 0:
        raise Fault("The site has faults; they are listed above.")
    say(f"Open {site / 'index.html'}")
    return 0

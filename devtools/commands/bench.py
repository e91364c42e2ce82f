"""`./dev bench …`."""

import argparse
import os

from benchmarks import options as bench
from devtools.checkout import Checkout
from devtools.environment import ensure_tools
from devtools.foreground import run_foreground

SUMMARY = bench.SUMMARY
configure = bench.configure


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    ensure_tools(checkout)
    return run_foreground([checkout.python, "-m", "benchmarks", *options.passed_on], os.environ, cwd=checkout.root)

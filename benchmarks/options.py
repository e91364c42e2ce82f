"""The command line of `./dev bench`, which devtools shows and `benchmarks.__main__` reads. Standard library only."""

import argparse
from collections.abc import Sequence
from typing import Final

SUMMARY: Final = "measure what requests cost, beside the ceilings of the stack and django-scim2"
DESCRIPTION: Final = (
    "Measure the CPU of server and database for each kind of request on a throw-away PostgreSQL, as ratios to a bare Django view with one "
    "query (L) or one INSERT (I). Run it on a quiet machine. --quick takes three minutes; all sizes take an hour."
)
PEOPLE: Final = (1_000, 10_000, 100_000, 1_000_000)
GROUPS: Final = (100, 1_000, 10_000, 50_000)
CONNECTIONS: Final = (1, 4, 16)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.add_argument(
        "--quick", action="store_true", help="1,000 and 10,000 people, groups up to 10,000, short rounds"
    )
    parser.add_argument(
        "--people", type=numbers, metavar="N,…", help=f"sizes of the customer (default {shown(PEOPLE)})"
    )
    parser.add_argument("--groups", type=numbers, metavar="N,…", help=f"sizes of the groups (default {shown(GROUPS)})")
    parser.add_argument(
        "--connections", type=numbers, metavar="N,…", help=f"for the rates (default {shown(CONNECTIONS)})"
    )
    parser.add_argument("--rounds", type=positive, metavar="N", help="rounds that count (default 5; quick 3)")
    parser.add_argument("--seconds", type=float, metavar="S", help="of each work in a round (default 1; quick 0.2)")
    parser.add_argument("--never-analysed", action="store_true", help="leave PostgreSQL without statistics")
    parser.add_argument("--docs", action="store_true", help="write docs/performance.md and docs/query-plans.md too")
    parser.add_argument(
        "--json", metavar="PATH", default=".dev/bench.json", help="for the results (default %(default)s)"
    )


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Read the words after `./dev bench`. Other options override the choices of `--quick`."""
    parser = argparse.ArgumentParser(prog="./dev bench", allow_abbrev=False)
    configure(parser)
    options = parser.parse_args(words)
    options.people = options.people or (PEOPLE[:2] if options.quick else PEOPLE)
    options.groups = options.groups or (GROUPS[:3] if options.quick else GROUPS)
    options.connections = options.connections or CONNECTIONS
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 1.0)
    if min(options.people) < 1_000 or min(options.groups) < 100:
        parser.error("--people begins at 1,000 and --groups at 100.")
    return options


def numbers(text: str) -> tuple[int, ...]:
    """Read whole numbers between commas, and return them in ascending order."""
    return tuple(sorted({positive(word) for word in text.split(",")}))


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number.")
    return number


def shown(sizes: Sequence[int]) -> str:
    return ",".join(str(size) for size in sizes)

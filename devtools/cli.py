"""The command line of `./dev`."""

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from devtools.checkout import this_checkout
from devtools.commands import bench, docs, lint, lock, manage, psql, run, serve, setup, simulate, test
from devtools.faults import Fault, say
from devtools.signals import raise_when_stopped

# In the order of a newcomer's needs.
COMMANDS: dict[str, ModuleType] = {
    "run": run,
    "test": test,
    "setup": setup,
    "serve": serve,
    "manage": manage,
    "simulate": simulate,
    "lint": lint,
    "docs": docs,
    "bench": bench,
    "lock": lock,
    "psql": psql,
}
# These hand all words but their own to another program.
FORWARDING = ("manage", "simulate", "bench", "psql")


def main(words: Sequence[str]) -> int:
    """Run one command and give its exit status; 1 for a Fault, 2 for wrong usage."""
    options = _parse(words)
    raise_when_stopped()
    try:
        status: int = COMMANDS[options.command].execute(this_checkout(), options)
    except Fault as fault:
        sys.stdout.flush()
        say(f"./dev {options.command}: {fault}")
        return 1
    return status


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev",
        description="Everything that a developer does with this checkout. Each command first installs everything that it needs.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.SUMMARY, allow_abbrev=False)
        command.set_defaults(passed_on=[])
        module.configure(command)
    own, rest = _split(words)
    options, unknown = parser.parse_known_args(own)
    if unknown and options.command != "test":
        parser.error(f"{options.command}: unknown arguments: {' '.join(unknown)}")
    options.passed_on = unknown + rest
    return options


def _split(words: Sequence[str]) -> tuple[Sequence[str], list[str]]:
    """Our own words, and from the first one that is not ours on those of the program that is called.

    `./dev manage --demo migrate --help` asks migrate for help, `./dev manage --help` us.
    """
    if not words or words[0] not in FORWARDING:
        return words, []
    end = 1
    while end < len(words) and words[end] in ("--demo", "-h", "--help"):
        end += 1
    rest = list(words[end:])
    return words[:end], rest[1:] if rest[:1] == ["--"] else rest

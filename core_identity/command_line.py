"""How the commands answer: one JSON document on stdout or a few lines for people, and an exit code that a script can trust."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.management.base import BaseCommand
from django.db import transaction

from core_identity.errors import Ambiguous, IdentityError, NotFound, SettingsErrors
from core_identity.values import Actor, ActorKind, Channel

REFUSED, USAGE, NOT_FOUND, AMBIGUOUS = 1, 2, 3, 4


class AnsweringCommand(BaseCommand):
    """A command with sub-commands. Exit 0 done, 1 refused, 2 usage, 3 not found, 4 ambiguous; progress and errors for people go to stderr."""

    actor = Actor(Channel.ADMIN, ActorKind.SYSTEM, "command line")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        subparsers = parser.add_subparsers(dest="act", required=True, metavar="ACT")
        self.add_acts(lambda name, help_text: _with_json(subparsers.add_parser(name, help=help_text)))

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        raise NotImplementedError  # pragma: no cover - each command has its own

    def answer(self, document: Any, *, as_json: bool, lines: list[str]) -> None:
        """Print one document for a script, or ``lines`` for a person."""
        if as_json:
            self.stdout.write(_as_json(document))
        else:
            for line in lines:
                self.stdout.write(_printable(line))

    def progress(self, done: int, total: int, what: str) -> None:
        """Report the progress of long work on stderr: one line that is rewritten on a terminal, a new line elsewhere."""
        end = "\r" if self.stderr.isatty() and done < total else "\n"
        self.stderr.write(f"{what}: {done} of {total}", ending=end)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options.get("dry_run"):
                with transaction.atomic():
                    self._act(options)
                    transaction.set_rollback(True)
                self.stderr.write("Dry run: nothing was changed.")
            else:
                self._act(options)
        except IdentityError as error:
            self._refuse(error, as_json=options["json"])

    def _act(self, options: dict[str, Any]) -> None:
        getattr(self, f"act_{options['act'].replace('-', '_')}")(**options)

    def _refuse(self, error: IdentityError, *, as_json: bool) -> NoReturn:
        faults = [{"path": getattr(error, "field", ""), "code": error.code, "message": error.message}]
        if isinstance(error, SettingsErrors):
            faults = [{"path": one.path, "code": one.code, "message": one.message} for one in error.faults]
        if as_json:
            self.stdout.write(_as_json({"errors": faults}))
        for fault in faults:
            where = f"{fault['path']}: " if fault["path"] else ""
            self.stderr.write(_printable(f"{where}{fault['message']} ({fault['code']})"))
        match error:
            case NotFound():
                sys.exit(NOT_FOUND)
            case Ambiguous():
                sys.exit(AMBIGUOUS)
            case _:
                sys.exit(REFUSED)


def _printable(line: str) -> str:
    """Return a line without characters that command a terminal: a value of an IdP may contain some, and then it could forge other lines."""
    return (
        line
        if line.isprintable()
        else "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)
    )


def _as_json(document: Any) -> str:
    """Return readable JSON, in which the same characters are escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def changing(parser: ArgumentParser) -> ArgumentParser:
    """Add the options of each act that needs a reason: the reason itself, and a dry run."""
    parser.add_argument("--reason", required=True, metavar="WHY", help="the reason, stored in the events")
    parser.add_argument("--dry-run", action="store_true", help="do it, answer, and undo it")
    return parser


def _with_json(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--json", action="store_true", help="answer with one JSON document on stdout")
    return parser

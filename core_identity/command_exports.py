"""Commands that write an export: to stdout, or to a file that is written completely or not at all."""

import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from django.db.models import QuerySet
from django.utils.timezone import is_naive, make_aware

from core_identity.admin_kit.exports import Export, Format
from core_identity.command_line import REFUSED, AnsweringCommand
from core_identity.errors import NotAllowed
from core_identity.selectors.connections import connection_by_slug

SECONDS_BETWEEN_WORDS = 0.2


class ExportingCommand(AnsweringCommand):
    """A command that exports ``exported`` (a word in the plural)."""

    exported: str

    def add_export_arguments(self, exporting: ArgumentParser) -> None:
        exporting.add_argument("--format", choices=[one.value for one in Format], required=True, help="jsonl or csv")
        exporting.add_argument("--since", metavar="ISO", type=moment, help="from this date or time on")
        exporting.add_argument("--until", metavar="ISO", type=moment, help="before this date or time")
        exporting.add_argument("--connection", metavar="SLUG", help="only those of this connection")
        exporting.add_argument(
            "--output", metavar="FILE", default="-", help="the file, complete or not at all; - is stdout"
        )

    def write_export(self, export: Export, *, output: str, as_json: bool) -> None:
        if output == "-":
            self._write_to_stdout(export)
            return
        with _file(Path(output)) as file:
            self._write(export, file)
        self.answer({self.exported: export.exported, "file": output}, as_json=as_json, lines=[])

    def _write_to_stdout(self, export: Export) -> None:
        try:
            self._write(export, self.stdout)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise Python fails when it exits
            self._say(f"The reader of stdout stopped after {export.exported:,} {self.exported}.")
            sys.exit(REFUSED)

    def _write(self, export: Export, target: Any) -> None:
        """Write, and report progress: often to a terminal, once at the end to a log."""
        watched, shown_at = self.stderr.isatty(), time.monotonic()
        for text in export:
            target.write(text)
            if watched and time.monotonic() - shown_at > SECONDS_BETWEEN_WORDS:
                shown_at = time.monotonic()
                self._say(f"{export.exported:,} {self.exported} …\r", ending="")
        target.flush()
        self._say(f"{export.exported:,} {self.exported} exported.")

    def _say(self, words: str, ending: str = "\n") -> None:
        self.stderr.write(words, style_func=str, ending=ending)  # Django would write it in red


class LogCommand(ExportingCommand):
    """A command about a log of the messages of connections: ``records_between`` finds its rows, ``columns`` are the columns of the export."""

    columns: Mapping[str, str]
    records_between: Callable[..., QuerySet[Any]]

    def act_export(
        self,
        *,
        format: str,  # noqa: A002 - the option's name
        since: datetime | None,
        until: datetime | None,
        connection: str | None,
        output: str,
        json: bool,
        **_: Any,
    ) -> None:
        slug = connection_by_slug(connection).slug if connection else None
        rows = self.records_between(since=since, until=until, slug=slug)
        self.write_export(Export(rows, Format(format), self.columns), output=output, as_json=json)


def moment(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date or time in ISO 8601, such as 2026-11-24T08:00Z") from error
    return make_aware(time) if is_naive(time) else time


@contextmanager
def _file(path: Path) -> Iterator[TextIO]:
    """Open a file that gets its name when it is complete. Only its owner may read it, because events contain names. A device is opened directly."""
    whole = path.is_file() or not path.exists()
    target = path.parent / f"{path.name}.unfinished" if whole else path
    try:
        with open(target, "w", encoding="utf-8", newline="", opener=_for_us_alone) as file:
            yield file
        if whole:
            target.replace(path)
    except OSError as error:
        raise NotAllowed(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if whole:
            target.unlink(missing_ok=True)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

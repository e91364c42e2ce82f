import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from core_identity.admin_kit.exports import Export, Format, events_between, with_person
from core_identity.archive_file import new_file, portions_of, read_archive
from core_identity.command_exports import SECONDS_BETWEEN_WORDS, ExportingCommand
from core_identity.errors import NotAllowed
from core_identity.selectors.connections import connection_by_slug
from core_identity.selectors.users import find_user
from core_identity.services.event_archive import archivable, delete_archived, years_ago

AT_ONCE: Final = 1000
"""Events that one transaction deletes."""


class Command(ExportingCommand):
    help = "Export the events to another system, or move old ones to a file."
    exported = "events"

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        exporting = add("export", "write events, the oldest first; nothing else is on stdout, progress is on stderr")
        self.add_export_arguments(exporting)
        exporting.add_argument("--user", metavar="KEY", help="only the history of this user")
        archiving = add("archive", "write old events to a new file, then delete them from the database")
        archiving.add_argument(
            "--older-than", metavar="YEARS", type=int, required=True, help="events of so many years stay; at least 1"
        )
        archiving.add_argument(
            "--output", metavar="FILE", required=True, help="a new file of JSON lines, as export writes them"
        )

    def act_export(
        self,
        *,
        format: str,  # noqa: A002 - the option's name
        since: datetime | None,
        until: datetime | None,
        connection: str | None,
        user: str | None,
        output: str,
        json: bool,
        **_: Any,
    ) -> None:
        of_connection = connection_by_slug(connection) if connection else None
        of_user = find_user(user, connection=of_connection) if user else None
        events = events_between(since=since, until=until, connection=of_connection, user=of_user)
        self.write_export(Export(events, Format(format)), output=output, as_json=json)

    def act_archive(self, *, older_than: int, output: str, json: bool, **_: Any) -> None:
        """Write the file, bring it to the disk, read it again, and only then delete. A run that is stopped leaves events for the next one."""
        before, path = years_ago(older_than), Path(output)
        rows = archivable(before)
        if not rows.exists():
            self.answer({"events": 0}, as_json=json, lines=["No event is old enough, so no file was written."])
            return
        export = Export(with_person(rows), Format.JSONL)
        with new_file(path) as file:
            self._write(export, file)
        archive = read_archive(path)
        if archive.events != export.exported:
            raise NotAllowed(f"{path} is not complete, so no event was deleted. Check the disk.")
        watched, shown_at = self.stderr.isatty(), time.monotonic()
        portions = portions_of(path, AT_ONCE)
        for deleted in delete_archived(rows, actor=self.actor, archive=archive, portions=portions, before=before):
            if watched and time.monotonic() - shown_at > SECONDS_BETWEEN_WORDS:
                shown_at = time.monotonic()
                self._say(f"{deleted:,} of {archive.events:,} deleted …\r", ending="")
        document = {
            "events": archive.events,
            "oldest": archive.oldest,
            "newest": archive.newest,
            "file": str(path),
            "sha256": archive.sha256,
        }
        lines = [
            f"{archive.events:,} events from {archive.oldest} to {archive.newest} are in {path}, and deleted.",
            f"SHA-256 of the file: {archive.sha256}",
        ]
        self.answer(document, as_json=json, lines=lines)

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from core_identity.admin_kit.exports import Export, Format, events_between
from core_identity.command_exports import ExportingCommand
from core_identity.selectors.connections import connection_by_slug
from core_identity.selectors.users import find_user


class Command(ExportingCommand):
    help = "Export the events to another system."
    exported = "events"

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        exporting = add("export", "write events, the oldest first; nothing else is on stdout, progress is on stderr")
        self.add_export_arguments(exporting)
        exporting.add_argument("--user", metavar="KEY", help="only the history of this user")

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

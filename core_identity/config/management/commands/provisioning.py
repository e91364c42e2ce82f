from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from core_identity.config.exports import ExportingCommand
from core_identity.errors import NotFound
from core_identity.event_export import Export, Format
from core_identity.selectors.connections import connection_by_slug
from scim.models import ProvisioningRecord
from scim.provisioning_log import COLUMNS, records_between


class Command(ExportingCommand):
    help = "Look a SCIM request up in the provisioning log, or write the log out (R35)."
    exported = "requests"

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        showing = add("show", "what became of the request with this reference")
        showing.add_argument("reference", metavar="REFERENCE")
        exporting = add("export", "write requests, the oldest first; nothing else is on stdout, progress is on stderr")
        self.add_export_arguments(exporting)

    def act_show(self, *, reference: str, json: bool, **_: Any) -> None:
        found = ProvisioningRecord.objects.filter(reference=reference.upper()).values(*COLUMNS.values()).first()
        if found is None:
            raise NotFound(f"There is no SCIM request {reference!r} in the provisioning log.")
        plain = {name: found[field] for name, field in COLUMNS.items()}
        told = {name: value if value is None or isinstance(value, int) else str(value) for name, value in plain.items()}
        self.answer(told, as_json=json, lines=[f"{name}: {value}" for name, value in told.items() if value is not None])

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
        requests = records_between(since=since, until=until, slug=slug)
        self.write_export(Export(requests, Format(format), COLUMNS), output=output, as_json=json)

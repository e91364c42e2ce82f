from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from core_identity.command_exports import LogCommand
from core_identity.errors import NotFound
from scim.log.provisioning_log import COLUMNS, records_between
from scim.models import ProvisioningRecord


class Command(LogCommand):
    help = "Find a SCIM request in the provisioning log, or export the log."
    exported = "requests"
    columns = COLUMNS
    records_between = staticmethod(records_between)

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        showing = add("show", "the outcome of the request with this reference")
        showing.add_argument("reference", metavar="REFERENCE")
        exporting = add("export", "write requests, the oldest first; nothing else is on stdout, progress is on stderr")
        self.add_export_arguments(exporting)

    def act_show(self, *, reference: str, json: bool, **_: Any) -> None:
        found = ProvisioningRecord.objects.filter(reference=reference.upper()).values(*COLUMNS.values()).first()
        if found is None:
            raise NotFound(f"There is no SCIM request {reference!r} in the provisioning log.")
        plain = {name: found[field] for name, field in COLUMNS.items()}
        document = {
            name: value if value is None or isinstance(value, int) else str(value) for name, value in plain.items()
        }
        self.answer(
            document, as_json=json, lines=[f"{name}: {value}" for name, value in document.items() if value is not None]
        )

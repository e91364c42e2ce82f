"""The provisioning log: one row for each SCIM request (R35)."""

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core_identity.admin_kit.logs import ConnectionFilter, ConnectionLog
from scim.models import ProvisioningRecord
from scim.provisioning_log import COLUMNS


class StatusFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "outcome"
    CLASSES: Final = {
        "done": ("done (2xx)", {"status__lt": 400}),
        "failed": ("not done (4xx, 5xx)", {"status__gte": 400}),
        "not let in": ("no valid token (401)", {"status__gte": 400, "status": 401}),
        "conflict": ("conflict (409)", {"status__gte": 400, "status": 409}),
        "too many": ("too many requests (429)", {"status__gte": 400, "status": 429}),
        "ours": ("failure of CORE (5xx)", {"status__gte": 500}),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _) in self.CLASSES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProvisioningRecord]) -> QuerySet[ProvisioningRecord]:
        _, condition = self.CLASSES.get(self.value() or "", ("", {}))
        return queryset.filter(**condition)


@admin.register(ProvisioningRecord)
class ProvisioningRecordAdmin(ConnectionLog):
    exported, export_name = COLUMNS, "provisioning"

    list_display = ("when", "asked", "status", "decision", "events", "duration_ms", "connection_slug")
    list_filter = (ConnectionFilter, StatusFilter, "method", "at")
    search_fields = ("reference",)
    search_help_text = "By reference, or by the id of a resource."
    fields = readonly_fields = tuple(COLUMNS.values())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(resource_id=UUID(term)), False
        except ValueError:
            return queryset.filter(reference=term.upper()), False

    @admin.display(description="request")
    def asked(self, record: ProvisioningRecord) -> str:
        """The whole id is on the row's own page."""
        asked = f"{record.method} {record.resource_type}"
        return f"{asked} {str(record.resource_id)[:8]}…" if record.resource_id else asked

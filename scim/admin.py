"""The SCIM side on the page of a connection, which is changed on a page of its own; and the provisioning log (R35)."""

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from core_identity.event_export import MEDIA_TYPES, Export, Format
from core_identity.selectors.connections import connection_slugs
from scim.models import OAuthClient, ProvisioningRecord
from scim.provisioning_log import COLUMNS


def may_see_connections(request: HttpRequest) -> bool:
    """Whoever may see connections may see what is here: nothing in it is secret, and nobody's data."""
    return request.user.has_perm("core_identity.view_connection") or request.user.has_perm(
        "core_identity.change_connection"
    )


class OAuthClientInline(admin.StackedInline):
    model = OAuthClient
    can_delete = False
    extra = 0
    view_on_site = False
    fields = (
        "client_id",
        "redirect_uris",
        "allows_authorization_code",
        "allows_client_credentials",
        "created",
        "last_used_at",
    )
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_connections(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ConnectionFilter(admin.SimpleListFilter):
    title = parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(slug, slug) for slug in connection_slugs()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProvisioningRecord]) -> QuerySet[ProvisioningRecord]:
        return queryset.filter(connection_slug=self.value()) if self.value() else queryset


class StatusFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "outcome"
    CLASSES: Final = {
        "done": ("done (2xx)", {"status__lt": 400}),
        "failed": ("not done (4xx, 5xx)", {"status__gte": 400}),
        "not let in": ("not let in (401)", {"status__gte": 400, "status": 401}),
        "conflict": ("conflict (409)", {"status__gte": 400, "status": 409}),
        "too many": ("too many requests (429)", {"status__gte": 400, "status": 429}),
        "ours": ("our failure (5xx)", {"status__gte": 500}),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _) in self.CLASSES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProvisioningRecord]) -> QuerySet[ProvisioningRecord]:
        _, condition = self.CLASSES.get(self.value() or "", ("", {}))
        return queryset.filter(**condition)


@admin.register(ProvisioningRecord)
class ProvisioningRecordAdmin(admin.ModelAdmin):
    """Read only for everybody."""

    list_display = ("when", "asked", "status", "decision", "events", "duration_ms", "connection_slug")
    list_filter = (ConnectionFilter, StatusFilter, "method", "at")
    search_fields = ("reference",)
    search_help_text = "By reference (as somebody reads it out), or by the id of a resource."
    empty_value_display = ""
    show_full_result_count = False
    fields = readonly_fields = tuple(COLUMNS.values())

    class Media:
        css = {"all": ["admin_core.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_connections(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_connections(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404("A row of the log has no history: it never changes.")

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

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_safe(self.export))
        ways = [path(f"export.{one}", export, {"way": one}, f"scim_provisioningrecord_export_{one}") for one in Format]
        return [*ways, *super().get_urls()]

    def export(self, request: HttpRequest, way: Format) -> HttpResponseBase:
        """Answer all that the list shows, not only its first page, as a file that is sent while it is read."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            listed = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect("admin:scim_provisioningrecord_changelist")
        name = f"provisioning-{timezone.now():%Y%m%d-%H%M%S}.{way}"
        return StreamingHttpResponse(
            Export(listed, way, COLUMNS),
            content_type=MEDIA_TYPES[way],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @admin.display(description="when", ordering="id")
    def when(self, record: ProvisioningRecord) -> str:
        return f"{localtime(record.at):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="request")
    def asked(self, record: ProvisioningRecord) -> str:
        """The whole id is on the row's own page."""
        asked = f"{record.method} {record.resource_type}"
        return f"{asked} {str(record.resource_id)[:8]}…" if record.resource_id else asked

    @admin.display(description="events of it")
    def events(self, record: ProvisioningRecord) -> str:
        address = reverse("admin:core_identity_event_changelist")
        return format_html('<a href="{}?q={}">{}</a>', address, record.reference, record.reference)

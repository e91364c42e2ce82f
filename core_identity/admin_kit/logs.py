"""The shared parts of all log pages: nobody changes a log, and everything that a list shows can be exported as a file."""

from collections.abc import Mapping
from typing import Any, ClassVar

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

from core_identity.admin_kit.exports import COLUMNS, MEDIA_TYPES, Export, Format
from core_identity.selectors.connections import connection_slugs


def may_see_connections(request: HttpRequest) -> bool:
    """Return whether this administrator may see connections. Pages about a connection show no secret and no data of people."""
    return request.user.has_perm("core_identity.view_connection") or request.user.has_perm(
        "core_identity.change_connection"
    )


class ReadOnlyLog(admin.ModelAdmin):
    """Read only for everybody, superusers too."""

    empty_value_display = ""
    show_full_result_count = False
    exported: ClassVar[Mapping[str, str]] = COLUMNS
    """The columns of an export, each with its field."""
    export_name: ClassVar[str]
    """The beginning of the name of the file."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404("A log entry never changes, so it has no history.")

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_safe(self.export))
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [*(path(f"export.{one}", export, {"way": one}, f"{name}_{one}") for one in Format), *super().get_urls()]

    def export(self, request: HttpRequest, way: Format) -> HttpResponseBase:
        """Answer all that the list shows, not only its first page, as a file that is sent while it is read."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            listed = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        name = f"{self.export_name}-{timezone.now():%Y%m%d-%H%M%S}.{way}"
        return StreamingHttpResponse(
            Export(listed, way, self.exported),
            content_type=MEDIA_TYPES[way],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class ConnectionLog(ReadOnlyLog):
    """A log of the messages of connections. An administrator who may see connections may read it."""

    class Media:
        css = {"all": ["admin_core.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_connections(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_connections(request)

    @admin.display(description="when", ordering="id")
    def when(self, record: Any) -> str:
        return f"{localtime(record.at):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="its events")
    def events(self, record: Any) -> str:
        address = reverse("admin:core_identity_event_changelist")
        return format_html('<a href="{}?q={}">{}</a>', address, record.reference, record.reference)


class ConnectionFilter(admin.SimpleListFilter):
    title = parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(slug, slug) for slug in connection_slugs()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(connection_slug=self.value()) if self.value() else queryset

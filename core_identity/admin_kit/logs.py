"""The shared parts of all log pages: nobody changes a log, and everything that a list shows can be exported as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
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
from core_identity.admin_kit.lists import FormFilter, LongList, OfConnection
from core_identity.admin_kit.seen import link_to, seen_by
from core_identity.admin_kit.timeline import KIND
from core_identity.models import User
from core_identity.selectors.connections import connection_names
from core_identity.selectors.newest import newest_of
from core_identity.selectors.search import users_named
from core_identity.templatetags.core_pages import ago

PEOPLE_NAMED: Final = 5
"""People whom an empty log names."""


def may_see_connections(request: HttpRequest) -> bool:
    """Return whether an administrator may read the logs of connections. Links to people and payloads need further permissions."""
    return request.user.has_perm("core_identity.view_connection") or request.user.has_perm(
        "core_identity.change_connection"
    )


class ReadOnlyLog(LongList):
    """Read only for everybody, superusers too. A link from the page of a person leads to their rows."""

    empty_value_display = ""
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
        raise Http404("A row of a log never changes, so it has no history.")

    def limits(self, params: Mapping[str, str]) -> list[tuple[str, str]]:
        user_id = params.get("user_id")
        person = User.objects.filter(pk=user_id).values_list("username", flat=True).first() if user_id else None
        return [("person", person)] if person else []

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_safe(self.export))
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [*(path(f"export.{one}", export, {"way": one}, f"{name}_{one}") for one in Format), *super().get_urls()]

    def columns(self, request: HttpRequest) -> Mapping[str, str]:
        """Return the columns of an export that this administrator may read."""
        return self.exported

    def export(self, request: HttpRequest, way: Format) -> HttpResponseBase:
        """Answer all that the list shows, not only its first page, as a file that is sent while it is read."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            listed = self.rows_found(request)
        except IncorrectLookupParameters:
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        name = f"{self.export_name}-{timezone.now():%Y%m%d-%H%M%S}.{way}"
        return StreamingHttpResponse(
            Export(listed, way, self.columns(request)),
            content_type=MEDIA_TYPES[way],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


@dataclass(frozen=True, slots=True)
class NothingFound:
    """Why a log is empty for a search. ``people`` are those who are known by its text, each with the address of what happened to them."""

    rows: str
    days: int
    people: Sequence[tuple[User, str]]
    may_see_people: bool


class ConnectionLog(ReadOnlyLog):
    """A log of the messages of connections. An administrator who may see connections may read it, without the names of people (R35)."""

    list_display_links = None
    personal: ClassVar[tuple[str, ...]] = ()
    """Columns that may name a person. Only an administrator who may see people reads them."""
    rows_in_words: ClassVar[str]
    """The rows in the plural."""
    kept_days: ClassVar[str]
    """The name of the setting with the days that a row is kept."""
    in_timeline: ClassVar[str]
    """The name of the log in the timeline of a person."""

    class Media:
        css = {"all": ["admin_core.css"]}
        js = ["admin_core.js"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_connections(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_connections(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse the rows of one person to an administrator who may not see people: the page would show whose they are (R35)."""
        if lookup == "user_id" and (request is None or not seen_by(request)["user"]):
            raise IncorrectLookupParameters
        return super().lookup_allowed(lookup, value, request)

    def columns(self, request: HttpRequest) -> Mapping[str, str]:
        if seen_by(request)["user"]:
            return self.exported
        return {name: field for name, field in self.exported.items() if name not in self.personal}

    def about_rows(self, request: HttpRequest, rows: list[Any]) -> None:
        names = connection_names({row.connection_slug for row in rows if row.connection_slug})
        for row in rows:
            row.connection_name = names.get(row.connection_slug, row.connection_slug)

    def nothing_found(self, request: HttpRequest, text: str) -> NothingFound:
        """Return the people who are known by a text that no row contains."""
        may_see = seen_by(request)["user"]
        people = [
            (user, f"{reverse('admin:core_identity_user_change', args=[user.pk])}?{KIND}={self.in_timeline}")
            for user in (users_named(text)[:PEOPLE_NAMED] if may_see else ())
        ]
        return NothingFound(self.rows_in_words, getattr(settings, self.kept_days), people, may_see)

    @admin.display(description="connection")
    def connection(self, record: Any) -> str:
        return str(getattr(record, "connection_name", record.connection_slug))

    @admin.display(description="when", ordering="id")
    def when(self, record: Any) -> str:
        return ago(record.at)

    @admin.display(description="reference")
    def events(self, record: Any) -> str:
        address = reverse("admin:core_identity_event_changelist")
        return link_to(record, "event", f"{address}?q={record.reference}", record.reference) if record.reference else ""


class ConnectionFilter(OfConnection):
    """The rows of a log have no foreign key: they know a connection by its slug."""

    def among(self, queryset: QuerySet[Any], chosen: Sequence[Any]) -> QuerySet[Any]:
        slugs = [one.slug for one in chosen]
        if len(slugs) == 1:
            return newest_of(queryset, connection_slug=slugs[0])
        return queryset.filter(connection_slug__in=slugs)


class WhenFilter(FormFilter):
    """The last hour, day or week, or from one time to another."""

    title = "time"
    parameter_name = "when"
    fields = ("since", "until")
    template = "admin/core_identity/when_filter.html"
    SPANS: Final = {
        "hour": ("last hour", timedelta(hours=1)),
        "day": ("last 24 hours", timedelta(days=1)),
        "week": ("last 7 days", timedelta(days=7)),
    }

    def typed_words(self) -> list[str]:
        found = (("from", _moment(self.typed["since"])), ("to", _moment(self.typed["until"])))
        return [f"{word} {localtime(at).day} {localtime(at):%b %Y %H:%M}" for word, at in found if at is not None]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _) in self.SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        span = self.SPANS.get(self.value() or "")
        if span is not None:
            queryset = queryset.filter(at__gte=timezone.now() - span[1])
        since, until = (_moment(self.typed[name]) for name in self.fields)
        if since is not None:
            queryset = queryset.filter(at__gte=since)
        return queryset if until is None else queryset.filter(at__lt=until)


def _moment(text: str) -> datetime | None:
    """Return a time as a browser's field sends it, in the time zone of the pages; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else timezone.make_aware(found)


def chip(colour: str, words: str) -> str:
    """Return a word with a colour and a shape: ``fine``, ``attention``, ``trouble`` or ``plain``."""
    return format_html('<span class="core-chip {}">{}</span>', colour, words)

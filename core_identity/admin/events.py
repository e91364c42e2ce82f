from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.changes import changes_of, reason_of
from core_identity.admin_kit.exports import with_person
from core_identity.admin_kit.lists import ChannelFilter, OfConnection
from core_identity.admin_kit.logs import ReadOnlyLog
from core_identity.admin_kit.seen import link_to
from core_identity.event_kinds import meaning_of
from core_identity.models import Event
from core_identity.models.event import ABOUT, DELETED_KINDS
from core_identity.selectors.newest import newest_of
from core_identity.selectors.search import (
    MOST,
    connections_named,
    customers_named,
    groups_named,
    ids_of_users_named,
    roles_named,
)
from core_identity.templatetags.core_pages import ago, channel_words, exactly


class TimeFilter(admin.DateFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "time"


class KindFilter(admin.SimpleListFilter):
    """By what an event is about. Offered from a list: asking millions of rows for their kinds would take long."""

    title = "kind"
    parameter_name = "about"
    PEOPLE: Final = Q(kind__startswith="user.") | Q(kind__startswith="identity.")
    """Most events are about people, so these need no index of their own."""
    ABOUT: Final = {"people": PEOPLE, **ABOUT}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, name) for name in self.ABOUT]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        chosen = self.ABOUT.get(self.value() or "")
        return queryset.filter(chosen) if chosen is not None else queryset


class EventsOfConnection(OfConnection):
    path = "connection_id"

    def among(self, queryset: QuerySet[Event], chosen: Sequence[Any]) -> QuerySet[Event]:
        if len(chosen) == 1:
            return newest_of(queryset, connection_id=chosen[0].pk)
        return super().among(queryset, chosen)


@admin.register(Event)
class EventAdmin(ReadOnlyLog, CoreAdmin):
    """The database refuses changes too (R34)."""

    export_name = "events"

    list_display = ("when", "what", "person", "concerns", "by", "why", "request_id")
    left_out = ("concerns", "request_id")
    list_filter = (ChannelFilter, KindFilter, EventsOfConnection, ("at", TimeFilter))
    followed = ("subject_id", "user_id", "kind")
    search_fields = ("subject",)
    sortable_by = ()
    empty_list = "No event yet. Each change of a person, role or connection appears here."
    search_help_text = (
        "By reference, or by a key of a user, or by the name of a user, role, group, connection or customer."
    )
    fields = (
        "exact_time", "what_exactly", "by", "came_by", "through", "about", "whose", "changes_table", "why", "request_id", "event_id",
    )  # fmt: skip
    readonly_fields = fields

    def found_by(self, term: str) -> Q:
        """Return a condition on indexed columns only: the texts of millions of events are never searched."""
        rows = (roles_named, groups_named, connections_named, customers_named)
        subjects = [*ids_of_users_named(term), *(row.pk for named in rows for row in named(term))]
        deleted = Event.objects.filter(kind__in=DELETED_KINDS, subject__icontains=term)
        subjects += [pk for pk in deleted.values_list("subject_id", flat=True)[:MOST] if pk is not None]
        return Q(request_id=term.upper()) | Q(subject_id__in=subjects) | Q(user_id__in=subjects)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return with_person(super().get_queryset(request))

    def limits(self, params: Mapping[str, str]) -> list[tuple[str, str]]:
        subject_id = params.get("subject_id")
        rows = Event.objects.filter(subject_id=subject_id) if subject_id else Event.objects.none()
        subject = rows.order_by("-id").values_list("subject", flat=True).first()
        return [*super().limits(params), *([("about", subject)] if subject else [])]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in self.fields if name != "why" or (obj is not None and reason_of(obj))]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        event = context.get("original")
        if event is not None:
            title = meaning_of(event.kind).rstrip(".")
            context |= {"title": title, "subtitle": None, "crumb": title}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="what")
    def what(self, event: Event) -> str:
        return meaning_of(event.kind)

    @admin.display(description="what")
    def what_exactly(self, event: Event) -> str:
        """Name the kind too, because webhooks and exports contain it."""
        return format_html('{} <small class="core-muted">{}</small>', meaning_of(event.kind), event.kind)

    @admin.display(description="about")
    def concerns(self, event: Event) -> str:
        """Name the subject, unless it is the person of the column before."""
        is_person = event.subject_type == "user" and event.subject_id == event.user_id
        return "" if is_person else event.subject

    @admin.display(description="reason")
    def why(self, event: Event) -> str:
        return reason_of(event)

    @admin.display(description="person")
    def person(self, event: Event) -> str:
        """Return the user whose history contains the event, as a link."""
        return _linked(event, "user", event.user_id, event.person or "erased or unknown") if event.user_id else ""  # type: ignore[attr-defined]

    @admin.display(description="when", ordering="at")
    def when(self, event: Event) -> str:
        return ago(event.at)

    @admin.display(description="when")
    def exact_time(self, event: Event) -> str:
        return exactly(event.at)

    @admin.display(description="by")
    def by(self, event: Event) -> str:
        return event.actor

    @admin.display(description="id of the event")
    def event_id(self, event: Event) -> str:
        return str(event.uuid)

    @admin.display(description="channel")
    def came_by(self, event: Event) -> str:
        return channel_words(event.channel)

    @admin.display(description="connection")
    def through(self, event: Event) -> str:
        return _linked(event, "connection", event.connection_id, event.connection_slug or "none")

    @admin.display(description="subject")
    def about(self, event: Event) -> str:
        """Roles can be deleted and identities have no page: the others stay, so a link to them leads somewhere."""
        known = event.subject_type in {"connection", "customer", "conflict", "user"}
        subject = _linked(event, event.subject_type, event.subject_id if known else None, event.subject or "–")  # noqa: RUF001 - a dash
        conflict = (event.changes.get("conflict") or [None, None])[1]
        return format_html("{}, {}", subject, _linked(event, "conflict", conflict, "conflict")) if conflict else subject

    @admin.display(description="in the history of")
    def whose(self, event: Event) -> str:
        return self.person(event) or "no user"

    @admin.display(description="changes")
    def changes_table(self, event: Event) -> str:
        if not event.changes:
            return "none"
        return format_html(
            "<table><thead><tr><th>what</th><th>from</th><th>to</th></tr></thead><tbody>{}</tbody></table>",
            format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", changes_of(event)),
        )


def _linked(event: Event, model: str, pk: object, text: str) -> str:
    """Return a text that leads to the page of a row, or the mere text where there is none."""
    if pk is None:
        return text
    return link_to(event, model, reverse(f"admin:core_identity_{model}_change", args=[pk]), text)

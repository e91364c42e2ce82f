"""The provisioning log: one row for each SCIM request (R35)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from core_identity.admin_kit.logs import ConnectionFilter, ConnectionLog, WhenFilter, chip
from core_identity.admin_kit.seen import page_of_group, seen_by
from core_identity.brand import BRAND
from core_identity.keys import MAX_NAME
from core_identity.selectors.people import Named, conflict_of_request, named_resources, user_called
from scim.admin.timeline import CALLS
from scim.log.curl import curl_of
from scim.log.look_ups import FOUND_ONE
from scim.log.provisioning_log import COLUMNS, search
from scim.log.remedies import remedy_for
from scim.models import Method, Payload, ProvisioningRecord

READS_PAYLOADS: Final = "scim.view_payload"
NAMES_OF_A_PERSON: Final = ("userName", "externalId")


class StatusFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "outcome"
    CLASSES: Final = {
        "done": ("done", {"status__lt": 400}),
        "failed": ("failed", {"status__gte": 400}),
        "not let in": ("no valid token", {"status__gte": 400, "status": 401}),
        "conflict": ("conflict", {"status__gte": 400, "status": 409}),
        "too many": ("too many requests", {"status__gte": 400, "status": 429}),
        "ours": (f"failure of {BRAND}", {"status__gte": 500}),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _) in self.CLASSES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProvisioningRecord]) -> QuerySet[ProvisioningRecord]:
        _, condition = self.CLASSES.get(self.value() or "", ("", {}))
        return queryset.filter(**condition)


class RequestFilter(admin.SimpleListFilter):
    """Changes without look-ups, look-ups, or one method. A provisioning client asks far more than it changes."""

    title = "request"
    parameter_name = "method"
    CHANGES: Final = tuple(method for method in Method.values if method != Method.GET)

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [
            ("changes", "changes only"),
            (Method.GET.value, "look-ups"),
            *((one, Method(one).label) for one in self.CHANGES),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProvisioningRecord]) -> QuerySet[ProvisioningRecord]:
        chosen = self.value()
        if not chosen:
            return queryset
        return queryset.filter(method__in=self.CHANGES if chosen == "changes" else [chosen])


@admin.register(ProvisioningRecord)
class ProvisioningRecordAdmin(ConnectionLog):
    exported, export_name = COLUMNS, "provisioning"
    personal = ("sentence",)
    rows_in_words, kept_days, in_timeline = "requests", "PROVISIONING_LOG_DAYS", CALLS.name

    list_display = ("when", "request_line", "outcome", "about", "words", "events", "duration_ms", "connection")
    left_out = ("events", "duration_ms", "connection")
    list_filter = (ConnectionFilter, StatusFilter, RequestFilter, WhenFilter)
    search_fields = ("reference",)
    sortable_by = ()
    empty_list = "No SCIM request yet. Each request of an identity provider appears here. The page of a connection shows how to set one up."
    search_help_text = "By reference, userName, email, UID, externalId, the id of a resource, or the id of a member."
    change_form_template = "admin/scim/provisioningrecord/request.html"
    names: ClassVar[Mapping[UUID, Named]] = {}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(search(search_term)) if search_term.strip() else queryset), False

    def about_rows(self, request: HttpRequest, rows: list[Any]) -> None:
        """Give each row of a page the person or group that it is about, in two statements for all of them."""
        super().about_rows(request, rows)
        if not seen_by(request)["user"]:
            for row in rows:
                row.sentence = ""
            return
        found = named_resources({row.resource_id for row in rows if row.resource_id is not None})
        for row in rows:
            row.named = found.get(row.resource_id)

    @admin.display(description="request")
    def request_line(self, record: ProvisioningRecord) -> str:
        address = reverse("admin:scim_provisioningrecord_change", args=[record.pk])
        return format_html('<a href="{}">{} {}</a>', address, record.method, record.resource_type)

    @admin.display(description="status", ordering="status")
    def outcome(self, record: ProvisioningRecord) -> str:
        return chip(_colour(record.status), _status_words(record.status))

    @admin.display(description="person or group")
    def about(self, record: ProvisioningRecord) -> str:
        named: Named | None = getattr(record, "named", None)
        if named is None:
            return format_html("{}", f"{str(record.resource_id)[:8]}…") if record.resource_id else ""
        return format_html('<a href="{}">{}</a>', _page_of(named), named.name)

    @admin.display(description="decision")
    def words(self, record: ProvisioningRecord) -> str:
        remedy = remedy_for(record.cause)
        if record.status < HTTPStatus.BAD_REQUEST or remedy is None:
            return _decision(record)
        return format_html("refused: {}<br><small>{}</small>", remedy.words, record.sentence)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        record = context.get("original")
        if record is not None:
            context |= self._facts(request, record)
        return super().render_change_form(request, context, *args, **kwargs)

    def _facts(self, request: HttpRequest, record: ProvisioningRecord) -> dict[str, Any]:
        self.about_rows(request, [record])
        sees, may_read = seen_by(request), request.user.has_perm(READS_PAYLOADS)
        payload = Payload.objects.filter(pk=record.pk).first() if may_read else None
        refused = record.status >= HTTPStatus.BAD_REQUEST
        remedy = remedy_for(record.cause) if refused else None
        conflict = conflict_of_request(record.reference) if refused and sees["conflict"] else None
        sent = _tree(payload.sent) if payload else None
        names = _names_sent(sent)
        named = getattr(record, "named", None)
        if named is None and names and sees["user"] and record.connection_id is not None and conflict is None:
            named = user_called(record.connection_id, next(iter(names.values())))
        request_line = f"{record.method} /{record.resource_type}".rstrip("/")
        return {
            "title": f"{request_line} refused: {remedy.words}"
            if remedy
            else f"{request_line}: {_decision(record) or 'done'}",
            "subtitle": None,
            "connection_name": self.connection(record),
            "status": chip(_colour(record.status), _status_words(record.status)),
            "refused": refused,
            "decision": _decision(record),
            "remedy": remedy,
            "conflict": conflict,
            "named": named,
            "named_page": _page_of(named) if named else "",
            "names_sent": names,
            "may_read_payloads": may_read,
            "payload": payload,
            "query": _tree(payload.query) if payload else None,
            "sent": _shown(sent),
            "answered": _shown(_tree(payload.answered)) if payload else "",
            "curl": curl_of(record, payload) if payload else "",
            "sees": sees,
            "others": next((name for name in names.values() if len(name) <= MAX_NAME), "") or record.resource_id,
        }


_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


def _decision(record: ProvisioningRecord) -> str:
    """Return the decision; of a look-up that found one person or group its name, if `about_rows` loaded it for this reader."""
    named: Named | None = getattr(record, "named", None)
    return f"found {named.name}" if named is not None and record.decision in FOUND_ONE else record.decision


def _status_words(status: int) -> str:
    return f"{status} {_PHRASES.get(status, '')}".strip()


def _colour(status: int) -> str:
    if status < HTTPStatus.BAD_REQUEST:
        return "fine"
    return "attention" if status in {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS} else "trouble"


def _page_of(named: Named) -> str:
    if named.connection_id is not None and named.group_id is not None:
        return page_of_group(named.connection_id, named.group_id)
    return reverse("admin:core_identity_user_change", args=[named.user_id])


def _tree(text: str) -> Any:
    return json.loads(text) if text else None


def _shown(tree: Any) -> str:
    """Return JSON for a person to read. Characters that a page cannot contain stay escaped."""
    if tree is None:
        return ""
    text = json.dumps(tree, indent=2, ensure_ascii=False)
    return text if _is_legible(text) else json.dumps(tree, indent=2)


def _is_legible(text: str) -> bool:
    """Whether a text can be shown as it is: without lone surrogates, and without invisible characters or those that reverse a line."""
    return all(one.isprintable() or one == "\n" for one in text)


def _names_sent(sent: Any) -> dict[str, str]:
    """Return the names of the person in a sent resource."""
    if not isinstance(sent, dict):
        return {}
    return {name: sent[name] for name in NAMES_OF_A_PERSON if isinstance(sent.get(name), str) and sent[name]}

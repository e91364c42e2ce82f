"""The sign-in log: one row for each sign-in, believed or not."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from core_identity.admin_kit.logs import ConnectionFilter, ConnectionLog
from sso.models import SignInRecord
from sso.remedies import REMEDIES, remedy_for
from sso.sign_in_log import COLUMNS, REFUSED, SIGNED_IN, by_reference


class OutcomeFilter(admin.SimpleListFilter):
    title = parameter_name = "outcome"
    OUTCOMES: Final = {
        "in": ("signed in", Q(code=SIGNED_IN, is_test=False)),
        "refused": ("refused", REFUSED),
        "test": ("test sign-ins", Q(is_test=True)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _) in self.OUTCOMES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SignInRecord]) -> QuerySet[SignInRecord]:
        _, condition = self.OUTCOMES.get(self.value() or "", ("", Q()))
        return queryset.filter(condition)


class CodeFilter(admin.SimpleListFilter):
    """Offered from a list: asking a whole log for its codes would take long."""

    title = "why refused"
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(code, code) for code in sorted(REMEDIES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SignInRecord]) -> QuerySet[SignInRecord]:
        return queryset.filter(code=self.value()) if self.value() else queryset


@admin.register(SignInRecord)
class SignInRecordAdmin(ConnectionLog):
    exported, export_name = COLUMNS, "sign-ins"

    list_display = ("when", "reference", "connection_slug", "outcome", "decision", "duration_ms")
    list_filter = (ConnectionFilter, OutcomeFilter, CodeFilter, "at")
    search_fields = ("reference",)
    search_help_text = "By reference: its first characters are enough."
    fields = readonly_fields = (
        "at", "connection_slug", "reference", "outcome", "decision", "is_test", "idp_initiated", "duration_ms", "missing_names", "arrived_names",
        "person", "events",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (queryset & by_reference(search_term) if search_term.strip() else queryset), False

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        record = context.get("original")
        context["remedy"] = remedy_for(record.code, record.checks) if record else None
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="outcome")
    def outcome(self, record: SignInRecord) -> str:
        return f"test: {record.code}" if record.is_test else record.code

    @admin.display(description="attributes that arrived")
    def arrived_names(self, record: SignInRecord) -> str:
        return ", ".join(record.arrived)

    @admin.display(description="attributes that are missing")
    def missing_names(self, record: SignInRecord) -> str:
        return ", ".join(record.missing)

    @admin.display(description="user")
    def person(self, record: SignInRecord) -> str:
        if record.user_id is None:
            return "nobody known here"
        address = reverse("admin:core_identity_user_change", args=[record.user_id])
        return format_html('<a href="{}">their page</a>', address)

"""The sign-in log: one row for each sign-in and sign-out, believed or not."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from core_identity.admin_kit.logs import ConnectionFilter, ConnectionLog, WhenFilter, chip
from core_identity.admin_kit.seen import seen_by
from core_identity.brand import BRAND
from core_identity.selectors.people import Named, conflict_of_request, named_users, user_called
from sso.admin.timeline import SIGN_INS
from sso.models import SignInKind, SignInRecord
from sso.saml.refusals import Code
from sso.sign_in.log import COLUMNS, COUNTED, REFUSED, search, without_names
from sso.sign_in.outcomes import words_of
from sso.sign_in.remedies import remedy_for

COLOURS: Final = {
    SignInKind.SIGNED_IN: "fine",
    SignInKind.PERSON_REFUSED: "attention",
    SignInKind.MESSAGE_REFUSED: "trouble",
    SignInKind.PASSWORD_REFUSED: "attention",
    SignInKind.SIGNED_OUT: "plain",
}


class OutcomeFilter(admin.SimpleListFilter):
    """The five kinds, with three groups of them: all sign-ins by an IdP, those that were refused, and tests."""

    title = parameter_name = "outcome"
    OUTCOMES: Final = {
        "sign-ins": ("sign-ins, all", COUNTED),
        "in": ("signed in", Q(kind=SignInKind.SIGNED_IN, is_test=False)),
        "refused": ("refused, all", REFUSED),
        "person": ("person refused", Q(kind=SignInKind.PERSON_REFUSED, is_test=False)),
        "message": ("message refused", Q(kind=SignInKind.MESSAGE_REFUSED, is_test=False)),
        "certificate": ("unknown certificate", Q(kind=SignInKind.MESSAGE_REFUSED, code=Code.SIGNATURE, is_test=False)),
        "password": ("password refused", Q(kind=SignInKind.PASSWORD_REFUSED)),
        "out": ("sign-outs", Q(kind=SignInKind.SIGNED_OUT)),
        "test": ("test sign-ins", Q(is_test=True)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(name, words) for name, (words, _) in self.OUTCOMES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SignInRecord]) -> QuerySet[SignInRecord]:
        _, condition = self.OUTCOMES.get(self.value() or "", ("", Q()))
        return queryset.filter(condition)


@admin.register(SignInRecord)
class SignInRecordAdmin(ConnectionLog):
    exported, export_name = COLUMNS, "sign-ins"
    personal = ("identity_id", "user_id", "name_id", "uid", "email", "decision")
    rows_in_words, kept_days, in_timeline = "sign-ins", "SIGN_IN_LOG_DAYS", SIGN_INS.name

    list_display = ("when", "reference_link", "outcome", "person", "decision", "connection", "duration_ms")
    left_out = ("decision", "duration_ms")
    list_filter = (ConnectionFilter, OutcomeFilter, WhenFilter)
    followed = ("user_id", "code")
    search_fields = ("reference",)
    sortable_by = ()
    empty_list = "Nobody has signed in yet. A test sign-in on the page of a connection shows whether it would work."
    search_help_text = "By the first characters of a reference, or by NameID, UID, email or externalId."
    readonly_fields = ("began", "duration_ms", "claims", "missing_names", "arrived_names")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what the head of the page does not show, and what this sign-in has."""
        shown = {
            "began": obj is not None and obj.idp_initiated is not None,
            "duration_ms": obj is not None and obj.duration_ms is not None,
            "claims": self.claims(obj),
            "missing_names": obj is not None and obj.missing,
            "arrived_names": obj is not None and obj.arrived,
        }
        return [name for name, value in shown.items() if value]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = self.get_fields(request, obj)
        return [(None, {"fields": fields})] if fields else []

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(search(search_term)) if search_term.strip() else queryset), False

    def about_rows(self, request: HttpRequest, rows: list[Any]) -> None:
        """Give each row of a page its user, in one statement for all of them."""
        super().about_rows(request, rows)
        found = named_users(row.user_id for row in rows) if seen_by(request)["user"] else {}
        for row in rows:
            row.named = found.get(row.user_id)
            if not row.sees["user"]:
                row.decision = without_names(row)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        record = context.get("original")
        if record is not None:
            self.about_rows(request, [record])
            refused = record.kind == SignInKind.PERSON_REFUSED
            is_unknown = (
                record.code == Code.SIGNATURE and record.connection_id is not None and record.sees["connection"]
            )
            context["locked_out"] = (
                reverse("admin:core_identity_connection_locked-out", args=[record.connection_id]) if is_unknown else ""
            )
            context["remedy"] = remedy_for(record.code, record.checks)
            context["conflict"] = conflict_of_request(record.reference) if refused and record.sees["conflict"] else None
            context["also"] = _also_named(record) if refused and record.sees["user"] else []
            context["title"] = f"{_subject(record)}: {words_of(record.code)}"
            context["subtitle"], context["chip"] = None, self.outcome(record)
            context["has_checks"] = bool(record.connection_slug) and record.kind != SignInKind.SIGNED_OUT
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="reference")
    def reference_link(self, record: SignInRecord) -> str:
        address = reverse("admin:sso_signinrecord_change", args=[record.pk])
        return format_html('<a href="{}">{}</a>', address, record.reference or "open")

    @admin.display(description="outcome")
    def outcome(self, record: SignInRecord) -> str:
        words = words_of(record.code)
        return chip(COLOURS[SignInKind(record.kind)], f"test: {words}" if record.is_test else words)

    @admin.display(description="started")
    def began(self, record: SignInRecord) -> str:
        return "at the identity provider" if record.idp_initiated else f"at {BRAND}"

    @admin.display(description="attributes that arrived")
    def arrived_names(self, record: SignInRecord) -> str:
        return ", ".join(record.arrived)

    @admin.display(description="attributes that are missing")
    def missing_names(self, record: SignInRecord) -> str:
        return ", ".join(record.missing)

    @admin.display(description="claims to be")
    def claims(self, record: Any) -> str:
        """Return the names of a refused person in the verified assertion."""
        if not record.sees["user"]:
            return ""
        return ", ".join(dict.fromkeys(name for name in (record.name_id, record.uid, record.email) if name))

    @admin.display(description="person")
    def person(self, record: Any) -> str:
        """Show the user as a link; for a refused person also the names that the verified assertion claims."""
        if not record.sees["user"]:
            return ""
        named: Named | None = getattr(record, "named", None)
        claimed = self.claims(record)
        claims = format_html("<small>claims to be {}</small>", claimed) if claimed else ""
        if named is None:
            return claims or ("nobody known" if record.kind == SignInKind.PERSON_REFUSED else "")
        address = reverse("admin:core_identity_user_change", args=[record.user_id])
        link = format_html('<a href="{}">{}</a>', address, named.name)
        return format_html("{}<br>{}", link, claims) if claims else link


def _also_named(record: SignInRecord) -> list[Named]:
    """Return the users whom the connection knows by the NameID or email of a refused sign-in, beside the owner of its UID."""
    if record.connection_id is None:
        return []
    named = [user_called(record.connection_id, name) for name in dict.fromkeys((record.name_id, record.email)) if name]
    return [one for one in dict.fromkeys(named) if one is not None and one.user_id != record.user_id]


def _subject(record: SignInRecord) -> str:
    if record.kind == SignInKind.SIGNED_OUT:
        return "Sign-out"
    return "Test sign-in" if record.is_test else "Sign-in"

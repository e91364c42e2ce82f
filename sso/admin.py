"""The SAML side on the page of a connection, which is changed on a page of its own; and the sign-in log."""

from typing import Any, ClassVar, Final

from cryptography import x509
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from core_identity.log_admin import ConnectionFilter, ConnectionLog, may_see_connections
from sso.email_domains import verified_domains
from sso.keys import certificate_facts, keys_of, opens
from sso.models import SamlSettings, SignInRecord
from sso.remedies import REMEDIES, remedy_for
from sso.sign_in_log import COLUMNS, REFUSED, SIGNED_IN, by_reference

CANNOT_BE_OPENED: Final = (
    ": cannot be opened, so encrypted sign-ins and signed messages of this connection fail. Put the key that encrypted it back into "
    "SAML_KEY_ENCRYPTION_KEYS"
)


class SamlSettingsInline(admin.StackedInline):
    model = SamlSettings
    can_delete = False
    extra = 0
    fields: ClassVar[tuple[str, ...]] = (
        "idp_entity_id", *SamlSettings.PLACES, "sso_binding", "slo_binding", "certificates_shown",
        "metadata_url", "metadata_valid_until", "refreshed_at", "refresh_fault",
        "idp_initiated", "signed",
        "want_encrypted", "our_keys", "sign_requests", "sign_metadata", "force_authn", "authn_context", "name_id_format", "clock_skew",
        "domains_shown",
        *(f"{name}_attribute" for name in SamlSettings.ATTRIBUTES),
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="signing certificates of the IdP")
    def certificates_shown(self, saml: SamlSettings) -> str:
        """What tells them apart and when they end; the key itself nobody reads."""
        known = [x509.load_pem_x509_certificate(pem.encode()) for pem in saml.certificates]
        return format_html_join(
            ", ", "{} (ends on {})", ((one.subject.rfc4514_string(), one.not_valid_after_utc.date()) for one in known)
        )

    @admin.display(description="email domains")
    def domains_shown(self, saml: SamlSettings) -> str:
        """Which of them lead here, for the others do nothing."""
        verified = {one.domain for one in verified_domains(saml.connection)}
        told = (
            f"{domain} ({'verified' if domain in verified else 'not verified: has no effect yet'})"
            for domain in saml.email_domains
        )
        return ", ".join(told) or "none"

    @admin.display(description="our keys")
    def our_keys(self, saml: SamlSettings) -> str:
        """What tells our certificates apart and when they end; the keys themselves nobody reads."""
        facts = [
            (key.state, *certificate_facts(key.certificate), "" if opens(key) else CANNOT_BE_OPENED)
            for key in keys_of(saml.connection)
        ]
        return (
            format_html_join(
                ", ",
                "{} {} (ends on {}){}",
                ((state, sha256, ends.date(), fault) for state, sha256, ends, fault in facts),
            )
            or "none: create one on the page Our SAML keys"
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_connections(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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

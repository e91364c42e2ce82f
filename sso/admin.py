"""The SAML side on the page of a connection, which is changed on a page of its own; and the sign-in log."""

from typing import Any, ClassVar

from cryptography import x509
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.timezone import localtime

from core_identity.selectors.connections import connection_slugs
from sso.keys import certificate_facts, keys_of
from sso.models import SamlSettings, SignInRecord
from sso.sign_in_log import SIGNED_IN


def may_see_connections(request: HttpRequest) -> bool:
    """Whoever may see connections may see what is here: nothing in it is secret."""
    return request.user.has_perm("core_identity.view_connection") or request.user.has_perm(
        "core_identity.change_connection"
    )


class SamlSettingsInline(admin.StackedInline):
    model = SamlSettings
    can_delete = False
    extra = 0
    fields: ClassVar[tuple[str, ...]] = (
        "idp_entity_id", *SamlSettings.PLACES, "sso_binding", "slo_binding", "certificates_shown",
        "metadata_url", "metadata_valid_until", "refreshed_at", "refresh_fault",
        "idp_initiated", "want_response_signed",
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
        return ", ".join(saml.email_domains) or "none"

    @admin.display(description="our keys")
    def our_keys(self, saml: SamlSettings) -> str:
        """What tells our certificates apart and when they end; the keys themselves nobody reads."""
        told = ((key.state, *certificate_facts(key.certificate)) for key in keys_of(saml.connection))
        return (
            format_html_join(", ", "{} {} (ends on {})", ((state, sha256, ends.date()) for state, sha256, ends in told))
            or "none: connection saml-keys SLUG make"
        )

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

    def queryset(self, request: HttpRequest, queryset: QuerySet[SignInRecord]) -> QuerySet[SignInRecord]:
        return queryset.filter(connection_slug=self.value()) if self.value() else queryset


class OutcomeFilter(admin.SimpleListFilter):
    title = parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("in", "signed in"), ("refused", "refused")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SignInRecord]) -> QuerySet[SignInRecord]:
        if self.value() == "in":
            return queryset.filter(code=SIGNED_IN)
        return queryset.exclude(code=SIGNED_IN) if self.value() == "refused" else queryset


@admin.register(SignInRecord)
class SignInRecordAdmin(admin.ModelAdmin):
    """Read only for everybody."""

    list_display = ("when", "connection_slug", "code", "decision", "reference")
    list_filter = (ConnectionFilter, OutcomeFilter, "at")
    search_fields = ("reference",)
    search_help_text = "By reference, as somebody reads it out."
    empty_value_display = ""
    show_full_result_count = False
    fields = readonly_fields = (
        "at", "connection_slug", "connection_id", "reference", "code", "decision", "idp_initiated", "expected", "received", "arrived", "missing",
        "identity_id", "user_id",
    )  # fmt: skip

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
        return (queryset.filter(reference=term.upper()) if term else queryset), False

    @admin.display(description="when", ordering="id")
    def when(self, record: SignInRecord) -> str:
        return f"{localtime(record.at):%Y-%m-%d %H:%M:%S}"

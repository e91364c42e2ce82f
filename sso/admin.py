"""The SAML side on the page of a connection. It is changed on a page of its own, where the IdP's metadata is read as a whole."""

from typing import Any, ClassVar

from cryptography import x509
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join

from sso.keys import certificate_facts, keys_of
from sso.models import SamlSettings


class SamlSettingsInline(admin.StackedInline):
    model = SamlSettings
    can_delete = False
    extra = 0
    fields: ClassVar[tuple[str, ...]] = (
        "idp_entity_id", "sso_url", "slo_url", "certificates_shown",
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
        """Whoever may see the connection."""
        return request.user.has_perm("core_identity.view_connection") or request.user.has_perm(
            "core_identity.change_connection"
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

"""The SAML side on the page of a connection. It is changed on pages of its own."""

from typing import Any, ClassVar, Final

from cryptography import x509
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join

from core_identity.admin_kit.logs import may_see_connections
from sso.models import SamlSettings
from sso.settings.email_domains import verified_domains
from sso.settings.keys import certificate_facts, keys_of, opens

CANNOT_BE_OPENED: Final = (
    ": cannot be opened, so encrypted sign-ins and signed messages of this connection fail. Put the key that encrypted it back into "
    "SAML_KEY_ENCRYPTION_KEYS"
)


class SamlSettingsInline(admin.StackedInline):
    model = SamlSettings
    can_delete = False
    extra = 0
    classes = ("collapse",)
    fields: ClassVar[tuple[str, ...]] = (
        "idp_entity_id", *SamlSettings.PLACES, "sso_binding", "slo_binding", "certificates_shown",
        "metadata_url", "metadata_valid_until", "refreshed_at", "refresh_fault",
        "idp_initiated", "signed",
        "want_encrypted", "our_keys", "sign_requests", "sign_metadata", "force_authn", "authn_context", "name_id_format", "clock_skew",
        "domains_shown",
        *(f"{name}_attribute" for name in SamlSettings.ATTRIBUTES),
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="signing certificates of the identity provider")
    def certificates_shown(self, saml: SamlSettings) -> str:
        """Show the subject and the end of each certificate, because nobody reads the key itself."""
        known = [x509.load_pem_x509_certificate(pem.encode()) for pem in saml.certificates]
        return format_html_join(
            ", ", "{} (ends on {})", ((one.subject.rfc4514_string(), one.not_valid_after_utc.date()) for one in known)
        )

    @admin.display(description="email domains")
    def domains_shown(self, saml: SamlSettings) -> str:
        """The domains that lead here; the others have no effect."""
        verified = {one.domain for one in verified_domains(saml.connection)}
        domains = (
            f"{domain} ({'verified' if domain in verified else 'not verified: has no effect yet'})"
            for domain in saml.email_domains
        )
        return ", ".join(domains) or "none"

    @admin.display(description="our keys")
    def our_keys(self, saml: SamlSettings) -> str:
        """Show the fingerprint and the end of each certificate of ours, because nobody reads the key itself."""
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

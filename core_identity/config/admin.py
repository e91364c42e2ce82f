"""The page of a connection, put together from what core_identity, sso and scim know of it: the setup sheet (R37)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from core_identity.admin import connections
from core_identity.config.apply import describe
from core_identity.models import Connection
from scim.admin.inline import OAuthClientInline
from scim.admin.pages import SCIM_PAGES
from scim.models import OAuthClient
from sso.admin.inline import SamlSettingsInline
from sso.admin.pages import SAML_PAGES
from sso.idp_changes import warnings_of
from sso.keys import keys_of
from sso.models import SamlSettings
from sso.sign_in_log import refused_lately
from sso.sign_in_tests import may_test

SHEET = (
    ("SAML", (
        ("acs_url", "ACS URL", "Okta: Single sign-on URL"),
        ("entity_id", "Audience", "Okta: Audience URI (SP Entity ID)"),
        ("metadata_url", "Our metadata", "For IdPs that read it"),
        ("login_url", "Sign-in page", "Where people of this connection start"),
        ("logout_url", "Logout URL", "Okta: Single Logout URL"),
        ("uid_attribute", "Attribute of the UID", "An attribute statement of this name"),
    )),
    ("SCIM", (
        ("scim_base_url", "SCIM base URL", "Okta: SCIM connector base URL"),
        ("authorize_url", "Authorize URL", "Okta: Authorization endpoint URI"),
        ("token_url", "Token URL", "Okta: Access token endpoint URI"),
        ("client_id", "Client ID", "The secret is shown once, when it is created"),
        ("uid_path", "UID in SCIM", "External namespace and name of the attribute"),
    )),
)  # fmt: skip
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def setup_sheet(connection: Connection) -> list[tuple[str, list[dict[str, str]]]]:
    """Return what to enter at the IdP, by heading; nothing in it is secret."""
    known = {
        **describe(connection),
        "uid_attribute": connection.uid_attribute,
        "uid_path": f"{ENTERPRISE}:{connection.uid_attribute}",
    }
    return [
        (
            heading,
            [{"name": name, "label": label, "hint": hint, "value": known[name] or ""} for name, label, hint in rows],
        )
        for heading, rows in SHEET
    ]


@admin.register(Connection)
class ConnectionAdmin(connections.ConnectionAdmin):
    pages = (*connections.ConnectionAdmin.pages, *SAML_PAGES, *SCIM_PAGES)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (SamlSettingsInline, OAuthClientInline) if obj else ()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context.get("original") is not None:
            context["sheet"] = setup_sheet(context["original"])
            saml = SamlSettings.objects.filter(connection=context["original"]).first()
            context["may_test"] = may_test(request.user, context["original"])
            context["refused_lately"] = refused_lately(context["original"].slug)
            context["saml"] = saml
            context["our_keys"] = keys_of(context["original"]) if saml else []
            context["trust_warnings"] = warnings_of(saml, timezone.now()) if saml else []
            context["consent"] = (
                OAuthClient.objects.select_related("consented_by").filter(connection=context["original"]).first()
            )
        return super().render_change_form(request, context, *args, **kwargs)

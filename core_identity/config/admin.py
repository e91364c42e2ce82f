"""The page of a connection, put together from what core_identity, sso and scim know of it: the setup sheet (R37)."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from core_identity.admin import connections
from core_identity.config.apply import describe
from core_identity.config.connection_forms import OAuthClientForm, SetupLinkForm
from core_identity.config.credential_pages import CredentialPages
from core_identity.config.idp_pages import IdpPages
from core_identity.config.saml_pages import SamlPages
from core_identity.config.trial_pages import TrialPages
from core_identity.models import Connection
from scim.admin import OAuthClientInline
from scim.models import OAuthClient
from sso.admin import SamlSettingsInline
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
class ConnectionAdmin(TrialPages, CredentialPages, IdpPages, SamlPages, connections.ConnectionAdmin):
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

    def get_urls(self) -> Any:
        return [
            *self.own_page("oauth", self.oauth_view),
            *self.own_page("contact", self.contact_view),
            *super().get_urls(),
        ]

    def oauth_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = OAuthClientForm(request, connection=connection)
        title = f"OAuth client of {connection}"
        if not form.submit():
            return self.page(request, "connection/oauth.html", title=title, form=form, obj=connection)
        if form.written is None:
            self.message_user(request, f"The OAuth client of {connection} is saved.", messages.SUCCESS)
            return self.to_change_page(connection)
        # The answer to this very request, and nowhere else: no message, session, cookie or event holds the secret.
        client_id = describe(connection)["client_id"]
        shown = [
            {"name": "client_id", "label": "Client ID", "value": client_id},
            {"name": "client_secret", "label": "Client secret", "value": form.written},
        ]
        return self.page(request, "connection/shown_once.html", title=title, form=form, obj=connection, shown=shown)

    def contact_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        if not request.user.is_superuser:
            raise PermissionDenied  # the link lends a superuser's right to consent (R14)
        form = SetupLinkForm(request, connection=connection)
        title = f"Link for the set-up contact of {connection}"
        if not form.submit():
            return self.page(request, "connection/contact.html", title=title, form=form, obj=connection)
        link = settings.PUBLIC_URL + reverse("oauth-contact", args=[form.written])
        shown = [{"name": "link", "label": "Link", "value": link}]
        return self.page(request, "connection/shown_once.html", title=title, form=form, obj=connection, shown=shown)

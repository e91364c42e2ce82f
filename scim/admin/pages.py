"""SCIM on the page of a connection: its pages, its OAuth client, its part of the setup sheet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest

from core_identity.admin_kit.pages import ConnectionPart
from scim.admin.credentials import CredentialsPage, RevokePage, SecretPage, TokenPage
from scim.admin.inline import OAuthClientInline
from scim.admin.oauth_client import OAuthClientPage, RedirectsPage, SetupLinkPage
from scim.connections import urls
from scim.models import OAuthClient

if TYPE_CHECKING:
    from core_identity.models import Connection

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def values(connection: "Connection") -> Mapping[str, Any]:
    return {**urls(connection), "uid_path": f"{ENTERPRISE}:{connection.uid_attribute}"}


def facts(request: HttpRequest, connection: "Connection") -> Mapping[str, Any]:
    return {"consent": OAuthClient.objects.select_related("consented_by").filter(connection=connection).first()}


SCIM: Final = ConnectionPart(
    heading="SCIM",
    pages=(OAuthClientPage, RedirectsPage, SetupLinkPage, CredentialsPage, RevokePage, TokenPage, SecretPage),
    inline=OAuthClientInline,
    sheet=(
        ("scim_base_url", "SCIM base URL", "Okta: SCIM connector base URL"),
        ("authorize_url", "Authorize URL", "Okta: Authorization endpoint URI"),
        ("token_url", "Token URL", "Okta: Access token endpoint URI"),
        ("client_id", "Client ID", "The secret is shown once, when it is created"),
        ("uid_path", "UID in SCIM", "External namespace and name of the attribute"),
    ),
    values=values,
    facts=facts,
)

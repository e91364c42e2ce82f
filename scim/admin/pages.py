"""SCIM on the pages of a connection."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from core_identity.admin_kit.connection_parts import ConnectionPart, HealthRow, time_ago
from core_identity.selectors.pages import number_of_resources
from scim.admin.credentials import CredentialsPage, RevokePage, SecretPage, TokenPage
from scim.admin.inline import OAuthClientInline
from scim.admin.oauth_client import OAuthClientPage, RedirectsPage, SetupLinkPage
from scim.models import OAuthClient, ProvisioningRecord

if TYPE_CHECKING:
    from core_identity.models import Connection


class ScimPart(ConnectionPart):
    pages = (OAuthClientPage, RedirectsPage, SetupLinkPage, CredentialsPage, RevokePage, TokenPage, SecretPage)
    inline = OAuthClientInline

    def warnings(self, connection: "Connection") -> Mapping[str, Any]:
        consent = OAuthClient.objects.select_related("consented_by").filter(connection=connection).first()
        return {"consent": consent}

    def health(self, connection: "Connection", warnings: Mapping[str, Any]) -> Iterator[HealthRow]:
        calls = f"{reverse('admin:scim_provisioningrecord_changelist')}?connection={connection.slug}"
        newest = ProvisioningRecord.objects.filter(connection_slug=connection.slug, connection_id=connection.pk)
        call = newest.order_by("-id").first()
        yield HealthRow("Last SCIM call", time_ago(call.at if call else None), calls)
        yield HealthRow("People pushed by SCIM", number_of_resources(connection))

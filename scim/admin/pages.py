"""SCIM on the page of a connection: its pages, its OAuth client, its warnings and its health."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse

from core_identity.admin_kit.pages import ConnectionPart, HealthRow
from core_identity.selectors.pages import number_of_resources
from core_identity.templatetags.core_pages import ago
from scim.admin.credentials import CredentialsPage, RevokePage, SecretPage, TokenPage
from scim.admin.inline import OAuthClientInline
from scim.admin.oauth_client import OAuthClientPage, RedirectsPage
from scim.admin.proposed import ProposedTokenPage
from scim.models import ProvisioningRecord

if TYPE_CHECKING:
    from core_identity.models import Connection


def facts(connection: "Connection") -> Mapping[str, Any]:
    return {"consent": getattr(connection, "oauth_client", None)}


def health(connection: "Connection", facts: Mapping[str, Any]) -> Iterator[HealthRow]:
    calls = ProvisioningRecord.objects.filter(connection_slug=connection.slug, connection_id=connection.pk)
    newest = calls.order_by("-id").values_list("at", flat=True).first()
    log = f"{reverse('admin:scim_provisioningrecord_changelist')}?connection={connection.slug}"
    yield "Last SCIM call", ago(newest) or "none yet", log
    yield "People pushed by SCIM", number_of_resources(connection), ""


SCIM: Final = ConnectionPart(
    pages=(OAuthClientPage, RedirectsPage, CredentialsPage, RevokePage, TokenPage, SecretPage, ProposedTokenPage),
    inline=OAuthClientInline,
    facts=facts,
    columns={},
    related=("oauth_client__consented_by",),
    health=health,
)

"""SCIM on the page of a connection: its pages, its OAuth client, its warnings and its health."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils import timezone

from core_identity.admin_kit.health import MOST, HealthRow, end_row, failures_row, last_row
from core_identity.admin_kit.limits import Limits, per_minute
from core_identity.admin_kit.pages import AddressOf, ConnectionPart
from core_identity.selectors.newest import newest_of
from core_identity.selectors.pages import number_of_resources
from core_identity.templatetags.core_pages import ago
from scim.admin.credentials import CredentialsPage, RevokePage, SecretPage, TokenPage
from scim.admin.inline import OAuthClientInline
from scim.admin.oauth_client import OAuthClientPage, RedirectsPage
from scim.admin.proposed import ProposedTokenPage
from scim.home import ending_credentials
from scim.last_calls import LAST_CALL
from scim.models import ProvisioningRecord

if TYPE_CHECKING:
    from core_identity.models import Connection


def facts(connection: "Connection") -> Mapping[str, Any]:
    return {"consent": getattr(connection, "oauth_client", None)}


def health(connection: "Connection", facts: Mapping[str, Any], address_of: AddressOf) -> Iterator[HealthRow]:
    newest, log = _newest_calls(connection), _log_of(connection)
    yield last_row("Last request", connection.last_request, log)  # type: ignore[attr-defined]  # by `columns`
    failed = ((at, status >= HTTPStatus.BAD_REQUEST) for at, status in newest)
    yield failures_row("Failed requests, 24 h", failed, f"{log}&outcome=failed")
    now = timezone.now()
    for one in ending_credentials(now, slug=connection.slug):
        yield end_row(one.what, one.ends_at, address_of("credentials"), now)._replace(tone=one.tone)
    yield HealthRow("People pushed by SCIM", number_of_resources(connection))


def limits(connection: "Connection") -> Limits:
    """Return the limits of SCIM, and when a request was refused by one of them."""
    newest, log = _newest_calls(connection), _log_of(connection)
    last = next((at for at, status in newest if status == HTTPStatus.TOO_MANY_REQUESTS), None)
    value = ago(last) if last else f"none of the last {MOST:,}"
    return Limits(
        [
            per_minute("SCIM requests that read, a minute", "SCIM_READS_PER_MINUTE"),
            per_minute("SCIM requests that write, a minute", "SCIM_WRITES_PER_MINUTE"),
        ],
        [HealthRow("Last SCIM request refused by a limit", value, f"{log}&outcome=failed" if last else "")],
    )


def _newest_calls(connection: "Connection") -> list[tuple[datetime, int]]:
    calls = newest_of(ProvisioningRecord.objects.filter(connection_id=connection.pk), connection_slug=connection.slug)
    return list(calls.values_list("at", "status")[:MOST])


def _log_of(connection: "Connection") -> str:
    return f"{reverse('admin:scim_provisioningrecord_changelist')}?connection={connection.slug}"


SCIM: Final = ConnectionPart(
    pages=(OAuthClientPage, RedirectsPage, CredentialsPage, RevokePage, TokenPage, SecretPage, ProposedTokenPage),
    inline=OAuthClientInline,
    facts=facts,
    columns={"last_request": LAST_CALL},
    related=("oauth_client__consented_by",),
    health=health,
    limits=limits,
)

"""The facts about provisioning on the start page of the administration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat

from core_identity.selectors.log_hours import LogTable
from core_identity.values import NOTICE
from scim.models import BearerToken, ClientSecret, ProvisioningRecord

CALLS: Final = LogTable(name="scim-calls", table=ProvisioningRecord._meta.db_table, counted="true", bad="status >= 400")


@dataclass(frozen=True, slots=True)
class Ending:
    """A token or secret of a connection that ends soon."""

    slug: str
    what: str
    ends_at: datetime


def ending_credentials(now: datetime, *, slug: str = "") -> Sequence[Ending]:
    """Return the live tokens and secrets of live connections that end within `NOTICE` of ``now`` (aware), in the order of their ends. One query.

    ``slug`` limits them to one connection. A secret is left out if another one of the client never ends: then its end is planned.
    """
    soon = (now, now + NOTICE)
    tokens = BearerToken.objects.filter(revoked_at=None, expires_at__range=soon, connection__enabled=True)
    lasting = ClientSecret.objects.filter(ends_at=None, client=OuterRef("client"))
    secrets = ClientSecret.objects.filter(~Exists(lasting), ends_at__range=soon, client__connection__enabled=True)
    if slug:
        tokens, secrets = tokens.filter(connection__slug=slug), secrets.filter(client__connection__slug=slug)
    found = tokens.values_list("connection__slug", Concat(Value("The token "), "name"), "expires_at").union(
        secrets.values_list("client__connection__slug", Value("The client secret"), "ends_at"), all=True
    )
    return sorted((Ending(*row) for row in found.order_by()), key=lambda one: one.ends_at)

"""The facts about provisioning on the start page of the administration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection as database
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat

from core_identity.selectors.log_hours import LogTable
from core_identity.values import NOTICE
from scim.models import BearerToken, ClientSecret, ProvisioningRecord

_TABLE: Final = ProvisioningRecord._meta.db_table
CALLS: Final = LogTable(name="scim-calls", table=_TABLE, counted="true", bad="status >= 400")

_LAST: Final = f"""
SELECT slug, row.at, row.status FROM unnest(%s::text[]) AS slug CROSS JOIN LATERAL (
    SELECT lately.at, lately.status FROM (
        SELECT id, at, status FROM {_TABLE} WHERE connection_slug = slug ORDER BY id DESC LIMIT 50
    ) AS lately ORDER BY lately.id DESC LIMIT 1
) AS row
"""  # noqa: S608 - names of our own


@dataclass(frozen=True, slots=True)
class LastCall:
    at: datetime
    let_in: bool
    """Whether the token was accepted. Other failures concern one message only."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A token or secret of a connection that ends soon."""

    slug: str
    what: str
    ends_at: datetime


def last_call_by_connection(slugs: Sequence[str]) -> Mapping[str, LastCall]:
    """Return the newest call of each connection. One query, a look-up for each slug."""
    with database.cursor() as cursor:
        cursor.execute(_LAST, [list(slugs)])
        return {slug: LastCall(at, status != 401) for slug, at, status in cursor.fetchall()}


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

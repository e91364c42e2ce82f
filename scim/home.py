"""The facts about provisioning on the start page of the administration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat

from core_identity.selectors.log_hours import LogTable
from core_identity.values import NOTICE
from scim.models import BearerToken, ClientSecret, ProvisioningRecord

CALLS: Final = LogTable(name="scim-calls", table=ProvisioningRecord._meta.db_table, counted="true", bad="status >= 400")


@dataclass(frozen=True, slots=True)
class Ending:
    """A token or secret of a connection that ends soon, or ended lately.

    ``is_last``: the connection has no live credential, so the identity provider cannot provision.
    """

    slug: str
    what: str
    ends_at: datetime
    has_ended: bool
    is_last: bool

    @property
    def tone(self) -> str:
        return "trouble" if self.is_last else "attention"


def ending_credentials(now: datetime, *, slug: str = "") -> Sequence[Ending]:
    """Return the tokens and secrets of live connections that end within `NOTICE` of ``now`` (aware), before or after it. One query.

    They are in the order of their ends. ``slug`` limits them to one connection. A revoked token is left out, because an administrator ended it.
    A secret is left out if another one of the client never ends: then its end is planned.
    """
    about_now = (now - NOTICE, now + NOTICE)
    tokens = BearerToken.objects.filter(revoked_at=None, expires_at__range=about_now, connection__enabled=True)
    lasting = ClientSecret.objects.filter(ends_at=None, client=OuterRef("client"))
    secrets = ClientSecret.objects.filter(~Exists(lasting), ends_at__range=about_now, client__connection__enabled=True)
    if slug:
        tokens, secrets = tokens.filter(connection__slug=slug), secrets.filter(client__connection__slug=slug)
    found = (
        tokens.annotate(is_last=_nothing_lives(now, "connection"))
        .values_list("connection__slug", Concat(Value("The token "), "name"), "expires_at", "is_last")
        .union(
            secrets.annotate(is_last=_nothing_lives(now, "client__connection")).values_list(
                "client__connection__slug", Value("The client secret"), "ends_at", "is_last"
            ),
            all=True,
        )
    )
    endings = (Ending(of, what, at, at <= now, is_last) for of, what, at, is_last in found.order_by())
    return sorted(endings, key=lambda one: one.ends_at)


def _nothing_lives(now: datetime, connection: str) -> Q:
    """Return the condition that no token and no secret lives of the connection to which this path of the outer row leads."""
    tokens = BearerToken.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None, connection=OuterRef(connection)
    )
    secrets = ClientSecret.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), client__connection=OuterRef(connection))
    return Q(~Exists(tokens), ~Exists(secrets))

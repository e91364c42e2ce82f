"""The last SCIM request of each connection. Its credentials note it, so it outlives the provisioning log, and only a valid token can change it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Greatest

from scim.models import BearerToken, OAuthClient

_TOKENS: Final = BearerToken.objects.filter(connection=OuterRef("pk"), last_used_at__isnull=False)

LAST_CALL: Final = Greatest(
    "oauth_client__last_used_at", Subquery(_TOKENS.order_by("-last_used_at").values("last_used_at")[:1])
)
"""The time of the last request with a valid token, as a column of connections. Accurate to a minute; None if there was none."""


def last_call_by_connection(slugs: Sequence[str]) -> Mapping[str, datetime]:
    """Return `LAST_CALL` by the slug of its connection. One query. A connection without a request is left out.

    It reads the credentials of these connections, also ended ones: there are few.
    """
    used = {"connection__slug__in": slugs, "last_used_at__isnull": False}
    columns = ("connection__slug", "last_used_at")
    clients = OAuthClient.objects.filter(**used).values_list(*columns)
    tokens = BearerToken.objects.filter(**used).values_list(*columns)
    calls: dict[str, datetime] = {}
    for slug, at in clients.union(tokens.order_by(), all=True):
        calls[slug] = max(at, calls.get(slug, at))
    return calls


def last_call(client: OAuthClient | None, tokens: Iterable[BearerToken]) -> datetime | None:
    """Return `LAST_CALL` of the connection with this client and all these tokens."""
    uses = (one.last_used_at for one in (client, *tokens) if one is not None)
    return max((at for at in uses if at is not None), default=None)

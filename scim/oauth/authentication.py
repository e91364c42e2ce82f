"""Turn a bearer token into a SCIM client: the actor of the request, and the one connection that it may touch.

One statement returns all that a SCIM request needs to know about its sender. It accepts a token exactly when the OAuth toolkit does;
`tests/scim/test_live_tokens.py` compares both for each state of a token.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import connection as database
from oauth2_provider.models import get_access_token_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core_identity.selectors.connections import CONNECTION_COLUMNS, CONNECTION_TABLE, connection_of_row
from core_identity.values import Actor, ActorKind, Channel
from scim.log.trace import trace_of
from scim.models import BearerToken, OAuthClient
from scim.oauth.bearer_tokens import PREFIX
from scim.wire.errors import InsufficientScope, Unauthorized

if TYPE_CHECKING:
    from core_identity.models import Connection

SCOPE: Final = "scim"
NO_SCOPE: Final = f"The access token has no scope {SCOPE}. Ask for a token with the scope {SCOPE}."

_AccessToken: Final = get_access_token_model()

_USE_IS_DUE: Final = "(last_used_at IS NULL OR last_used_at < statement_timestamp() - interval '1 minute')"
"""The precision of "last used": a busy client costs one write a minute, not one for each request."""

# A token without a client, and a token of a connection that is off, are not accepted (R1a).
_ACCESS_TOKEN: Final = f"""
SELECT client.id, client.client_id, token.scope, token.resource::text, {_USE_IS_DUE}, {CONNECTION_COLUMNS}
FROM {_AccessToken._meta.db_table} AS token
JOIN {OAuthClient._meta.db_table} AS client ON client.id = token.application_id
JOIN {CONNECTION_TABLE} AS connection ON connection.id = client.connection_id
WHERE token.token_checksum = %s AND token.expires > statement_timestamp() AND connection.enabled
"""  # noqa: S608 - nothing but names of our own

_BEARER_TOKEN: Final = f"""
SELECT token.id, token.name, {_USE_IS_DUE}, {CONNECTION_COLUMNS}
FROM {BearerToken._meta.db_table} AS token
JOIN {CONNECTION_TABLE} AS connection ON connection.id = token.connection_id
WHERE token.token_hash = %s AND token.revoked_at IS NULL
    AND (token.expires_at IS NULL OR token.expires_at > statement_timestamp()) AND connection.enabled
"""  # noqa: S608 - nothing but names of our own

_NOTE_USE: Final = "UPDATE {} SET last_used_at = statement_timestamp() WHERE id = %s AND {}"


@dataclass(frozen=True, slots=True)
class LiveToken:
    """A live token: the client or long-lived token with its name and id in events, and its connection."""

    holder: type[OAuthClient | BearerToken]
    key: int
    label: str
    id: str
    has_scope: bool
    use_is_due: bool
    connection: "Connection"

    def note_use(self) -> None:
        """Note the use in the row of the holder, if the last note is older than a minute."""
        if self.use_is_due:
            with database.cursor() as cursor:
                cursor.execute(_NOTE_USE.format(self.holder._meta.db_table, _USE_IS_DUE), [self.key])


@dataclass(frozen=True)
class ScimClient:
    """The sender of a SCIM request, in the place of a user. Nobody is signed in, and no session is read."""

    connection: "Connection"
    actor: Actor
    is_authenticated: bool = True
    is_active: bool = True


class BearerAuthentication(BaseAuthentication):
    """Authenticate by the Authorization header only (RFC 6750 section 2.1)."""

    def authenticate(self, request: Request) -> tuple[ScimClient, LiveToken]:
        """Return the client and its live token. Raises `Unauthorized` with the same words for every fault of a token.

        A token of another connection is refused like an unknown one. The answer does not reveal whether the connection in the address exists.
        """
        opened = opened_by(request.META.get("HTTP_AUTHORIZATION", ""))
        if opened is None:
            raise Unauthorized(
                "The access token is missing, expired or not valid. "
                "Authorise the app again in its provisioning settings."
            )
        connection = opened.connection
        if request.parser_context["kwargs"].get("slug", connection.slug) != connection.slug:
            raise Unauthorized(
                "The access token is not valid at this address. "
                "Check the SCIM base URL of the connection, then authorise the app again."
            )
        trace_of(request._request).belongs_to(connection)
        if not opened.has_scope:
            raise InsufficientScope(NO_SCOPE)
        opened.note_use()
        actor = Actor(
            channel=Channel.SCIM,
            kind=ActorKind.SCIM_CLIENT,
            label=opened.label,
            id=opened.id,
            request_id=getattr(request._request, "request_id", ""),
        )
        return ScimClient(connection, actor), opened

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="scim"'


def opened_by(header: str) -> LiveToken | None:
    """Return the live token in the value of an Authorization header; None if there is none (RFC 6750 section 2.1)."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer" and text.startswith(PREFIX):
        return _by_bearer_token(text)
    words = header.split()
    if len(words) != 2 or words[0].lower() != "bearer":
        return None
    return _by_access_token(words[1])


def _by_access_token(text: str) -> LiveToken | None:
    row = _row(_ACCESS_TOKEN, text)
    if row is None:
        return None
    key, client_id, scope, audience, use_is_due, *columns = row
    if audience != "[]" and not _is_for_us(audience):
        return None
    connection = connection_of_row(columns)
    label = f"OAuth client of {connection.slug}"
    return LiveToken(OAuthClient, key, label, client_id, SCOPE in scope.split(), use_is_due, connection)


def _by_bearer_token(text: str) -> LiveToken | None:
    row = _row(_BEARER_TOKEN, text)
    if row is None:
        return None
    key, name, use_is_due, *columns = row
    connection = connection_of_row(columns)
    return LiveToken(BearerToken, key, f"token {name} of {connection.slug}", str(key), True, use_is_due, connection)


def _is_for_us(audience: str) -> bool:
    """Whether a token that its client bound to resources (RFC 8707) is valid here. The toolkit decides."""
    return bool(_AccessToken(resource=json.loads(audience)).allows_audience(settings.PUBLIC_URL))


def _row(statement: str, token: str) -> tuple[Any, ...] | None:
    with database.cursor() as cursor:
        cursor.execute(statement, [hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()])
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row

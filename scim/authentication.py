"""Turn a bearer token into a SCIM client: the actor of the request, and the one connection that it may touch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core_identity.values import Actor, ActorKind, Channel
from scim.live_tokens import SCOPE, LiveToken, opened_by
from scim.trace import trace_of
from scim.wire.errors import InsufficientScope, Unauthorized

if TYPE_CHECKING:
    from core_identity.models import Connection

NO_SCOPE: Final = f"The access token has no scope {SCOPE}. Ask for a token with the scope {SCOPE}."


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

"""A bearer token becomes a SCIM client: the actor of all that follows, and the one connection that it may touch."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from oauth2_provider.oauth2_backends import get_oauthlib_core
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core_identity.values import Actor, ActorKind, Channel
from scim.middleware import trace_of
from scim.wire.errors import Unauthorized

if TYPE_CHECKING:
    from core_identity.models import Connection

SCOPE = "scim"


@dataclass(frozen=True)
class ScimClient:
    """Who sends a SCIM request. Takes the place of a user: nobody is signed in, and no session is looked at."""

    connection: "Connection"
    actor: Actor
    is_authenticated: bool = True
    is_active: bool = True


class BearerAuthentication(BaseAuthentication):
    """RFC 6750 section 2.1: the Authorization header, and nothing else, opens SCIM."""

    def authenticate(self, request: Request) -> tuple[ScimClient, Any]:
        """Return the client and its token.

        Raises `Unauthorized`, in the same words for whatever is wrong with the token.

        A token of another connection is as good as none, and the answer does not tell whether the connection in the
        address exists.
        """
        header = request.headers.get("Authorization", "")
        valid, seen = _server().verify_request(
            settings.PUBLIC_URL, "GET", "", {"Authorization": header}, scopes=[SCOPE]
        )
        if not valid:
            raise Unauthorized(
                "The access token is missing, expired or not valid. "
                "Authorise the app again in its provisioning settings."
            )
        connection = seen.client.connection
        if request.parser_context["kwargs"].get("slug", connection.slug) != connection.slug:
            raise Unauthorized(
                "The access token is not valid at this address. "
                "Check the SCIM base URL of the connection, then authorise the app again."
            )
        trace_of(request._request).connection = connection.slug
        actor = Actor(
            channel=Channel.SCIM,
            kind=ActorKind.SCIM_CLIENT,
            label=seen.client.label,
            id=seen.client.client_id,
            request_id=getattr(request._request, "request_id", ""),
        )
        return ScimClient(connection, actor), seen.access_token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="scim"'


@lru_cache(maxsize=1)
def _server() -> Any:
    """The toolkit's verifier. It is given a constant address: it fails on a bare % in the query of the real one."""
    return get_oauthlib_core().server

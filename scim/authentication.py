"""A bearer token becomes a SCIM client: the actor of all that follows, and the one connection that it may touch."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone
from oauth2_provider.oauth2_backends import get_oauthlib_core
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core_identity.values import Actor, ActorKind, Channel
from scim.bearer_tokens import PREFIX, live_token
from scim.middleware import trace_of
from scim.models import BearerToken, OAuthClient
from scim.wire.errors import InsufficientScope, Unauthorized

if TYPE_CHECKING:
    from core_identity.models import Connection

SCOPE: Final = "scim"
USE_IS_NOTED: Final = timedelta(minutes=1)
"""How exact "last used" is: a busy client costs a write a minute, not one a request."""


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
        """Return the client, and the row of what opened.

        Raises `Unauthorized`, in the same words for whatever is wrong with the token.

        A token of another connection is as good as none, and the answer does not tell whether the connection in the
        address exists.
        """
        opened, has_scope = _opened_by(request.headers.get("Authorization", ""))
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
        if not has_scope:
            raise InsufficientScope("The access token has no scope scim. Ask for a token with the scope scim.")
        _note_use(opened)
        actor = Actor(
            channel=Channel.SCIM,
            kind=ActorKind.SCIM_CLIENT,
            label=opened.label,
            id=str(opened.client_id if isinstance(opened, OAuthClient) else opened.pk),
            request_id=getattr(request._request, "request_id", ""),
        )
        return ScimClient(connection, actor), opened

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="scim"'


def _opened_by(header: str) -> tuple[OAuthClient | BearerToken | None, bool]:
    """Return the OAuth client whose access token this is, or the long-lived token itself; and whether its scope is enough.

    One query either way.
    """
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer" and text.startswith(PREFIX):
        return live_token(text), True
    valid, seen = _server().verify_request(settings.PUBLIC_URL, "GET", "", {"Authorization": header}, scopes=[])
    return (seen.client, SCOPE in seen.scopes) if valid else (None, False)


def _note_use(opened: OAuthClient | BearerToken) -> None:
    now = timezone.now()
    if opened.last_used_at is None or now - opened.last_used_at > USE_IS_NOTED:
        type(opened)._default_manager.filter(pk=opened.pk).update(last_used_at=now)


@lru_cache(maxsize=1)
def _server() -> Any:
    """The toolkit's verifier. It is given a constant address: it fails on a bare % in the query of the real one."""
    return get_oauthlib_core().server

"""The base of all SCIM views: credentials, media types, and the form of errors."""

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scim.authentication import BearerAuthentication, ScimClient
from scim.budgets import ConnectionBudget
from scim.live_tokens import SCOPE
from scim.resources import Address
from scim.trace import trace_of
from scim.views.failure import scim_error
from scim.views.listing import require_utf8
from scim.views.media import MAX_BODY, AnyAccept, JsonParser, ScimParser, ScimRenderer
from scim.wire.errors import InsufficientScope, NotFound, TooManyRequests, Unauthorized, Unavailable
from scim.wire.group import resource_id
from scim.wire.preconditions import entity_tag, names, require

if TYPE_CHECKING:
    from uuid import UUID

    from core_identity.models import Connection
    from core_identity.values import Actor


class ScimView(APIView):
    """A view for the SCIM client of the connection in the address.

    It sets every class itself, so no default of the project can weaken it.
    """

    authentication_classes = (BearerAuthentication,)
    permission_classes = (IsAuthenticated,)
    parser_classes = (ScimParser, JsonParser)
    renderer_classes = (ScimRenderer,)
    content_negotiation_class = AnyAccept
    metadata_class = None
    throttle_classes = (ConnectionBudget,)
    versioning_class = None
    max_body = MAX_BODY

    @property
    def client(self) -> ScimClient:
        client = self.request.user
        assert isinstance(client, ScimClient)  # noqa: S101 - told to mypy: no other authentication is named above
        return client

    @property
    def connection(self) -> "Connection":
        return self.client.connection

    @property
    def actor(self) -> "Actor":
        return self.client.actor

    @property
    def address(self) -> Address:
        return Address(f"{settings.PUBLIC_URL}/scim/{self.connection.slug}/v2")

    @property
    def is_conditional(self) -> bool:
        # In META as WSGI gives them: `headers` would first make a table of all headers.
        return "HTTP_IF_MATCH" in self.request.META or "HTTP_IF_NONE_MATCH" in self.request.META

    def require_match(self, version: object) -> None:
        """Raise `PreconditionFailed` if the client requires another version. Call it under the lock."""
        headers = self.request.headers
        require(version, if_match=headers.get("If-Match"), if_none_match=headers.get("If-None-Match"))

    def unchanged(self, version: object) -> Response | None:
        """Return the 304 for a client that has this version already; otherwise None."""
        client_versions = self.request.META.get("HTTP_IF_NONE_MATCH")
        if client_versions is None or not names(client_versions, version):
            return None
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": entity_tag(version)})

    def decided(self, decision: str) -> None:
        """Set the decision for the log, in words and without personal data."""
        trace_of(self.request._request).decision = decision

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in ("GET", "HEAD"):
            require_utf8(request)

    def deactivates_somebody(self) -> bool:
        """Whether this request deactivates or deletes an active person. No budget stops such a request (R23)."""
        return False

    def handle_exception(self, exc: Exception) -> Response:
        error = scim_error(exc)
        reference = getattr(self.request._request, "request_id", "")
        trace_of(self.request._request).refused(exc, error)
        response = Response(error.to_dict(reference), status=error.status)
        if isinstance(error, Unauthorized):
            token_sent = "Authorization" in self.request.headers
            response["WWW-Authenticate"] = _challenge(self.kwargs.get("slug", ""), token_sent=token_sent)
        if isinstance(error, InsufficientScope):
            response["WWW-Authenticate"] = f'Bearer realm="scim", error="insufficient_scope", scope="{SCOPE}"'
        if isinstance(error, TooManyRequests | Unavailable):
            response["Retry-After"] = str(error.retry_after)
        response.exception = True
        return response


def _challenge(slug: str, *, token_sent: bool) -> str:
    """Return the challenge for a bearer token, with the address of the metadata (RFC 6750 section 3, RFC 9728 section 5.1)."""
    parts = ['Bearer realm="scim"']
    if token_sent:
        parts.append('error="invalid_token"')
    if re.fullmatch("[a-z0-9-]{1,40}", slug):  # any other text comes from a stranger
        metadata = reverse("oauth-resource-metadata", args=[slug])
        parts.append(f'resource_metadata="{settings.PUBLIC_URL}{metadata}"')
    return ", ".join(parts)


def id_in_address(text: str) -> "UUID":
    """Return the id in an address. Raises `NotFound` for a text that is not an id, as for an unknown id."""
    scim_id = resource_id(text)
    if scim_id is None:
        raise NotFound(f"There is no resource with the id {text!r} in this connection.")
    return scim_id


class NothingHere(ScimView):
    """Answer every other address under the prefix by 404."""

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is nothing at this address. Check the SCIM base URL of the connection.")

"""The base of all SCIM views: credentials, budgets, media types (RFC 7644 section 3.1), and the form of errors."""

import json
import re
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Final

from django.conf import settings
from django.urls import reverse
from rest_framework import status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from core_identity.budgets import spend_leased
from scim.log.trace import trace_of
from scim.middleware import MEDIA_TYPE
from scim.oauth.authentication import SCOPE, BearerAuthentication, ScimClient
from scim.resources import Address
from scim.views.failure import scim_error
from scim.views.listing import require_utf8
from scim.wire.document import parse_json
from scim.wire.errors import InsufficientScope, NotFound, PayloadTooLarge, TooManyRequests, Unauthorized, Unavailable
from scim.wire.preconditions import entity_tag, names, require
from scim.wire.values import resource_id

if TYPE_CHECKING:
    from uuid import UUID

    from core_identity.models import Connection
    from core_identity.values import Actor

MAX_BODY: Final = 1024 * 1024
MAX_GROUP_BODY: Final = 8 * 1024 * 1024


class ScimParser(BaseParser):
    """Read a body up to the view's ``max_body`` bytes."""

    media_type = MEDIA_TYPE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        context = parser_context or {}
        limit: int = getattr(context.get("view"), "max_body", MAX_BODY)
        content: bytes = stream.read(limit + 1)
        if len(content) > limit:
            raise PayloadTooLarge(f"The body is larger than {limit // 1024} KiB.")
        document = parse_json(content)
        if isinstance(request := context.get("request"), Request):
            trace_of(request._request).body = document  # only what can be read is kept, and only as a tree (R35)
        return document


class JsonParser(ScimParser):
    """The same parser for the media type of Okta's own test suite."""

    media_type = "application/json"


class ScimRenderer(BaseRenderer):
    """Render ASCII only, so any text of a client can be encoded."""

    media_type = MEDIA_TYPE
    format = "scim"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else json.dumps(data, separators=(",", ":")).encode("ascii")


class AnyAccept(BaseContentNegotiation):
    """Return SCIM for every Accept header. A 406 would help nobody, and RFC 9110 section 12.5.1 permits this."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ConnectionBudget(BaseThrottle):
    """Separate budgets for reads and writes of one connection, so that an import does not delay a deprovisioning."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Raise `TooManyRequests` if the budget is spent, unless the request ends the access of an active person (R23).

        Each active person can lose access only once, so such requests cannot evade the budget.
        """
        reads = request.method in ("GET", "HEAD") or request.path.endswith("/.search")
        limit = settings.SCIM_READS_PER_MINUTE if reads else settings.SCIM_WRITES_PER_MINUTE
        wait = spend_leased(f"{'reads' if reads else 'writes'} of {view.connection.pk}", limit)
        if wait and not view.deactivates_somebody():
            raise TooManyRequests(wait)
        return True


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
        assert isinstance(client, ScimClient)  # noqa: S101 - a fact for mypy: no other authentication is named above
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

    def not_modified(self, version: object) -> Response | None:
        """Return the 304 for a client that has this version already; otherwise None."""
        client_versions = self.request.META.get("HTTP_IF_NONE_MATCH")
        if client_versions is None or not names(client_versions, version):
            return None
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": entity_tag(version)})

    def log_decision(self, decision: str) -> None:
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

"""Media types (RFC 7644 section 3.1): which are read, and the one that is always returned."""

import json
from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from scim.middleware import MEDIA_TYPE
from scim.trace import trace_of
from scim.wire.errors import PayloadTooLarge
from scim.wire.media import parse_json

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

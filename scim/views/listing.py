"""Lists and searches: by GET with a query, by POST with a SearchRequest (RFC 7644 sections 3.4.2 and 3.4.3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from scim.wire.attributes import ResourceType
from scim.wire.errors import InvalidSyntax, InvalidValue, shown
from scim.wire.list_response import Page
from scim.wire.selection import Selection


@dataclass(frozen=True)
class Search:
    """What a client asks a list for. ``filter`` is text, not yet understood; None for everything."""

    filter: str | None
    page: Page
    selection: Selection


def search_in_query(request: Request, resource_type: ResourceType) -> Search:
    """Read the query of a GET. Raises `InvalidValue`."""
    said = {name.lower(): values[-1] for name, values in request.query_params.lists() if values}
    names = {name: str(said.get(name.lower(), "")).split(",") for name in ("attributes", "excludedAttributes")}
    return _search(said, names, resource_type)


def search_in_body(request: Request, resource_type: ResourceType) -> Search:
    """Read a SearchRequest message. Raises `InvalidSyntax`, `InvalidValue`."""
    body = body_of(request)
    said = {name.lower(): value for name, value in body.items()}
    names = {name: _names(said.get(name.lower()), name) for name in ("attributes", "excludedAttributes")}
    return _search(said, names, resource_type)


def selection_in_query(request: Request, resource_type: ResourceType) -> Selection:
    """Read which attributes of one resource are to be answered. Raises `InvalidValue`."""
    return search_in_query(request, resource_type).selection


def body_of(request: Request) -> dict[str, Any]:
    """Return the body, parsed; raise `InvalidSyntax` where there is none."""
    body = request.data
    if not isinstance(body, dict) or not request.content_type:
        raise InvalidSyntax("The request needs a body: a JSON object.")
    return body


def _search(said: Mapping[str, Any], names: Mapping[str, Iterable[str]], resource_type: ResourceType) -> Search:
    wanted = said.get("filter")
    if wanted is not None and not isinstance(wanted, str):
        raise InvalidValue(f"filter must be a text, not {shown(wanted)}.")
    return Search(
        filter=wanted,
        page=Page.read(said.get("startindex"), said.get("count")),
        selection=Selection.read(resource_type, names["attributes"], names["excludedAttributes"]),
    )


def _names(value: object, name: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.split(",")
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidValue(f"{name} must be a list of names.")
    return value

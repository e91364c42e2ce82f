"""Lists and searches: by GET with a query, by POST with a SearchRequest (RFC 7644 sections 3.4.2 and 3.4.3)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from scim.addresses import parameter_not_utf8
from scim.search.cursors import Place, Question, after, next_cursor, place_of
from scim.wire import urns
from scim.wire.attributes import ResourceType
from scim.wire.errors import InvalidCount, InvalidCursor, InvalidFilter, InvalidSyntax, InvalidValue, shown
from scim.wire.list_response import Page, Sort, cursor_response, list_response
from scim.wire.selection import Selection

M = TypeVar("M", bound=Model)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Search:
    """The query of a list. ``filter`` is the unparsed text, None for all resources. ``cursor`` None: pages by index."""

    filter: str | None
    page: Page
    selection: Selection
    sort: Sort | None = None
    cursor: str | None = None

    @property
    def is_unsorted_by_index(self) -> bool:
        """Whether the client asks for neither an order nor a page by cursor."""
        return self.sort is None and self.cursor is None


def search_in_query(request: Request, resource_type: ResourceType) -> Search:
    """Read the query of a GET. Raises `InvalidValue`, `InvalidFilter`."""
    require_utf8(request)
    parameters = {name.lower(): values[-1] for name, values in request.query_params.lists() if values}
    names = {name: str(parameters.get(name.lower(), "")).split(",") for name in ("attributes", "excludedAttributes")}
    return _search(parameters, names, resource_type)


def search_in_body(request: Request, resource_type: ResourceType) -> Search:
    """Read a SearchRequest message. Raises `InvalidSyntax`, `InvalidValue`."""
    body = body_of(request)
    parameters = {name.lower(): value for name, value in body.items()}
    schemas = parameters.get("schemas")
    if schemas is not None and not urns.names_message(schemas, urns.SEARCH_REQUEST):
        raise InvalidSyntax(f"schemas of a search must be [{urns.SEARCH_REQUEST}].")
    names = {name: _names(parameters.get(name.lower()), name) for name in ("attributes", "excludedAttributes")}
    return _search(parameters, names, resource_type)


def selection_in_query(request: Request, resource_type: ResourceType) -> Selection:
    """Read the attributes to return for one resource. Raises `InvalidValue`."""
    if not request.META.get("QUERY_STRING"):
        return Selection(resource_type)
    return search_in_query(request, resource_type).selection


def require_utf8(request: Request) -> None:
    """Refuse a query that is not UTF-8. Decoded with replacement characters it would be another query, and find nobody.

    Raises `InvalidFilter`, `InvalidValue`.
    """
    name = parameter_not_utf8(request._request)
    if name is not None:
        kind = InvalidFilter if name.lower() == "filter" else InvalidValue
        raise kind(f"The parameter {shown(name)} of the URL must be UTF-8, percent-encoded.")


def body_of(request: Request) -> dict[str, Any]:
    """Return the parsed body. Raises `InvalidSyntax` if there is none."""
    body = request.data
    if not isinstance(body, dict) or not request.content_type:
        raise InvalidSyntax("The request needs a body: a JSON object.")
    return body


class Rows(Protocol[T_co]):
    """All rows of a list, filtered and sorted."""

    def at(self, page: Page) -> tuple[Sequence[T_co], int]:
        """Return a page by index, and the number of all rows."""

    def after(self, place: Place | None, count: int) -> Sequence[T_co]:
        """Return the first ``count`` rows after a position; None for the beginning."""

    def total(self) -> int:
        """Return the number of all rows."""


@dataclass(frozen=True)
class Queried(Generic[M, T]):
    """The rows of a query. ``loaded`` converts them for the answer; rows before the page are never loaded."""

    rows: QuerySet[M]
    loaded: Callable[[QuerySet[M]], Sequence[T]]

    def at(self, page: Page) -> tuple[Sequence[T], int]:
        """Return a page. Count only if it is full or empty: any other page is the last one, so its position gives the count."""
        found: Sequence[T] = ()
        if page.count and not page.is_beyond_everything:
            found = self.loaded(self.rows[page.start - 1 : page.start - 1 + page.count])
        is_last = len(found) < page.count and (found or page.start == 1)
        return found, page.start - 1 + len(found) if is_last else self.rows.count()

    def after(self, place: Place | None, count: int) -> Sequence[T]:
        return self.loaded(after(self.rows, place)[:count])

    def total(self) -> int:
        return self.rows.count()


def answer_to(
    search: Search, rows: Rows[T], question: Question, documents: Callable[[Sequence[T]], Sequence[dict[str, Any]]]
) -> Response:
    """Return one page of ``rows`` as an answer."""
    if search.cursor is None:
        found, total = rows.at(search.page)
        return Response(list_response(total, search.page, documents(found)))
    place = place_of(search.cursor, question)
    count = search.page.count
    found = rows.after(place, count + 1)
    shown_ones, more = found[:count], len(found) > count
    if place is not None:
        total = place.total
    elif more or not shown_ones:
        total = rows.total()
    else:
        total = len(shown_ones)
    cursor = next_cursor(shown_ones[-1], question, total) if more and shown_ones else None
    return Response(cursor_response(total, cursor, documents(shown_ones)))


def _search(parameters: Mapping[str, Any], names: Mapping[str, Iterable[str]], resource_type: ResourceType) -> Search:
    filter_text = parameters.get("filter")
    if filter_text is not None and not isinstance(filter_text, str):
        raise InvalidValue(f"filter must be a text, not {shown(filter_text)}.")
    cursor, sort = parameters.get("cursor"), Sort.read(parameters.get("sortby"), parameters.get("sortorder"))
    if cursor is not None:
        _require_cursor_alone(cursor, parameters, sort)
    return Search(
        filter=filter_text,
        page=_page(parameters, by_cursor=cursor is not None),
        selection=Selection.read(resource_type, names["attributes"], names["excludedAttributes"]),
        sort=sort,
        cursor=cursor,
    )


def _require_cursor_alone(cursor: object, parameters: Mapping[str, Any], sort: Sort | None) -> None:
    if not isinstance(cursor, str):
        raise InvalidCursor(f"cursor must be a text, not {shown(cursor)}.")
    if "startindex" in parameters:
        raise InvalidValue("Page by startIndex or by cursor, not by both.")
    if sort is not None:
        raise InvalidValue("Pages by cursor are in the order of creation. They cannot be sorted.")


def _page(parameters: Mapping[str, Any], *, by_cursor: bool) -> Page:
    try:
        return Page.read(parameters.get("startindex"), parameters.get("count"))
    except InvalidValue as fault:
        if by_cursor:
            raise InvalidCount(fault.message) from None
        raise


def _names(value: object, name: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.split(",")
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidValue(f"{name} must be a list of names.")
    return value

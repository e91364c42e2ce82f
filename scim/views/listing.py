"""Lists and searches: by GET with a query, by POST with a SearchRequest (RFC 7644 sections 3.4.2 and 3.4.3)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from scim.addresses import parameter_not_utf8
from scim.cursors import Question, after, next_cursor
from scim.wire import urns
from scim.wire.attributes import ResourceType
from scim.wire.errors import InvalidCount, InvalidCursor, InvalidFilter, InvalidSyntax, InvalidValue, shown
from scim.wire.list_response import Page, Sort, cursor_response, list_response
from scim.wire.selection import Selection

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Search:
    """What a client asks a list for. ``filter`` is text, not yet understood; None for everything. ``cursor`` None: pages by index."""

    filter: str | None
    page: Page
    selection: Selection
    sort: Sort | None = None
    cursor: str | None = None


def search_in_query(request: Request, resource_type: ResourceType) -> Search:
    """Read the query of a GET. Raises `InvalidValue`, `InvalidFilter`."""
    require_utf8(request)
    said = {name.lower(): values[-1] for name, values in request.query_params.lists() if values}
    names = {name: str(said.get(name.lower(), "")).split(",") for name in ("attributes", "excludedAttributes")}
    return _search(said, names, resource_type)


def search_in_body(request: Request, resource_type: ResourceType) -> Search:
    """Read a SearchRequest message. Raises `InvalidSyntax`, `InvalidValue`."""
    body = body_of(request)
    said = {name.lower(): value for name, value in body.items()}
    schemas = said.get("schemas")
    if schemas is not None and not urns.names_message(schemas, urns.SEARCH_REQUEST):
        raise InvalidSyntax(f"schemas of a search must be [{urns.SEARCH_REQUEST}].")
    names = {name: _names(said.get(name.lower()), name) for name in ("attributes", "excludedAttributes")}
    return _search(said, names, resource_type)


def selection_in_query(request: Request, resource_type: ResourceType) -> Selection:
    """Read which attributes of one resource are to be answered. Raises `InvalidValue`."""
    return search_in_query(request, resource_type).selection


def require_utf8(request: Request) -> None:
    """Refuse a query that is not UTF-8: decoded with replacements it would ask for something else, and find nobody.

    Raises `InvalidFilter`, `InvalidValue`.
    """
    name = parameter_not_utf8(request._request)
    if name is not None:
        kind = InvalidFilter if name.lower() == "filter" else InvalidValue
        raise kind(f"The parameter {shown(name)} of the URL must be UTF-8, percent-encoded.")


def body_of(request: Request) -> dict[str, Any]:
    """Return the body, parsed; raise `InvalidSyntax` where there is none."""
    body = request.data
    if not isinstance(body, dict) or not request.content_type:
        raise InvalidSyntax("The request needs a body: a JSON object.")
    return body


def answer_to(
    search: Search,
    rows: QuerySet[M],
    question: Question,
    documents: Callable[[Sequence[M]], Sequence[dict[str, Any]]],
    *,
    rendered: Callable[[QuerySet[M]], QuerySet[M]] = lambda rows: rows,
) -> Response:
    """Answer one page of ``rows``, which are filtered and sorted already.

    ``rendered`` adds to a query what ``documents`` show. Rows before the page are never rendered, and nothing is counted that the page itself shows.
    """
    if search.cursor is None:
        page, reached = _page_at(search.page, rows, rendered)
        return Response(list_response(_total(search.page, reached, rows), search.page, documents(page)))
    following, total = after(rows, question, search.cursor)
    found = list(rendered(following)[: search.page.count + 1])
    page, more = found[: search.page.count], len(found) > search.page.count
    if total is None:
        total = rows.count() if more or not page else len(page)
    cursor = next_cursor(page[-1], question, total) if more and page else None
    return Response(cursor_response(total, cursor, documents(page)))


def _page_at(page: Page, rows: QuerySet[M], rendered: Callable[[QuerySet[M]], QuerySet[M]]) -> tuple[list[M], int]:
    """Return the rows of a page, and how many rows were in its place. A row that disappeared between the two queries is left out."""
    if not page.count or page.is_beyond_everything:
        return [], 0
    if page.start == 1:
        first = list(rendered(rows)[: page.count])
        return first, len(first)
    ids = list(rows.values_list("pk", flat=True)[page.start - 1 : page.start - 1 + page.count])
    found = {row.pk: row for row in rendered(rows.model._default_manager.filter(pk__in=ids))}
    return [found[pk] for pk in ids if pk in found], len(ids)


def _total(page: Page, reached: int, rows: QuerySet[M]) -> int:
    """Return how many rows there are. A page that is not full is the last one, so its place is the count."""
    if reached < page.count and (reached or page.start == 1):
        return page.start - 1 + reached
    return rows.count()


def _search(said: Mapping[str, Any], names: Mapping[str, Iterable[str]], resource_type: ResourceType) -> Search:
    wanted = said.get("filter")
    if wanted is not None and not isinstance(wanted, str):
        raise InvalidValue(f"filter must be a text, not {shown(wanted)}.")
    cursor, sort = said.get("cursor"), Sort.read(said.get("sortby"), said.get("sortorder"))
    if cursor is not None:
        _require_cursor_alone(cursor, said, sort)
    return Search(
        filter=wanted,
        page=_page(said, by_cursor=cursor is not None),
        selection=Selection.read(resource_type, names["attributes"], names["excludedAttributes"]),
        sort=sort,
        cursor=cursor,
    )


def _require_cursor_alone(cursor: object, said: Mapping[str, Any], sort: Sort | None) -> None:
    if not isinstance(cursor, str):
        raise InvalidCursor(f"cursor must be a text, not {shown(cursor)}.")
    if "startindex" in said:
        raise InvalidValue("Page by startIndex or by cursor, not by both.")
    if sort is not None:
        raise InvalidValue("Pages by cursor are in the order of creation. They cannot be sorted.")


def _page(said: Mapping[str, Any], *, by_cursor: bool) -> Page:
    try:
        return Page.read(said.get("startindex"), said.get("count"))
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

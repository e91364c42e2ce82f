"""The addresses of all lists, searches and pages of the administration, from its registered models and declared pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

if TYPE_CHECKING:
    from core_identity.models import User

TERMS: Final[Mapping[str, str]] = {
    "a name": "p7@customer-1.test",
    "a beginning": "given7",
    "a common beginning": "p",
    "a UID": "u7",
    "an externalId": "e7",
    "a reference": "8F14E45FCE",
    "an id": "00000000-0000-4000-8000-000000000000",
    "nothing": "nobody at all",
}
"""Texts that an administrator types into a search box, one of each kind."""
EVERYBODY: Final = "all rows of the list"
"""The end of the name of a preview that counts all that a list finds."""


@dataclass(frozen=True)
class Visit:
    name: str
    path: str


def walk(user: "User", *, terms: Mapping[str, str] = TERMS, choices: int = 12) -> Iterator[Visit]:
    """Yield everything that this administrator can open by GET. A page of a row is visited for one row of each model.

    ``terms`` are searched for in each list. Of each filter so many ``choices`` are visited.
    """
    yield Visit("Home", reverse("admin:index"))
    for kind, term in terms.items():
        yield Visit(f"search: {kind}", f"{reverse('admin:search')}?{urlencode({'q': term})}")
    request: Any = RequestFactory().get("/")
    request.user = user
    for model, page in admin.site._registry.items():
        name = str(page.opts.verbose_name_plural)
        yield from _list(name, page, request, terms, choices)
        row = model._default_manager.exclude(pk=user.pk).first()
        yield from _pages_of_one(name, page, row, request)
        yield from _declared(name, page, row)
        yield from _autocomplete(page)


def _address(page: Any, what: str, *args: object) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{what}", args=args)


def _list(name: str, page: Any, request: Any, terms: Mapping[str, str], choices: int) -> Iterator[Visit]:
    """Yield the list, its last page, its searches, each choice of its filters, and each order."""
    address = _address(page, "changelist")
    listed = page.get_changelist_instance(request)
    yield Visit(name, address)
    if listed.paginator.num_pages > 1:
        yield Visit(f"{name}, last page", f"{address}?p={listed.paginator.num_pages}")
    for kind, term in terms.items() if page.search_fields else ():
        yield Visit(f"{name}, search: {kind}", f"{address}?{urlencode({'q': term})}")
    for spec in listed.filter_specs:
        for choice in list(spec.choices(listed))[1 : choices + 1]:
            yield Visit(f"{name}, {spec.title}: {choice['display']}", address + choice["query_string"])
    for typed in ("connection=customer-1", "connection=customer-299", "customer=Customer+1", "since=2026-01-01T00:00"):
        if typed.partition("=")[0] in {one for spec in listed.filter_specs for one in spec.expected_parameters()}:
            yield Visit(f"{name}, {typed}", f"{address}?{typed}")
    for number in sorted(_sortable(listed)):
        yield Visit(f"{name}, order {number}", f"{address}?o={number}")
        yield Visit(f"{name}, order -{number}", f"{address}?o=-{number}")


def _sortable(listed: Any) -> Iterator[int]:
    """Yield the numbers of the columns by which Django sorts."""
    for number, column in enumerate(listed.list_display):
        if listed.get_ordering_field(column) and (listed.sortable_by is None or column in listed.sortable_by):
            yield number


def _pages_of_one(name: str, page: Any, row: Any, request: Any) -> Iterator[Visit]:
    if page.has_add_permission(request):
        yield Visit(f"{name}, add", _address(page, "add"))
    if row is not None:
        yield Visit(f"{name}, one", _address(page, "change", row.pk))
        if page.has_delete_permission(request, row):
            yield Visit(f"{name}, delete", _address(page, "delete", row.pk))


def _declared(name: str, page: Any, row: Any) -> Iterator[Visit]:
    from core_identity.admin.across import AcrossPage
    from core_identity.admin.people_page import PeoplePage
    from core_identity.admin_kit.bulk import ALL, IDS, ListedBulkPage
    from core_identity.admin_kit.pages import RowPage

    for declared in getattr(page, "pages", ()):
        title = f"{name}, page {declared.name}"
        if not issubclass(declared, RowPage):
            address = _address(page, declared.name)
            if issubclass(declared, AcrossPage):
                yield from _across(title, address, declared)
            elif issubclass(declared, PeoplePage) and row is not None:
                yield Visit(title, f"{address}?user={row.pk}")
            elif issubclass(declared, ListedBulkPage) and row is not None:
                yield Visit(title, f"{address}?{IDS}={row.pk}")
                yield Visit(f"{title}, {EVERYBODY}", f"{address}?{ALL}=1")
            else:
                yield Visit(title, address)
        elif row is not None:
            yield Visit(title, _address(page, declared.name, row.pk))


def _across(name: str, address: str, declared: Any) -> Iterator[Visit]:
    queries = ["", "p=2", "p=4", "connection=customer-1", "connection=customer-299", "customer=Customer+1"]
    for query in [*queries, *(f"kind={kind}" for kind in declared.kinds)]:
        yield Visit(f"{name} {query}".strip(), f"{address}?{query}")


def _autocomplete(page: Any) -> Iterator[Visit]:
    for field in page.autocomplete_fields:
        where = {"app_label": page.opts.app_label, "model_name": page.opts.model_name, "field_name": field}
        for term in ("", "customer-1", "nobody"):
            query = urlencode({**where, "term": term})
            yield Visit(
                f"autocomplete {page.opts.model_name}.{field}: {term or 'all'}",
                f"{reverse('admin:autocomplete')}?{query}",
            )

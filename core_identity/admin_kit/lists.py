"""The shared parts of all lists: pages that count no further than needed, and filters to type in. No list costs more where there are more rows."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Case, Q, QuerySet, When
from django.http import HttpRequest
from django.utils.functional import cached_property

from core_identity.admin_kit.seen import seen_by
from core_identity.keys import MAX_NAME, key
from core_identity.models import Connection, Customer
from core_identity.policy.wording import CHANNELS

ON_A_PAGE: Final = 30
"""Rows of a page: two screens on a desk, and less than five on a telephone."""
COUNTED: Final = 10_000
"""A count ends here, because an exact count reads the whole table. Pages end here, too: a search or a filter leads further."""


_WITHOUT_PAGE: Final = "without_page"


class BoundedPaginator(Paginator):
    """Counts no further than `COUNTED`."""

    most = COUNTED

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.most].count())


class LoadedList(ChangeList):
    """A page of a list, read in two steps: the keys of its rows, which an index contains, and then these rows with their values from other tables.

    In one step PostgreSQL would often look for the rows of a filter from the newest on, through millions of others.
    """

    search_note = ""
    """A sentence below the search box, if a search found too many rows."""
    only: Sequence[tuple[str, str]] = ()
    """The row of another table to which a link has limited the list, in words."""
    nothing: Any = None
    """The facts for the empty list of a search, if its page knows more than that."""

    def get_results(self, request: HttpRequest) -> None:
        if getattr(request, _WITHOUT_PAGE, False):
            return
        super().get_results(request)
        self.search_note = getattr(request, "search_note", "")
        keys = list(self.result_list.values_list("pk", flat=True))
        rows = {row.pk: row for row in self.queryset.order_by().filter(pk__in=keys)} if keys else {}
        self.result_list: Any = [rows[key] for key in keys if key in rows]
        self.show_admin_actions = bool(self.result_list)
        page: Any = self.model_admin
        self.only = page.limits(self.params)
        if not keys and self.query.strip():
            self.nothing = page.nothing_found(request, self.query.strip())
        for row in self.result_list:
            row.sees = seen_by(request)
        page.about_rows(request, self.result_list)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Keep the order of a filter, unless the administrator chose another: `newest_of` brings the order of its index."""
        if queryset.query.order_by and not self.params.get(ORDER_VAR):
            return list(queryset.query.order_by)
        ordering: list[Any] = super().get_ordering(request, queryset)
        return ordering

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Count the query of a link as a filter, and clear it with the others. Django only knows the filters beside the list."""
        found: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        page: Any = self.model_admin
        if not self.params.keys().isdisjoint(page.followed):
            self.has_active_filters = True
            self.clear_all_filters_qs = self.get_query_string(remove=self.get_filters_params())
        return found

    @property
    def active_filters(self) -> list[tuple[str, str]]:
        """Return the name and the value of each filter that leaves out rows, in words. The first choice of a filter is its default."""
        found = list(self.only)
        for spec in self.filter_specs:
            chosen = [str(one["display"]) for one in list(spec.choices(self))[1:] if one["selected"]]
            typed = spec.typed_words() if isinstance(spec, FormFilter) else []
            if not chosen and isinstance(spec, NamedFilter) and spec.value():
                typed.append(str(spec.value()))
            if chosen or typed:
                found.append((str(spec.title), ", ".join([*chosen, *typed])))
        return found


class LongList(admin.ModelAdmin):
    """A list of any length."""

    paginator = BoundedPaginator
    list_per_page = ON_A_PAGE
    list_max_show_all = ON_A_PAGE
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each number would be a count of its own
    empty_list: ClassVar[str] = "Nothing here yet."
    """The sentence of an empty list: where its rows come from, and the first thing to do."""
    left_out: ClassVar[tuple[str, ...]] = ()
    """Columns that a telephone leaves out, so that a list stays short. The page of a row shows them."""
    followed: ClassVar[tuple[str, ...]] = ()
    """Fields whose value may be in the address: links of other pages lead to their rows."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Permit the parameters of the filters of this list. Raise ``IncorrectLookupParameters`` for all others: that leads back to the list.

        Django permits a comparison with any column. The rows that are found would then reveal a column that no page shows, a few characters at a
        time: the hash of a password (CVE-2010-4534), or the name of a person.
        """
        if lookup in self.followed or any(lookup in _parameters(one) for one in self.list_filter):
            return True
        raise IncorrectLookupParameters

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Name the list in the title of the window as on the page."""
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title[:1].upper() + title[1:], **(extra_context or {})})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row.sees = seen_by(request)
        return row

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LoadedList

    def rows_found(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all rows that the list finds by its search and filters, and read none. Raise ``IncorrectLookupParameters``."""
        setattr(request, _WITHOUT_PAGE, True)
        found: QuerySet[Any] = self.get_changelist_instance(request).queryset
        return found

    def about_rows(self, request: HttpRequest, rows: list[Any]) -> None:
        """Load what the rows of a page show of other tables, for all of them at once."""

    def limits(self, params: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return the rows of other tables to which the query of a link limits the list, in words."""
        return []

    def nothing_found(self, request: HttpRequest, text: str) -> Any:
        """Return facts for the template if no row fits a search, or None."""
        return None


def _parameters(one: Any) -> tuple[str, ...]:
    """Return the parameters of a filter, which is a class, or the name of a field with or without a class."""
    if isinstance(one, type):
        return (one.parameter_name, *getattr(one, "fields", ()))  # type: ignore[attr-defined]  # each is a SimpleListFilter
    field = one if isinstance(one, str) else one[0]
    return tuple(f"{field}__{comparison}" for comparison in ("exact", "isnull", "gte", "lt"))


class ChannelFilter(admin.SimpleListFilter):
    title = parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return list(CHANNELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(channel=self.value()) if self.value() else queryset


class FormFilter(admin.SimpleListFilter):
    """A filter with fields to type in. The template sends the other filters along as hidden fields."""

    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.typed = {name: params.pop(name, [""])[-1].strip() for name in self.fields}
        super().__init__(request, params, model, model_admin)
        mine = {self.parameter_name, "p", *self.fields}
        self.hidden = [(name, value) for name, values in request.GET.lists() for value in values if name not in mine]

    def typed_words(self) -> list[str]:
        """Return what was typed, for people to read."""
        return [value for value in self.typed.values() if value]

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name, *self.fields]

    def has_output(self) -> bool:
        return True


class NamedFilter(FormFilter):
    """By a name, or by a part of one. A list of links only while it is short."""

    template = "admin/core_identity/named_filter.html"
    label: ClassVar[str]
    shown: ClassVar[str]
    """The field that names a row in the address."""
    words: ClassVar[str] = "name"
    """The field that names it for people."""
    path: ClassVar[str] = ""
    """The lookup that leads to the row."""
    LINKS: Final = 8
    FOUND: Final = 50
    SUGGESTED: Final = 20

    @classmethod
    def exact(cls, text: str) -> QuerySet[Any]:
        """Return the row with exactly this name."""
        raise NotImplementedError  # pragma: no cover - each filter has its own

    @classmethod
    def part(cls, text: str) -> QuerySet[Any]:
        """Return the rows with a name that contains a text; all rows for an empty text."""
        raise NotImplementedError  # pragma: no cover - each filter has its own

    @classmethod
    def suggestions(cls, text: str) -> list[tuple[str, str]]:
        """Return the names in the address with the words for people, for rows with a name that contains a text; a whole name first. One query."""
        text = text.strip()[:MAX_NAME]
        if "\0" in text:
            return []
        whole = Q(**{f"{cls.shown}__iexact": text}) | Q(**{f"{cls.words}__iexact": text})
        rows = cls.part(text).order_by(Case(When(whole, then=0), default=1), cls.shown)
        names = rows.values_list(cls.shown, cls.words)[: cls.SUGGESTED]
        return [(name, name if name == words else f"{words} ({name})") for name, words in names]

    def among(self, queryset: QuerySet[Any], chosen: Sequence[Any]) -> QuerySet[Any]:
        """Return the rows of a list that belong to the chosen ones."""
        return queryset.filter(**{f"{self.path}__in": [one.pk for one in chosen]})

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        shown = self.part("").order_by(self.shown).values_list(self.shown, self.words)[: self.LINKS + 1]
        names = list(shown)
        return names if len(names) <= self.LINKS else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = (self.value() or "").strip()
        if not text:
            return queryset
        if "\0" in text:  # no name contains it, and PostgreSQL cannot compare it
            return queryset.none()
        chosen = list(self.exact(text)[:1]) or list(self.part(text).order_by(self.shown)[: self.FOUND])
        return self.among(queryset, chosen)


class OfConnection(NamedFilter):
    title = parameter_name = "connection"
    label = "name, or slug"
    shown = "slug"
    path = "connection"

    @classmethod
    def exact(cls, text: str) -> QuerySet[Any]:
        return Connection.objects.filter(slug=text)

    @classmethod
    def part(cls, text: str) -> QuerySet[Any]:
        return Connection.objects.filter(Q(slug__icontains=text) | Q(name__icontains=text))


class OfCustomer(NamedFilter):
    title = parameter_name = "customer"
    label = "name, or a part of it"
    shown = "name"
    path = "customer"

    @classmethod
    def exact(cls, text: str) -> QuerySet[Any]:
        return Customer.objects.filter(name_key=key(text))

    @classmethod
    def part(cls, text: str) -> QuerySet[Any]:
        return Customer.objects.filter(name_key__contains=key(text))

"""An action on many rows: a preview with a count, then some seconds of work at a time, each row in its own transaction.

The page carries its progress. If a request dies, nothing is lost: the finished rows have left the list, and a new start finds those that are left.
"""

from collections import Counter
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.pages import Access, ListPage
from core_identity.clock import database_now
from core_identity.services.one_by_one import one_by_one

PORTION: Final = 200
"""Rows that one request tries at most."""
FIRST_PORTION: Final = 10
"""Rows of the first request, so that progress is seen at once."""
SECONDS: Final = 5.0
"""The time after which a portion ends, so that a request never lasts long."""
SHOWN: Final = 10
"""Rows of the preview."""
REASONS: Final = 5
"""Different reasons of refusals that the result names."""
OTHER: Final = "Other reasons."
LASTS: Final = 24 * 60 * 60
"""Seconds after which the progress of a page is not continued. The list is then shown again."""
IDS, ALL = "id", "all"
"""The names in the query of a run: the ids of chosen rows, or all that a list finds."""
_SALT: Final = "core_identity.bulk"


@dataclass(frozen=True, slots=True)
class Run:
    """How far an action is: ``query`` names its rows, ``until`` (ISO, aware) leaves out what came after the preview, ``after`` is the last row."""

    by: str
    query: str
    until: str
    total: int
    done: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    after: str = ""
    is_complete: bool = False

    @property
    def refusals(self) -> int:
        return sum(self.refused.values())

    @property
    def processed(self) -> int:
        return self.done + self.refusals

    def __str__(self) -> str:
        return signing.dumps(asdict(self), salt=_SALT, compress=True)

    @classmethod
    def from_page(cls, text: str, *, by: str) -> "Run | None":
        """Return the run that a page carried, or None if it is not one that we gave to this administrator."""
        try:
            run = cls(**signing.loads(text, salt=_SALT, max_age=LASTS))
        except signing.BadSignature:
            return None
        return run if run.by == by else None


class BulkForm(ReasonForm):
    """One portion of the rows."""

    def __init__(self, request: HttpRequest, *, page: "BulkPage") -> None:
        super().__init__(request, decided=page.decided)
        self.page = page

    def act(self, row: UUID) -> object:
        """Decide one row by a service."""
        raise NotImplementedError  # pragma: no cover - each form has its own

    def write(self) -> Run:
        run = self.page.run
        portion = PORTION if run.processed else min(FIRST_PORTION, PORTION)
        rows = self.page.next_ids()[: portion + 1]
        batch = one_by_one(rows[:portion], self.act, seconds=SECONDS)
        refused = Counter(run.refused)
        for reason, count in batch.refused.items():
            refused[reason if reason in refused or len(refused) < REASONS else OTHER] += count
        return replace(
            run,
            done=run.done + batch.done,
            refused=dict(refused),
            after=str(batch.last or run.after),
            is_complete=batch.is_complete and len(rows) <= portion,
        )


class BulkPage(ListPage):
    """A page for an action on all rows of a list, in the order of their primary keys."""

    access = Access.CHANGE
    nothing: ClassVar[str] = "Nothing is left to do."
    button: ClassVar[str]
    what: ClassVar[tuple[str, str]] = ("person", "people")
    """One row and several rows in words."""
    run: Run
    decided = True
    """Whether a POST comes from this page. An action of a list sends a POST too, and only opens the page."""

    def rows_of_query(self, query: QueryDict, until: datetime) -> QuerySet[Any]:
        """Return the rows that the query names and the preview could show."""
        raise NotImplementedError  # pragma: no cover - each page has its own

    def superuser_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that only a superuser may decide."""
        raise NotImplementedError  # pragma: no cover - each page has its own

    def list_address(self) -> str:
        """Return the address of the list behind the action, with its filters."""
        raise NotImplementedError  # pragma: no cover - each page has its own

    def query(self) -> str:
        """Return the query that names the rows, at the beginning."""
        return self.request.GET.urlencode()

    def rows(self) -> QuerySet[Any]:
        return self.rows_of_query(QueryDict(self.run.query), datetime.fromisoformat(self.run.until))

    def next_ids(self) -> list[UUID]:
        """Return the primary keys of the next rows, one more than a portion."""
        rows = self.rows()
        if self.run.after:
            rows = rows.filter(pk__gt=UUID(self.run.after))
        return list(rows.order_by("pk").values_list("pk", flat=True)[: PORTION + 1])

    def answer_instead(self) -> HttpResponse | None:
        if self.request.method == "POST":
            run = Run.from_page(self.request.POST.get("run", ""), by=str(self.request.user.pk))
            if run is None:
                messages.error(self.request, "This page is too old. Nothing was changed. Start again from the list.")
                return redirect(self.list_address())
            self.run = run
            return None
        return self.begin(self.query())

    def begin(self, query: str) -> HttpResponse | None:
        """Count the rows for the preview. Return an answer if there are none."""
        self.run = Run(by=str(self.request.user.pk), query=query, until=database_now().isoformat(), total=0)
        total = self.rows().count()
        if not total:
            messages.info(self.request, self.nothing)
            return redirect(self.list_address())
        self.run = replace(self.run, total=total)
        return None

    def open_for(self, request: HttpRequest, query: str) -> HttpResponse:
        """Show the preview as the answer to an action of a list."""
        self.setup(request)
        if not self.is_open():
            raise PermissionDenied
        self.decided = False
        return self.begin(query) or self.render_to_response(self.get_context_data())

    def get_form(self, form_class: Any = None) -> Any:
        return self.form_class(self.request, page=self)  # type: ignore[misc]

    def form_valid(self, form: Any) -> HttpResponse:
        self.run = form.written
        if not self.run.is_complete:
            return self.render_to_response(self.get_context_data(form=form))
        tell = messages.warning if self.run.refused else messages.success
        tell(self.request, self.message(form))
        return HttpResponseRedirect(self.list_address())

    def message(self, form: Any) -> str:
        sentences = [f"Done: {self.run.done}."]
        if self.run.refused:
            sentences.append(f"Refused: {self.run.refusals}.")
            sentences += [f"{count} {self.what[count != 1]}: {reason}" for reason, count in self.run.refused.items()]
        return " ".join(sentences)

    def get_title(self, form: Any) -> str:
        return f"{self.title}: {self.run.total} {self.what[self.run.total != 1]}"

    def preview(self, rows: QuerySet[Any]) -> Any:
        """Return the first rows for the template."""
        return list(rows.order_by("pk")[:SHOWN])

    def facts(self, form: Any) -> dict[str, Any]:
        action = reverse(f"admin:{self.admin.opts.app_label}_{self.admin.opts.model_name}_{self.name}")
        facts: dict[str, Any] = {"run": self.run, "button": self.button, "list_address": self.list_address()}
        facts["action"] = action
        if self.run.processed:
            return {**facts, "working": True, "posted_values": self._posted_values()}
        rows = self.rows()
        skipped = 0 if self.request.user.is_superuser else self.superuser_rows(rows).count()
        return {**facts, "first": self.preview(rows), "more": max(self.run.total - SHOWN, 0), "skipped": skipped}

    def _posted_values(self) -> list[tuple[str, str]]:
        """Return what the next request repeats."""
        return [(name, value) for name in self.get_form().fields for value in self.request.POST.getlist(name)]


class ListedBulkPage(BulkPage):
    """A page for the rows that an administrator chose in Django's list of the model: by ticks, or all that the list finds, without a limit."""

    def selected_rows(self, query: QueryDict) -> QuerySet[Any]:
        """Return the rows that the query names. A query without rows names none, and not all."""
        model = self.admin.model
        if ALL not in query:
            try:
                field: Any = forms.ModelMultipleChoiceField(model.objects.all(), required=False)
                chosen: QuerySet[Any] = field.clean(query.getlist(IDS))
            except forms.ValidationError:
                return self.nobody()
            return chosen
        listing: Any = copy(self.request)
        listing.GET = query.copy()
        del listing.GET[ALL]
        try:
            found = self.admin.rows_found(listing)
        except IncorrectLookupParameters:
            return self.nobody()
        rows: QuerySet[Any] = model.objects.filter(pk__in=found.order_by().values("pk"))
        return rows

    def nobody(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.admin.model.objects.none()
        return rows

    def list_address(self) -> str:
        address = reverse(f"admin:{self.admin.opts.app_label}_{self.admin.opts.model_name}_changelist")
        query = QueryDict(self.run.query if hasattr(self, "run") else "", mutable=True)
        if not query.pop(ALL, None) or not query:
            return address
        return f"{address}?{query.urlencode()}"


def query_of(request: HttpRequest) -> str:
    """Return the query that names the rows for which an action of Django's list was sent."""
    if request.POST.get("select_across") == "1":
        query = request.GET.copy()
        query[ALL] = "1"
        return query.urlencode()
    return urlencode([(IDS, one) for one in request.POST.getlist(ACTION_CHECKBOX_NAME)])

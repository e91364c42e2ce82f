"""The inbox of conflicts: the two people, and the three decisions that an administrator can make (R9)."""

from typing import Any, Final, cast

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from core_identity.admin.bulk_conflicts import DecideManyPage
from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.bulk import query_of
from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.lists import ChannelFilter, OfConnection, OfCustomer
from core_identity.admin_kit.logs import chip
from core_identity.admin_kit.pages import Access, RowPage
from core_identity.keys import key
from core_identity.models import Conflict, Event
from core_identity.models.conflict import ConflictState
from core_identity.policy.wording import CAUSES
from core_identity.selectors.conflicts import is_exchange_of_names, sides_of
from core_identity.selectors.search import user_ids
from core_identity.services.conflicts import still_exists
from core_identity.services.resolutions import (
    different_people,
    dismiss,
    obstacle_to_different_people,
    plan_same_person,
    same_person,
)
from core_identity.templatetags.core_pages import ago
from core_identity.values import Cause

FOUND: Final = 100
"""Users with a name that a search begins with, whose conflicts are found."""
RESOLUTIONS = {
    "same_person": same_person,
    "different_people": different_people,
    "dismiss": dismiss,
}


class OpenFilter(admin.SimpleListFilter):
    """Show open conflicts by default, because the list is an inbox."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(state.value, state.label) for state in ConflictState if state != ConflictState.OPEN] + [("all", "all")]

    def choices(self, changelist: Any) -> Any:
        unfiltered, *others = super().choices(changelist)
        yield {**unfiltered, "display": "open"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> QuerySet[Conflict]:
        if self.value() == "all":
            return queryset
        return queryset.filter(state=self.value() or ConflictState.OPEN)


class CauseFilter(admin.SimpleListFilter):
    title = parameter_name = "cause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(cause.value, words) for cause, words in CAUSES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> QuerySet[Conflict]:
        return queryset.filter(cause=self.value()) if self.value() else queryset


class ConflictsOfCustomer(OfCustomer):
    path = "connection__customer"


class ResolveForm(ConfirmsEndedGrants, ReasonForm):
    how = forms.ChoiceField(label="Decision", widget=forms.RadioSelect)
    field_order = ("how", "reason")

    def __init__(self, request: HttpRequest, *, conflict: Conflict) -> None:
        super().__init__(request)
        self.conflict = conflict
        shared = "may share the address" if conflict.cause == Cause.EMAIL else "both stay"
        choices = [("same_person", "the same person: make them one user")]
        if not obstacle_to_different_people(conflict):
            gets = "the newcomer gets the UID" if conflict.cause in {Cause.UID, Cause.NO_MARK} else shared
            choices.append(("different_people", f"different people: {gets}"))
        if conflict.state == ConflictState.OPEN:
            choices.append(("dismiss", "dismiss: it is still refused, and from now on only counted"))
        self.fields["how"].choices = choices  # type: ignore[attr-defined]

    def write(self) -> None:
        resolve = RESOLUTIONS[self.cleaned_data["how"]]
        resolve(actor=self.actor, conflict_id=self.conflict.pk, reason=self.cleaned_data["reason"])


class ResolvePage(RowPage):
    """The page of a conflict. An administrator who may only see it gets no form."""

    title = "Conflict: {row.named}"
    access = Access.VIEW
    form_class = ResolveForm
    template_name = "admin/core_identity/conflict/resolve.html"

    @property
    def pending(self) -> bool:
        return self.row.state in {ConflictState.OPEN, ConflictState.DISMISSED}

    @property
    def may_resolve(self) -> bool:
        return self.pending and self.admin.has_change_permission(self.request, self.row)

    def may_open(self) -> bool:
        return self.request.method != "POST" or self.may_resolve

    def message(self, form: ResolveForm) -> str:
        if form.cleaned_data["how"] == "dismiss":
            return "Dismissed. If the same message comes again, it is refused and counted."
        return "Decided. Now repeat the same push or sign-in at the identity provider."

    def next_page(self, form: ResolveForm) -> str:
        return reverse("admin:core_identity_conflict_changelist")

    def facts(self, form: ResolveForm) -> dict[str, Any]:
        conflict = self.row
        return {
            "cause": CAUSES[Cause(conflict.cause)],
            "sides": sides_of(conflict),
            "plan": plan_same_person(conflict) if self.pending else None,
            "obstacle": obstacle_to_different_people(conflict) if self.pending else "",
            "still_exists": still_exists(conflict),
            "renames": conflict.cause == Cause.USER_NAME and conflict.subject_id is not None,
            "exchange": is_exchange_of_names(conflict),
            "may_resolve": self.may_resolve,
        }


@admin.register(Conflict)
class ConflictAdmin(CoreAdmin):
    """Made by channels only, and decided on the page of one."""

    list_display = ("named", "cause_words", "other", "connection_name", "count", "last_met", "status")
    left_out = ("connection_name", "count")
    pages = (DecideManyPage,)
    list_filter = (
        OpenFilter,
        CauseFilter,
        OfConnection,
        ConflictsOfCustomer,
        ChannelFilter,
    )
    list_select_related = ("connection", "other")
    search_fields = ("uid_key",)
    empty_list = "No conflict is open. A conflict appears when a push or sign-in was refused because it would have joined two people."
    search_help_text = "By reference, UID, userName, email or externalId."
    actions = ("decide_chosen",)

    @admin.action(description="Decide…", permissions=["change"])
    def decide_chosen(self, request: HttpRequest, chosen: QuerySet[Conflict]) -> HttpResponse:
        return DecideManyPage(admin=self).open_for(request, query_of(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def found_by(self, term: str) -> Q:
        refusals = Event.objects.filter(request_id=term.upper(), kind__endswith=".refused")
        ids = [change[1] for change in (event.changes.get("conflict") for event in refusals[:100]) if change]
        name = key(term)
        return (
            Q(pk__in=ids)
            | Q(reference=term.upper())
            | Q(uid_key__contains=name)
            | Q(value_key__contains=name)
            | Q(external_id=term)
            | Q(other__in=user_ids(term, most=FOUND)[:FOUND])
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return cast("HttpResponse", ResolvePage.as_view(admin=self)(request, pk=object_id))

    @admin.display(description="person in the message")
    def named(self, conflict: Conflict) -> str:
        return conflict.named

    @admin.display(description="connection", ordering="connection__name")
    def connection_name(self, conflict: Conflict) -> str:
        return conflict.connection.name

    @admin.display(description="last received", ordering="last_at")
    def last_met(self, conflict: Conflict) -> str:
        return ago(conflict.last_at)

    @admin.display(description="status", ordering="state")
    def status(self, conflict: Conflict) -> str:
        return chip("trouble" if conflict.state == ConflictState.OPEN else "plain", conflict.get_state_display())

    @admin.display(description="cause", ordering="cause")
    def cause_words(self, conflict: Conflict) -> str:
        return CAUSES[Cause(conflict.cause)]

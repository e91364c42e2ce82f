"""Decide many conflicts in the same way, each in its own transaction (R9)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from core_identity.admin_kit.bulk import SHOWN, BulkForm, ListedBulkPage
from core_identity.errors import NotAllowed
from core_identity.event_kinds import EventKind
from core_identity.models import Conflict, Event
from core_identity.models.conflict import ConflictState
from core_identity.policy.wording import CAUSES
from core_identity.selectors.users import guarded_users
from core_identity.services.resolutions import different_people, dismiss, same_person
from core_identity.services.transactions import in_one_transaction
from core_identity.values import Cause

DECISIONS = {"dismiss": dismiss, "different_people": different_people, "same_person": same_person}
LABELS = (
    ("dismiss", "Dismiss: each message is still refused, and from now on only counted"),
    (
        "different_people",
        "Different people: both stay, and may share a name or address. A UID goes to the newcomer if it is a former one or its owner is expired",
    ),
    ("same_person", "The same person: the users of each conflict become one user"),
)  # fmt: skip


class DecideManyForm(BulkForm):
    how = forms.ChoiceField(label="Decision", widget=forms.RadioSelect, choices=LABELS, initial="dismiss")
    field_order = ("how", "reason")

    def act(self, row: UUID) -> object:
        decide = DECISIONS[self.cleaned_data["how"]]

        @in_one_transaction
        def without_an_ended_role() -> None:
            """Refuse to end roles, because nobody looked at the people who lose them (R32)."""
            ended = Event.objects.filter(kind=EventKind.GRANT_REMOVED, request_id=self.actor.request_id)
            before = ended.count()
            decide(actor=self.actor, conflict_id=row, reason=self.cleaned_data["reason"])
            if ended.count() > before:
                raise NotAllowed("A user would lose a role. Decide this conflict on its own page.")

        return without_an_ended_role()


class DecideManyPage(ListedBulkPage):
    name = "decide-many"
    title = "Decide"
    form_class = DecideManyForm
    template_name = "admin/core_identity/conflict/decide_many.html"
    button = "Decide all"
    what = ("conflict", "conflicts")
    nothing = "None of the selected conflicts is open or dismissed."

    def rows_of_query(self, query: QueryDict, until: datetime) -> QuerySet[Conflict]:
        pending = (ConflictState.OPEN, ConflictState.DISMISSED)
        return self.selected_rows(query).filter(state__in=pending, last_at__lte=until)

    def superuser_rows(self, rows: QuerySet[Conflict]) -> QuerySet[Conflict]:
        return rows.filter(other__in=guarded_users().values("pk"))

    def preview(self, rows: QuerySet[Conflict]) -> Any:
        first = rows.select_related("connection", "other").order_by("pk")[:SHOWN]
        return [(conflict, CAUSES[Cause(conflict.cause)]) for conflict in first]

"""On the page of a connection: let its keys change for a while (R3), or let another take over its people (R1a). Both show a preview first."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest

from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.lists import COUNTED
from core_identity.admin_kit.pages import Access, ConnectionPage
from core_identity.clock import database_now
from core_identity.models import Connection
from core_identity.models.connection import UidRule
from core_identity.services.succession import (
    LONGEST_REKEY,
    SuccessionPlan,
    end_rekey,
    has_more_people,
    plan_rekey,
    plan_succession,
    rekey,
    succeed,
)

NAMED = 50
"""The number of names that the page shows of the people who stay."""


class RekeyForm(ReasonForm):
    days = forms.IntegerField(min_value=1, max_value=LONGEST_REKEY.days, initial=14, help_text="How long it lasts.")
    uid_attribute = forms.CharField(
        max_length=100, label="UID attribute", help_text="As the identity provider will send it from now on."
    )
    uid_rule = forms.ChoiceField(choices=UidRule.choices, label="UID rule")
    field_order = ("days", "uid_attribute", "uid_rule", "reason")

    def __init__(self, request: HttpRequest, *, connection: Connection) -> None:
        self.connection = connection
        super().__init__(request, initial={"uid_attribute": connection.uid_attribute, "uid_rule": connection.uid_rule})
        if connection.rekeying:
            for name in ("days", "uid_attribute", "uid_rule"):
                del self.fields[name]

    def write(self) -> Connection:
        form_data = self.cleaned_data
        if "days" not in form_data:
            return end_rekey(actor=self.actor, connection_id=self.connection.pk, reason=form_data["reason"])
        return rekey(
            actor=self.actor,
            connection_id=self.connection.pk,
            until=database_now() + timedelta(days=form_data["days"]),
            uid_attribute=form_data["uid_attribute"],
            uid_rule=form_data["uid_rule"],
            reason=form_data["reason"],
        )


class SucceedForm(ConfirmsEndedGrants, ReasonForm):
    """The first step asks for the successor. The second step previews the moves. Only a previewed succession is done."""

    successor = forms.ModelChoiceField(Connection.objects.none(), label="Which connection takes over")
    field_order = ("successor", "reason")

    def __init__(self, request: HttpRequest, *, connection: Connection) -> None:
        self.connection = connection
        others = Connection.objects.filter(customer=connection.customer_id, enabled=True).exclude(pk=connection.pk)
        chosen = others.filter(slug=request.GET.get("successor", "")).first()
        chosen = next((one for one in others if str(one.pk) == request.POST.get("successor")), chosen)
        self.plan: SuccessionPlan | None = plan_succession(connection, chosen) if chosen is not None else None
        shown = chosen is not None and request.POST.get("shown") == str(chosen.pk)
        super().__init__(request, decided=shown, initial={"successor": chosen})
        self.fields["successor"].queryset = others  # type: ignore[attr-defined]
        if self.plan is None:
            del self.fields["reason"]

    def write(self) -> SuccessionPlan:
        form_data = self.cleaned_data
        return succeed(
            actor=self.actor,
            former_id=self.connection.pk,
            successor_id=form_data["successor"].pk,
            reason=form_data["reason"],
        )


class RekeyPage(ConnectionPage):
    """For superusers, because a re-key changes the owners of identities."""

    name = "rekey"
    access = Access.SUPERUSER
    form_class = RekeyForm
    template_name = "admin/core_identity/connection/rekey.html"

    def get_title(self, form: Any) -> str:
        return f"{'End the re-key' if self.row.rekeying else 'Re-key'} of {self.row}"

    def message(self, form: RekeyForm) -> str:
        until = form.written.rekey_until
        return f"{self.row} is {'in re-key' if until else 'no longer in re-key'}."

    def facts(self, form: RekeyForm) -> dict[str, Any]:
        """Count many people only if the administrator asks for it. The page itself opens at once."""
        is_asked = "count" in self.request.GET
        return {"plan": plan_rekey(self.row) if is_asked or not has_more_people(self.row, COUNTED) else None}


class SucceedPage(ConnectionPage):
    """For superusers, because a successor takes over people."""

    name = "succeed"
    title = "A successor for {row.name}"
    access = Access.SUPERUSER
    form_class = SucceedForm
    template_name = "admin/core_identity/connection/succeed.html"
    done = "{written.moves} people and {written.groups} push groups belong to {written.successor} now."

    def next_page(self, form: SucceedForm) -> str:
        return self.page_of(form.written.successor)

    def facts(self, form: SucceedForm) -> dict[str, Any]:
        return {"plan": form.plan, "most": NAMED, "less": -NAMED}

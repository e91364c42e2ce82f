"""On the page of a connection: let its keys change for a while (R3), or let another take over its people (R1a). Both are shown before."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ReasonForm
from core_identity.clock import database_now
from core_identity.models import Connection
from core_identity.models.connection import UidRule
from core_identity.services.succession import (
    LONGEST_REKEY,
    SuccessionPlan,
    end_rekey,
    plan_rekey,
    plan_succession,
    rekey,
    succeed,
)

NAMED = 50
"""Of those who stay: more names than that nobody reads."""


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
        said = self.cleaned_data
        if "days" not in said:
            return end_rekey(actor=self.actor, connection_id=self.connection.pk, reason=said["reason"])
        return rekey(
            actor=self.actor,
            connection_id=self.connection.pk,
            until=database_now() + timedelta(days=said["days"]),
            uid_attribute=said["uid_attribute"],
            uid_rule=said["uid_rule"],
            reason=said["reason"],
        )


class SucceedForm(ConfirmsEndedGrants, ReasonForm):
    """First the successor is chosen, then what would move is shown; what was not shown is not done."""

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
        said = self.cleaned_data
        return succeed(
            actor=self.actor, former_id=self.connection.pk, successor_id=said["successor"].pk, reason=said["reason"]
        )


class SuccessionPages(CoreAdmin):
    """Part of the admin of connections. For superusers: both change who is whom."""

    def get_urls(self) -> Any:
        return [
            *self.own_page("rekey", self.rekey_view),
            *self.own_page("succeed", self.succeed_view),
            *super().get_urls(),
        ]

    def rekey_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self._for_superusers(request, pk)
        form = RekeyForm(request, connection=connection)
        if form.submit():
            until = form.written.rekey_until
            said = f"in re-key until {until:%Y-%m-%d}" if until else "no longer in re-key"
            self.message_user(request, f"{connection} is {said}.", messages.SUCCESS)
            return self.to_change_page(connection)
        title = f"{'End the re-key' if connection.rekeying else 'Re-key'} of {connection}"
        plan = plan_rekey(connection)
        return self.page(
            request, "admin/core_identity/connection/rekey.html", title=title, form=form, obj=connection, plan=plan
        )

    def succeed_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self._for_superusers(request, pk)
        form = SucceedForm(request, connection=connection)
        if form.submit():
            moved = f"{form.written.moves} people and {form.written.groups} push groups"
            self.message_user(request, f"{moved} belong to {form.written.successor} now.", messages.SUCCESS)
            return self.to_change_page(form.written.successor)
        title = f"A successor for {connection}"
        return self.page(
            request,
            "admin/core_identity/connection/succeed.html",
            title=title,
            form=form,
            obj=connection,
            plan=form.plan,
            most=NAMED,
            less=-NAMED,
        )

    def _for_superusers(self, request: HttpRequest, pk: UUID) -> Connection:
        connection: Connection = self.changeable(request, pk)
        if not request.user.is_superuser:
            raise PermissionDenied
        return connection

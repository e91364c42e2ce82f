"""Drift: of a connection as a list, of a user as tick boxes to accept the IdP's values (R18)."""

import hashlib
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest

from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.lists import ON_A_PAGE
from core_identity.admin_kit.pages import ConnectionReadPage, RowPage
from core_identity.admin_kit.seen import seen_by
from core_identity.models import User
from core_identity.selectors.drift import FIELDS, Drift, drift_in, drift_of, drifting
from core_identity.services.drift import accept_drift
from core_identity.services.transactions import in_one_transaction


class TakeOverForm(ReasonForm):
    """A tick accepts the value that was shown. If the IdP has sent another one since, the shown value can no longer be chosen."""

    chosen = forms.MultipleChoiceField(
        label="Values to accept",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": "The identity provider's values changed while you were looking. Check them again."
        },
    )
    field_order = ("chosen", "reason")

    def __init__(self, request: HttpRequest, *, user: User) -> None:
        self.user = user
        self.drift = {_choice(one): one for one in drift_of(user)}
        preselected = request.GET.get("take", "")
        super().__init__(
            request, initial={"chosen": [name for name in self.drift if preselected and name.startswith(preselected)]}
        )
        self.fields["chosen"].choices = [  # type: ignore[attr-defined]
            (
                name,
                f"{one.field.replace('_', ' ')}: {one.idp_value or 'nothing'} (from {one.connection}) instead of {one.core_value or 'nothing'}",
            )
            for name, one in self.drift.items()
        ]

    def clean_chosen(self) -> list[Drift]:
        chosen = [self.drift[name] for name in self.cleaned_data["chosen"]]
        if len({one.field for one in chosen if one.field != "uid"}) < sum(one.field != "uid" for one in chosen):
            raise forms.ValidationError(
                "Two identity providers send different values for the same field. Accept one of them."
            )
        return chosen

    def write(self) -> None:
        chosen: list[Drift] = self.cleaned_data["chosen"]

        @in_one_transaction
        def of_each_identity() -> None:
            for identity_id in dict.fromkeys(one.identity for one in chosen):
                accept_drift(
                    actor=self.actor,
                    user_id=self.user.pk,
                    identity_id=identity_id,
                    fields=[one.field for one in chosen if one.identity == identity_id],
                    reason=self.cleaned_data["reason"],
                )

        of_each_identity()


class UserDriftPage(RowPage):
    name = "drift"
    title = "Drift of {row}"
    form_class = TakeOverForm
    template_name = "admin/core_identity/user/drift.html"
    done = "Accepted. The reason is in the events."


class ConnectionDriftPage(ConnectionReadPage):
    """For administrators who may see both a connection and its people."""

    name = "drift"
    title = "Drift in {row.name}"
    template_name = "admin/core_identity/connection/drift.html"

    def may_open(self) -> bool:
        return seen_by(self.request)["user"]

    def facts(self, form: Any) -> dict[str, Any]:
        query = self.request.GET
        field = query["field"] if query.get("field") in FIELDS else None
        page = Paginator(drifting(field).filter(drifting__connection=self.row), ON_A_PAGE).get_page(query.get("p"))
        return {
            "rows": [
                (identity, [one for one in drift_in(identity) if field in {None, one.field}]) for identity in page
            ],
            "shown": page,
            "field": field,
            "fields": FIELDS,
            "may_accept": self.request.user.has_perm("core_identity.change_user"),
        }


def _choice(one: Drift) -> str:
    digest = hashlib.sha256(one.idp_value.encode()).hexdigest()[:16]
    return f"{one.identity} {one.field} {digest}"

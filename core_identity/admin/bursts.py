"""A burst of deactivations, on a page of its connection: who is in it, who could come back, and the two answers (R22a)."""

import hashlib
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin_kit.forms import ConfirmsPreview, ReasonForm
from core_identity.admin_kit.pages import ConnectionPage
from core_identity.models import Burst
from core_identity.selectors.bursts import may_settle_bursts, open_bursts, plan_of
from core_identity.services.bursts import settle_burst, unexpire_burst

UNEXPIRE, SETTLE = "unexpire", "settle"
SHOWN = 200
"""The most people of each kind on the page. Nobody reads a longer list."""


class BurstForm(ConfirmsPreview, ReasonForm):
    """The form unexpires only the people whom the page showed. If the list changed since, the page is shown again."""

    how = forms.ChoiceField(label="What to do", widget=forms.RadioSelect)
    field_order = ("how", "reason")
    changed = "The list of people to unexpire changed while this page was open. Check the list again."

    def __init__(self, request: HttpRequest, *, burst: Burst) -> None:
        super().__init__(request)
        self.burst = burst
        self.plan = plan_of(burst, guarded_too=request.user.is_superuser)
        back = self.plan.unexpires
        self.preview_digest = hashlib.sha256(" ".join(str(user.pk) for user in back).encode()).hexdigest()
        settle = (SETTLE, "keep these people expired, because the deactivations were intended")
        people = "person" if len(back) == 1 else "people"
        unexpire = (UNEXPIRE, f"unexpire the {len(back)} {people} reactivated by the identity provider")
        self.fields["how"].choices = [unexpire, settle] if back else [settle]  # type: ignore[attr-defined]

    def is_as_shown(self) -> bool:
        return self.cleaned_data["how"] == SETTLE or super().is_as_shown()

    def write(self) -> None:
        act = unexpire_burst if self.cleaned_data["how"] == UNEXPIRE else settle_burst
        act(actor=self.actor, burst_id=self.burst.pk, reason=self.cleaned_data["reason"])


class BurstPage(ConnectionPage):
    """The oldest burst that is not settled; the next one comes after it."""

    name = "burst"
    title = "Burst of deactivations in {row.name}"
    form_class = BurstForm
    template_name = "admin/core_identity/connection/burst.html"

    def may_open(self) -> bool:
        return may_settle_bursts(self.request.user)

    def answer_instead(self) -> HttpResponse | None:
        self.burst = open_bursts().filter(connection=self.row).first()
        if self.burst is not None:
            return None
        messages.info(self.request, f"There is no burst of deactivations in {self.row}.")
        return redirect(self.page_of(self.row))

    def get_form(self, form_class: Any = None) -> BurstForm:
        assert self.burst is not None  # noqa: S101 - or there is another answer
        return BurstForm(self.request, burst=self.burst)

    def facts(self, form: BurstForm) -> dict[str, Any]:
        return {"burst": self.burst, "most": SHOWN}

"""A burst of deactivations, on a page of its connection: who is in it, who could come back, and the two answers (R22a)."""

import hashlib
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ReasonForm
from core_identity.models import Burst
from core_identity.selectors.bursts import may_settle_bursts, open_bursts, plan_of
from core_identity.services.bursts import settle_burst, unexpire_burst

UNEXPIRE, SETTLE = "unexpire", "settle"
SHOWN = 200
"""People of each kind on the page: more than that nobody reads."""


class BurstForm(ReasonForm):
    """Who comes back is who was shown: where that changed in between, the page is shown anew."""

    how = forms.ChoiceField(label="What to do", widget=forms.RadioSelect)
    field_order = ("how", "reason")

    def __init__(self, request: HttpRequest, *, burst: Burst) -> None:
        super().__init__(request)
        self.burst = burst
        self.plan = plan_of(burst, guarded_too=request.user.is_superuser)
        back = self.plan.unexpires
        self.digest = hashlib.sha256(" ".join(str(user.pk) for user in back).encode()).hexdigest()
        meant = (SETTLE, "leave it at that: the deactivations were intended")
        unexpire = (UNEXPIRE, f"unexpire the {len(back)} whom the identity provider activated again")
        self.fields["how"].choices = [unexpire, meant] if back else [meant]  # type: ignore[attr-defined]

    def clean(self) -> None:
        if self.cleaned_data.get("how") == UNEXPIRE and self.request.POST.get("shown") != self.digest:
            self.add_error(
                None, "The list of people who would come back changed while this page was open. Check the list again."
            )

    def write(self) -> None:
        act = unexpire_burst if self.cleaned_data["how"] == UNEXPIRE else settle_burst
        act(actor=self.actor, burst_id=self.burst.pk, reason=self.cleaned_data["reason"])


class BurstPages(CoreAdmin):
    """Part of the admin of connections."""

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        connection = context.get("original")
        if connection is not None:
            context["bursts"] = may_settle_bursts(request.user) and open_bursts().filter(connection=connection)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> Any:
        return [*self.own_page("burst", self.burst_view), *super().get_urls()]

    def burst_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The oldest burst that is not settled; the next one comes after it."""
        connection = self.changeable(request, pk)
        if not may_settle_bursts(request.user):
            raise PermissionDenied
        burst = open_bursts().filter(connection=connection).first()
        if burst is None:
            self.message_user(request, f"There is no burst of deactivations in {connection}.")
            return self.to_change_page(connection)
        form = BurstForm(request, burst=burst)
        if form.submit():
            self.message_user(request, "Done. The reason is in the events.", messages.SUCCESS)
            return self.to_change_page(connection)
        title = f"Burst of deactivations in {connection}"
        return self.page(
            request,
            "admin/core_identity/connection/burst.html",
            title=title,
            form=form,
            obj=connection,
            burst=burst,
            most=SHOWN,
        )

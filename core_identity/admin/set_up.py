"""The first page of a connection: the set-up in steps, ticked by facts, and the values for the IdP's screens (R37)."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from core_identity.admin.connection_tabs import tabs_for
from core_identity.admin.setup_links import marks_of
from core_identity.admin_kit.pages import ConnectionReadPage
from core_identity.models import Connection
from core_identity.set_up import Progress, ShownStep, Step, progress, screens_of, steps_of
from core_identity.vendor_choice import remember_vendor, vendors_for


class StepsPage(ConnectionReadPage):
    """The list of steps alone. The overview renews it by a script, so ticks turn while somebody looks."""

    name = "steps"
    title = "Steps of {row}"
    template_name = "admin/core_identity/connection/steps.html"

    def facts(self, form: Any) -> dict[str, Any]:
        return {"progress": self.progress()}

    def progress(self) -> Progress:
        pages = {page["url"] for tab in tabs_for(self.admin, self.request, self.row) for page in tab["pages"]}
        return progress(steps_of(self.row), lambda step: _shown(self.row, step, pages))


class OverviewPage(StepsPage):
    """Steps, health, and the set-up sheet."""

    name = "overview"
    template_name = "admin/core_identity/connection/overview.html"

    def get_title(self, form: Any) -> str:
        return self.row.name

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return remember_vendor(request, super().get(request, *args, **kwargs))

    def facts(self, form: Any) -> dict[str, Any]:
        choice = vendors_for(self.request)
        return {
            **super().facts(form),
            **self.admin.overview(self.row),
            **marks_of(self.row),
            **choice,
            "screens": screens_of(self.row, choice["vendor"]),
        }


def _shown(connection: Connection, step: Step, pages: set[str]) -> ShownStep:
    """Return a step with the address of its page, if this administrator may open it."""
    address = reverse(f"admin:core_identity_connection_{step.page}", args=[connection.pk]) if step.page else ""
    act = address if address in pages else ""
    return ShownStep(step.name, step.title, step.facts, step.advice, act, step.page_title, step.seen_at)

"""The first page of a connection: its state, the set-up in steps, ticked by facts, and the values for the IdP's screens (R37)."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse

from core_identity.admin.connection_tabs import address_of
from core_identity.admin.setup_links import marks_of
from core_identity.admin_kit.pages import ConnectionReadPage
from core_identity.set_up import Progress, ShownStep, Step, Vendor, progress, screens_of, steps_of
from core_identity.vendor_choice import remember_vendor, vendors_for


class StepsPage(ConnectionReadPage):
    """The parts of the overview that change by themselves: chips, warnings, health and steps. A script renews them while somebody looks."""

    name = "steps"
    title = "Steps of {row.name}"
    template_name = "admin/core_identity/connection/steps.html"

    def facts(self, form: Any) -> dict[str, Any]:
        choice = vendors_for(self.request)
        return {
            **choice,
            **self.admin.overview(self.request, self.row),
            **marks_of(self.row),
            "progress": self.progress(choice["vendor"]),
        }

    def progress(self, vendor: Vendor) -> Progress:
        return progress(steps_of(self.row, vendor), self._shown)

    def address_if_open(self, name: str) -> str:
        """Return the address of a page, or an empty text if this administrator may not open it."""
        return address_of(self.admin, self.request, self.row, name)

    def _shown(self, step: Step) -> ShownStep:
        """Return a step with the address of its page."""
        act = step.page if step.page.startswith("#") else self.address_if_open(step.page) if step.page else ""
        advice = replace(step.advice, check=f"{step.advice.check} {step.here}".strip())
        return ShownStep(step.name, step.title, step.facts, advice, act, step.page_title, step.seen_at)


class OverviewPage(StepsPage):
    """State, steps, health, and the set-up sheet."""

    name = "overview"
    template_name = "admin/core_identity/connection/overview.html"

    def get_title(self, form: Any) -> str:
        return self.row.name

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return remember_vendor(request, super().get(request, *args, **kwargs))

    def facts(self, form: Any) -> dict[str, Any]:
        shown = super().facts(form)
        screens = screens_of(self.row, shown["vendor"])
        open_steps = shown["progress"].open_steps
        return {
            **shown,
            "needed": [screen for screen in screens if screen.used_by in open_steps],
            "entered": [screen for screen in screens if screen.used_by not in open_steps],
            "has_chosen_vendor": "idp" in self.request.GET,
            "share_address": self.address_if_open("setup-link"),
            "test_address": self.address_if_open("test"),
            "metadata_address": self.address_if_open("metadata"),
        }

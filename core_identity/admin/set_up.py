"""The first page of a connection: the set-up in steps, ticked by facts, and the values for the IdP's screens (R37)."""

from typing import Any

from django.urls import reverse

from core_identity.admin.connection_tabs import tabs_for
from core_identity.admin.setup_links import marks_of
from core_identity.admin_kit.pages import ConnectionReadPage
from core_identity.models import Connection
from core_identity.set_up import Step, Vendor, screens_of, steps_of


class StepsPage(ConnectionReadPage):
    """The list of steps alone. The overview renews it by a script, so ticks turn while somebody looks."""

    name = "steps"
    title = "Steps of {row}"
    template_name = "admin/core_identity/connection/steps.html"

    def facts(self, form: Any) -> dict[str, Any]:
        steps = steps_of(self.row)
        following = next((step.order for step in steps if not step.done), None)
        pages = {page["url"] for tab in tabs_for(self.admin, self.request, self.row) for page in tab["pages"]}
        return {
            "steps": [(step, _address(self.row, step, pages), step.order == following) for step in steps],
            "done": sum(step.done for step in steps),
            "of": len(steps),
        }


class OverviewPage(StepsPage):
    """Steps, health, and the setup sheet."""

    name = "overview"
    template_name = "admin/core_identity/connection/overview.html"

    def get_title(self, form: Any) -> str:
        return self.row.name

    def facts(self, form: Any) -> dict[str, Any]:
        vendor = next((one for one in Vendor if one == self.request.GET.get("idp")), Vendor.OKTA)
        return {
            **super().facts(form),
            **self.admin.overview(self.row),
            **marks_of(self.row),
            "vendor": vendor,
            "vendors": list(Vendor),
            "screens": screens_of(self.row, vendor),
        }


def _address(connection: Connection, step: Step, pages: set[str]) -> str:
    """Return the address of the page that does a step, if this administrator may open it."""
    address = reverse(f"admin:core_identity_connection_{step.page}", args=[connection.pk]) if step.page else ""
    return address if address in pages else ""

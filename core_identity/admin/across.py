"""Lists over all connections: what differs, what is requested, and what is probably wrong. Their buttons lead to the pages that act."""

from collections.abc import Mapping
from typing import Any, ClassVar

from core_identity.admin_kit.filters import Filters, Shown, page_of_rows
from core_identity.admin_kit.pages import ListReadPage
from core_identity.models import Identity
from core_identity.selectors.across import reactivations
from core_identity.selectors.drift import FIELDS, drift_in, drifting
from core_identity.selectors.story import changes_since_expiry


class AcrossPage(ListReadPage):
    """A list with the filters connection, customer and kind, in pages of 50."""

    kinds: ClassVar[Mapping[str, str]] = {}
    kind_label: ClassVar[str] = "Kind"

    def found(self, filters: Filters) -> Any:
        """Return the rows, all pages of them, as a queryset or a list."""
        raise NotImplementedError  # pragma: no cover - each list has its own

    def shown(self, page: Shown) -> Any:
        """Return what the template shows of a page."""
        return page.rows

    def facts(self, form: Any) -> dict[str, Any]:
        filters = Filters.of(self.request.GET, self.kinds)
        page = page_of_rows(self.found(filters), self.request.GET.get("p"))
        return {
            "filters": filters,
            "filter_query": filters.query(),
            "suggestions": filters.suggestions(),
            "kind_label": self.kind_label,
            "page": page,
            "rows": self.shown(page),
            "may_change": self.admin.has_change_permission(self.request),
        }


class AllDriftPage(AcrossPage):
    """R18: the drift of all connections."""

    name = "all-drift"
    title = "Drift"
    template_name = "admin/core_identity/user/all_drift.html"
    kinds = {name: name.replace("_", " ") for name in FIELDS}
    kind_label = "Field"

    def found(self, filters: Filters) -> Any:
        return drifting(filters.kind or None).filter(filters.rows()).select_related("drifting", "user", "connection")

    def shown(self, page: Shown) -> Any:
        kind = Filters.of(self.request.GET, self.kinds).kind
        return [
            (identity, [one for one in drift_in(identity) if not kind or one.field == kind]) for identity in page.rows
        ]


class ReactivationsPage(AcrossPage):
    """R22: the people whom an IdP calls active, and who are expired."""

    name = "reactivations"
    title = "Reactivation requests"
    template_name = "admin/core_identity/user/reactivations.html"
    kinds = {"channel": "by an identity provider", "administrator": "by an administrator"}
    kind_label = "Expired"

    def found(self, filters: Filters) -> Any:
        return reactivations(filters.kind).filter(filters.rows())

    def shown(self, page: Shown) -> Any:
        return [(identity, _changed_names(identity)) for identity in page.rows]


def _changed_names(identity: Identity) -> list[str]:
    """Return the names of the values that the IdP of an identity changed since the expiry of its user."""
    return [name for _, name, _, _ in changes_since_expiry(identity.user, [identity])]

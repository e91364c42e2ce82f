"""Lists over all connections: what differs, what is requested, and what is probably wrong. Their buttons lead to the pages that act."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest

from core_identity.admin_kit.changes import field_words
from core_identity.admin_kit.filters import ON_A_PAGE, Filters, Shown, page_of_rows
from core_identity.admin_kit.pages import ListReadPage
from core_identity.admin_kit.seen import seen_by
from core_identity.keys import key
from core_identity.models import Identity
from core_identity.selectors.across import SAMPLE, pushed_groups, reactivations, roles_by_name, unmapped_names
from core_identity.selectors.drift import FIELDS, drift_in, drifting
from core_identity.selectors.mismatches import LATELY, LOOKED_AT, mismatches_across, newest_mismatches
from core_identity.selectors.refused import refused_messages, with_people
from core_identity.selectors.story import changes_since_expiry
from core_identity.values import Channel


class AcrossPage(ListReadPage):
    """A list with the filters connection, customer and kind, in pages."""

    kinds: ClassVar[Mapping[str, str]] = {}
    kind_label: ClassVar[str] = "Kind"
    on_a_page: ClassVar[int] = ON_A_PAGE

    def found(self, filters: Filters) -> Any:
        """Return the rows of all pages, as a queryset or a list."""
        raise NotImplementedError  # pragma: no cover - each list has its own

    def shown(self, page: Shown) -> Any:
        """Return what the template shows of a page."""
        return page.rows

    def facts(self, form: Any) -> dict[str, Any]:
        filters = Filters.of(self.request.GET, self.kinds)
        page = page_of_rows(self.found(filters), self.request.GET.get("p"), self.on_a_page)
        return {
            "filters": filters,
            "filter_query": filters.query(),
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
    kinds = {name: field_words(name) for name in FIELDS}
    kind_label = "Field"

    def found(self, filters: Filters) -> Any:
        return (
            drifting(filters.kind or None)
            .filter(filters.rows("drifting__connection"))
            .select_related("drifting", "user", "connection")
        )

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
    return [field_words(name) for _, name, _, _ in changes_since_expiry(identity.user, [identity])]


class WaitingGroupsPage(AcrossPage):
    """R29: the push groups of all connections that give no role."""

    name = "waiting-groups"
    title = "Groups"
    template_name = "admin/core_identity/connection/waiting_groups.html"
    kinds = {"named": "a role has this name", "unknown": "no role has this name", "linked": "gives a role"}
    kind_label = "Role"

    def is_open(self) -> bool:
        """The page concerns connections and roles. An administrator of either may see it."""
        sees = seen_by(self.request)
        return sees["connection"] or sees["role"]

    def found(self, filters: Filters) -> Any:
        return pushed_groups(filters.kind).filter(filters.rows())

    def shown(self, page: Shown) -> Any:
        roles = roles_by_name([group.name_key for group in page.rows if group.role is None])
        return [(group, roles.get(group.name_key)) for group in page.rows]


class UnmappedGroupsPage(AcrossPage):
    """R31: the groups in assertions of all connections that give no role."""

    name = "unmapped-groups"
    title = "Groups of sign-ins without a role"
    template_name = "admin/core_identity/connection/unmapped_groups.html"

    def found(self, filters: Filters) -> Any:
        return unmapped_names(filters.connections())

    def shown(self, page: Shown) -> Any:
        roles = roles_by_name([one.name for one in page.rows])
        return [(one, one.connection, roles.get(key(one.name))) for one in page.rows]

    def facts(self, form: Any) -> dict[str, Any]:
        return {**super().facts(form), "sample": SAMPLE}


class AllMismatchesPage(AcrossPage):
    """R7, R37: the people whom a connection probably knows twice. The IdP decides who is who, so nothing is corrected here."""

    name = "mismatches"
    title = "People known twice"
    template_name = "admin/core_identity/user/mismatches.html"
    kinds = {
        "0": "NameID is the userName",
        "1": "same email",
        "2": "NameID is the email",
        "3": "email is the userName",
    }
    kind_label = "In common"

    def found(self, filters: Filters) -> Any:
        return newest_mismatches(filters.connections(), int(filters.kind) if filters.kind else None)

    def shown(self, page: Shown) -> Any:
        return mismatches_across(page.rows)

    def facts(self, form: Any) -> dict[str, Any]:
        return {**super().facts(form), "looked_at": LOOKED_AT}


class RefusedPage(AcrossPage):
    """The pushes and sign-ins that were refused in the last days. The page shows events, so it needs a second permission."""

    name = "refused"
    title = "Refused people"
    template_name = "admin/core_identity/user/refused.html"
    kinds = {Channel.SCIM.value: "pushes", Channel.SSO.value: "sign-ins"}

    def may_open(self) -> bool:
        return seen_by(self.request)["event"]

    def found(self, filters: Filters) -> Any:
        connections = filters.connections()
        refused = refused_messages(filters.kind)
        return refused if connections is None else refused.filter(connection_id__in=[one.pk for one in connections])

    def shown(self, page: Shown) -> Any:
        return with_people(page.rows)

    def facts(self, form: Any) -> dict[str, Any]:
        return {**super().facts(form), "days": LATELY.days}


def may_map(request: HttpRequest) -> dict[str, bool]:
    """Return which of the pages that map a group this administrator may open."""
    permissions = {"may_make_roles": "add_role", "may_change_roles": "change_role"}
    return {name: request.user.has_perm(f"core_identity.{permission}") for name, permission in permissions.items()}

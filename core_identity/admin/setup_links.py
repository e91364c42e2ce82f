"""Set-up links of a connection: make one, see its use, revoke it, and see the pending decisions (R38)."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from core_identity.admin.across import AcrossPage
from core_identity.admin_kit.filters import Filters, Shown
from core_identity.admin_kit.forms import ActForm
from core_identity.admin_kit.pages import Access, ConnectionPage
from core_identity.admin_kit.waiting import Waiting
from core_identity.models import Connection, SetupLink, User
from core_identity.portal.links import address_of, live_links, make_link, revoke_link
from core_identity.portal.trust import Proposed, waiting_proposals
from core_identity.portal.waiting import WaitingSetUp, waiting_set_ups

SHOWN = 10


class SetupLinkForm(ActForm):
    """A button that makes a link, and one that revokes each live link."""

    def __init__(self, request: HttpRequest, *, connection: Connection) -> None:
        self.connection = connection
        super().__init__(request)

    def write(self) -> str | None:
        """Return the secret part of a new link, or None after a link was revoked."""
        revoked = self.data.get("revoke", "")
        if revoked.isdecimal():
            revoke_link(actor=self.actor, connection=self.connection, link_id=int(revoked[:18]))
            return None
        return make_link(actor=self.actor, connection=self.connection, created_by=cast("User", self.request.user))


class SetupLinkPage(ConnectionPage):
    """For superusers: the link lends a part of their rights."""

    name = "setup-link"
    title = "Set-up link for the customer of {row.name}"
    access = Access.SUPERUSER
    form_class = SetupLinkForm
    template_name = "admin/core_identity/connection/setup_link.html"
    done = "The set-up link is revoked."

    def may_open(self) -> bool:
        return not self.row.own_idp  # nobody outside decides about our own IdP

    def is_too_early(self) -> bool:
        return not self.row.enabled  # a link to a connection that is switched off opens nothing

    def form_valid(self, form: Any) -> HttpResponse:
        """Show a new link once. Nothing else contains its secret."""
        if form.written is None:
            return super().form_valid(form)
        context = {**self.get_context_data(form=form), "link": address_of(form.written)}
        return TemplateResponse(self.request, "admin/core_identity/connection/setup_link_made.html", context)

    def next_page(self, form: Any) -> str:
        return self.other_page(self.name)

    def facts(self, form: Any) -> dict[str, Any]:
        live = set(live_links().filter(connection=self.row).values_list("pk", flat=True))
        links = SetupLink.objects.select_related("created_by").filter(connection=self.row)[:SHOWN]
        return {"links": [(link, link.pk in live) for link in links], "proposals": proposals_of(self.row)}


class SetUpsPage(AcrossPage):
    """For superusers, because only they decide what set-up links propose."""

    name = "set-ups"
    title = "Set-ups by customers"
    access = Access.SUPERUSER
    template_name = "admin/core_identity/connection/set_ups.html"

    def found(self, filters: Filters) -> Any:
        return waiting_set_ups(filters.rows())

    def shown(self, page: Shown) -> Any:
        return [waiting_row(one) for one in page.rows]


def waiting_row(one: WaitingSetUp) -> Waiting:
    url = reverse(f"admin:core_identity_connection_{one.page}", args=[one.connection.pk])
    detail = f"{one.connection.customer}, {one.by}"
    return Waiting(one.what, one.connection.name, detail, one.since, url, one.action)


def proposals_of(connection: Connection) -> list[dict[str, Any]]:
    """Return the pending decisions of a superuser, each with the page that shows it."""
    return [
        {
            "label": Proposed(proposal.kind).label,
            "proposal": proposal,
            "url": reverse(f"admin:core_identity_connection_{Proposed(proposal.kind).page}", args=[connection.pk]),
        }
        for proposal in waiting_proposals(connection)
    ]


def marks_of(connection: Connection) -> dict[str, Any]:
    """Return what the overview shows about set-up links: whether the customer has finished, and which decisions are pending."""
    newest = SetupLink.objects.filter(connection=connection).first()
    return {"setup_link": newest, "proposals": proposals_of(connection)}

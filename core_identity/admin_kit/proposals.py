"""Pages on which a superuser accepts or rejects what a set-up link proposed (R38)."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin_kit.forms import ActForm
from core_identity.admin_kit.pages import Access, ConnectionPage
from core_identity.errors import NotFound
from core_identity.portal.trust import GONE, Proposed, decide, waiting_proposal

if TYPE_CHECKING:
    from core_identity.models import Connection

REJECT = "reject"


class ProposalForm(ActForm):
    """Two buttons: accept, or reject. Either one decides about the proposal that the page showed."""

    kind: ClassVar[Proposed]

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        self.proposal = waiting_proposal(connection, self.kind)
        super().__init__(request)

    @property
    def is_rejected(self) -> bool:
        return REJECT in self.data

    @transaction.atomic
    def write(self) -> bool:
        """Return whether it was accepted."""
        if self.proposal is None or str(self.proposal.pk) != self.data.get("proposal"):
            raise NotFound(GONE)
        accept = not self.is_rejected
        decide(actor=self.actor, connection=self.connection, proposal_id=self.proposal.pk, accept=accept)
        if accept:
            self.make_the_change()
        return accept

    def make_the_change(self) -> None:
        """Do what was proposed, in the transaction of the decision."""


class ProposalPage(ConnectionPage):
    """For superusers: what a link could not do by itself."""

    access = Access.SUPERUSER

    def answer_instead(self) -> HttpResponse | None:
        if self.request.method == "GET" and waiting_proposal(self.row, self.form_class.kind) is None:  # type: ignore[union-attr]
            messages.info(self.request, "No proposal is pending.")
            return redirect(self.page_of(self.row))
        return None

    def message(self, form: Any) -> str:
        return "The proposal is accepted." if form.written else "The proposal is rejected. Nothing was changed."

    def next_page(self, form: Any) -> str:
        return self.other_page("setup-link")

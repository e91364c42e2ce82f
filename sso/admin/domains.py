"""The email domains of a connection: which of them lead to it from the sign-in page."""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.pages import ConnectionPage
from sso.admin.settings import require_settings
from sso.settings.domain_proof import Finding, record_for
from sso.settings.email_domains import check_again, prove_domain, unverify_domain, verified_domains, verify_domain

if TYPE_CHECKING:
    from core_identity.models import Connection

HOW_KNOWN: Final = (
    "Only without a DNS record: how you know that the domain belongs to the customer. For example: contract, ticket 4711. "
    "Kept in the events for good."
)


class DomainForm(ReasonForm):
    """Buttons beside each domain of the settings: look up its DNS record, verify it without, look again, or undo the verification."""

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        super().__init__(request)
        self.connection = connection
        self.fields["reason"].help_text = HOW_KNOWN
        self.fields["reason"].required = not {"prove", "again"} & set(
            self.data
        )  # the record is the reason, or nothing changes

    def write(self) -> str:
        """Return the domain, or a sentence about its record if it was only looked up again."""
        if "again" in self.data:
            self.finding, sentence = check_again(self.connection, self.data["again"])
            return sentence
        if "prove" in self.data:
            prove_domain(actor=self.actor, connection=self.connection, domain=self.data["prove"])
            return str(self.data["prove"])
        act, word = (verify_domain, "verify") if "verify" in self.data else (unverify_domain, "unverify")
        domain = self.data.get(word, "")
        act(actor=self.actor, connection=self.connection, domain=domain, reason=self.cleaned_data["reason"])
        return str(domain)


class DomainsPage(ConnectionPage):
    name = "domains"
    title = "Email domains of {row.name}"
    form_class = DomainForm
    template_name = "admin/sso/domains.html"

    def is_too_early(self) -> bool:
        return getattr(self.row, "saml", None) is None

    def form_valid(self, form: Any) -> HttpResponse:
        if "again" not in form.data:
            return super().form_valid(form)
        match form.finding:
            case Finding.RIGHT:
                messages.success(self.request, form.written)
            case Finding.UNANSWERED:
                messages.warning(self.request, form.written)
            case _:
                messages.warning(
                    self.request, f"{form.written} If the domain belongs to somebody else now, undo its verification."
                )
        return HttpResponseRedirect(self.next_page(form))

    def message(self, form: DomainForm) -> str:
        return f"{form.written} {'no longer leads' if 'unverify' in form.data else 'now leads'} to this connection."

    def next_page(self, form: Any) -> str:
        return self.other_page("domains")

    def facts(self, form: DomainForm) -> dict[str, Any]:
        verified = {one.domain: one for one in verified_domains(self.row)}
        entered = require_settings(self.row).email_domains
        return {"domains": [(one, verified.get(one), record_for(self.row, one)) for one in entered]}

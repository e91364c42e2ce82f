"""The email domains of a connection: which of them lead to it from the sign-in page."""

from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest

from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.pages import ConnectionPage
from sso.admin.settings import require_settings
from sso.models import SamlSettings
from sso.settings.email_domains import unverify_domain, verified_domains, verify_domain

if TYPE_CHECKING:
    from core_identity.models import Connection

HOW_KNOWN: Final = "How you know that the domain belongs to the customer. For example: DNS record of today, ticket 4711. Kept in the events for good."


class DomainForm(ReasonForm):
    """A button beside each domain of the settings: verify it, or take that back."""

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        super().__init__(request)
        self.connection = connection
        self.fields["reason"].help_text = HOW_KNOWN

    def write(self) -> str:
        act, word = (verify_domain, "verify") if "verify" in self.data else (unverify_domain, "unverify")
        domain = self.data.get(word, "")
        act(actor=self.actor, connection=self.connection, domain=domain, reason=self.cleaned_data["reason"])
        return str(domain)


class DomainsPage(ConnectionPage):
    name = "domains"
    title = "Email domains of {row}"
    form_class = DomainForm
    template_name = "admin/sso/domains.html"

    def is_too_early(self) -> bool:
        return not SamlSettings.objects.filter(connection=self.row).exists()

    def message(self, form: DomainForm) -> str:
        return f"{form.written} leads {'here' if 'verify' in form.data else 'nowhere'} from now on."

    def next_page(self, form: Any) -> str:
        return self.other_page("domains")

    def facts(self, form: DomainForm) -> dict[str, Any]:
        verified = {one.domain: one for one in verified_domains(self.row)}
        entered = require_settings(self.row).email_domains
        return {"domains": [(domain, verified.get(domain)) for domain in entered]}

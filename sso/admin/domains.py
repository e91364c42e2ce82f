"""The email domains of a connection: which of them lead to it from the sign-in page."""

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ReasonForm
from sso.admin.settings import require_settings
from sso.email_domains import unverify_domain, verified_domains, verify_domain

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


class DomainPages(CoreAdmin):
    def get_urls(self) -> Any:
        return [*self.own_page("domains", self.domains_view), *super().get_urls()]

    def domains_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = DomainForm(request, connection=connection)
        if form.submit():
            told = f"{form.written} leads {'here' if 'verify' in request.POST else 'nowhere'} from now on."
            self.message_user(request, told, messages.SUCCESS)
            return redirect("admin:core_identity_connection_domains", connection.pk)
        saml = require_settings(connection)
        verified = {one.domain: one for one in verified_domains(connection)}
        return self.page(
            request,
            "admin/sso/domains.html",
            title=f"Email domains of {connection}",
            form=form,
            obj=connection,
            domains=[(domain, verified.get(domain)) for domain in saml.email_domains],
        )

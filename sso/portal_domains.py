"""The email domains of a connection, for the customer's IT administrator: enter one, and prove it by DNS (R38).

A domain that is only entered has no effect. Nothing here names another connection or customer.
"""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core_identity.admin_kit.forms import WrittenByService
from core_identity.budgets import spend
from core_identity.errors import NotAllowed
from core_identity.portal.links import actor_of, require_live
from core_identity.portal.pages import portal_page
from core_identity.values import Actor
from sso.models import SamlSettings
from sso.settings.changes import apply, section_of
from sso.settings.domain_proof import record_for
from sso.settings.email_domains import (
    DomainHeld,
    check_again,
    look_for_proof,
    normal_domain,
    verified_domains,
    verify_domain,
)

if TYPE_CHECKING:
    from core_identity.models import SetupLink

MOST_OPEN: Final = 10
"""Domains that may be entered and not proven yet."""
LOOK_UPS_PER_MINUTE: Final = 10
"""Of one link: each may occupy a thread for seconds."""


class DomainForm(WrittenByService, forms.Form):
    """Four buttons: enter a domain, look up its record, remove one that is not verified, or look again for one that is."""

    domain = forms.CharField(label="Domain of your email addresses", max_length=253)

    def __init__(self, request: HttpRequest, link: "SetupLink", *, is_new: bool = False) -> None:
        self.request, self.link = request, link
        self.report = ""
        super().__init__(request.POST if request.method == "POST" and not is_new else None)

    @property
    def actor(self) -> Actor:
        return actor_of(self.link, self.request)

    def clean_domain(self) -> str:
        domain = normal_domain(self.cleaned_data["domain"])
        if not domain:
            raise forms.ValidationError("Enter a domain such as example.com: the part after the @.")
        return domain

    def write(self) -> str:
        domain: str = self.cleaned_data["domain"]
        if "again" in self.data:
            self._limit_look_ups()
            _, self.report = check_again(self.link.connection, domain)
        elif "check" in self.data:
            self._prove(domain)
        else:
            self._enter(domain, is_removed="remove" in self.data)
        return domain

    def _limit_look_ups(self) -> None:
        if spend(f"domain proof of set-up link {self.link.pk}", LOOK_UPS_PER_MINUTE):
            raise NotAllowed("The record was looked up very often. Wait a minute, then try again.")

    def _prove(self, domain: str) -> None:
        self._limit_look_ups()
        look_for_proof(self.link.connection, domain)
        try:
            with transaction.atomic():
                verify_domain(actor=self.actor, connection=require_live(self.link), domain=domain, by_dns=True)
        except DomainHeld as held:
            raise NotAllowed(
                f"The record of {domain} is right, but the domain cannot lead here yet. Your contact must decide: tell them."
            ) from held

    @transaction.atomic
    def _enter(self, domain: str, *, is_removed: bool) -> None:
        connection = require_live(self.link)
        saml = SamlSettings.objects.select_for_update().get(connection=connection)
        verified = set(verified_domains(connection).values_list("domain", flat=True))
        entered = set(saml.email_domains)
        if is_removed and domain in verified:
            raise NotAllowed(f"{domain} is verified. Ask your contact to remove it.")
        domains = entered - {domain} if is_removed else entered | {domain}
        if len(domains - verified) > max(MOST_OPEN, len(entered - verified)):
            raise NotAllowed("Many domains are not verified yet. Verify or remove some of them first.")
        apply(connection, section_of(saml) | {"email_domains": sorted(domains)}, base_dir=None, actor=self.actor)


@portal_page("GET", "HEAD", "POST")
def domains(request: HttpRequest, link: "SetupLink") -> HttpResponse:
    """Show each domain with its record. A look-up starts at the press of a button only."""
    saml = SamlSettings.objects.filter(connection=link.connection).first()
    if saml is None:
        return redirect("portal")
    form = DomainForm(request, link)
    if request.method == "POST" and form.submit() and not form.report:
        return redirect("portal-domains")
    saml.refresh_from_db()
    verified = {one.domain: one for one in verified_domains(link.connection)}
    is_shown_above = form.data.get("domain") in saml.email_domains
    page: dict[str, Any] = {
        "connection": link.connection,
        "form": form,
        "first_open": next((one for one in saml.email_domains if one not in verified), None),
        "entry": DomainForm(request, link, is_new=True) if is_shown_above else form,
        "is_shown_above": is_shown_above,
        "domains": [(one, verified.get(one), record_for(link.connection, one)) for one in saml.email_domains],
    }
    return render(request, "portal/domains.html", page)

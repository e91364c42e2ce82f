"""Pages of a connection about SAML: its settings, its email domains, and our own keys."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin.base import CoreAdmin
from core_identity.config.saml_forms import DomainForm, KeyForm, SamlForm
from core_identity.errors import NotAllowed
from core_identity.models import Connection
from sso.email_domains import verified_domains
from sso.keys import certificate_facts, keys_of, opens
from sso.models import SamlSettings, SpKey

STEPS: Final = {"make": "Make a key", "activate": "Let the next key sign", "retire": "Delete a key"}


class SamlPages(CoreAdmin):
    def get_urls(self) -> Any:
        return [
            *self.own_page("saml", self.saml_view),
            *self.own_page("domains", self.domains_view),
            *self.own_page("keys", self.keys_view),
            *self.own_page("key", self.key_view),
            *super().get_urls(),
        ]

    def saml_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = SamlForm(request, connection=connection)
        if form.found is None and not request.user.is_superuser:
            raise PermissionDenied  # the first metadata says whom we believe: whoever gives it could sign in as anybody
        if form.submit() and form.written is not None:
            self.message_user(request, f"The SAML settings of {connection} are saved.", messages.SUCCESS)
            for hint in form.hints:
                self.message_user(request, hint, messages.WARNING)
            return self.to_change_page(connection)
        return self.page(
            request,
            "connection/saml.html",
            title=f"SAML settings of {connection}",
            form=form,
            obj=connection,
            adminform=AdminForm(form, form.fieldsets(), {}),  # type: ignore[arg-type]  # any form does
        )

    def domains_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = DomainForm(request, connection=connection)
        if form.submit():
            told = f"{form.written} leads {'here' if 'verify' in request.POST else 'nowhere'} from now on."
            self.message_user(request, told, messages.SUCCESS)
            return redirect("admin:core_identity_connection_domains", connection.pk)
        saml = _settings(connection)
        verified = {one.domain: one for one in verified_domains(connection)}
        return self.page(
            request,
            "connection/domains.html",
            title=f"Email domains of {connection}",
            form=form,
            obj=connection,
            domains=[(domain, verified.get(domain)) for domain in saml.email_domains],
        )

    def keys_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """List them; with ``?certificate=`` answer with that certificate, as IdPs want it uploaded."""
        connection = self._for_superuser(request, pk)
        keys = keys_of(connection)
        wanted = request.GET.get("certificate")
        if wanted is not None:
            return _certificate(connection, keys, wanted)
        return self.page(
            request,
            "connection/keys.html",
            title=f"Our SAML keys of {connection}",
            form=forms.Form(),
            obj=connection,
            keys=[(key, *certificate_facts(key.certificate), opens(key)) for key in keys],
            states={str(key.state) for key in keys},
        )

    def key_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """One step, asked first, with what it breaks."""
        connection = self._for_superuser(request, pk)
        step = request.GET.get("step", "")
        if step not in STEPS:
            raise Http404("There is no such step.")
        form = KeyForm(request, connection=connection, step=step)
        if form.submit():
            self.message_user(request, "Done. These are our keys now.", messages.SUCCESS)
            return redirect("admin:core_identity_connection_keys", connection.pk)
        return self.page(request, "connection/key.html", title=STEPS[step], form=form, obj=connection)

    def _for_superuser(self, request: HttpRequest, pk: UUID) -> Connection:
        connection: Connection = self.changeable(request, pk)
        if not request.user.is_superuser:
            raise PermissionDenied  # by a key of ours the IdP knows us, and whom it lets in
        _settings(connection)
        return connection


def _settings(connection: Connection) -> SamlSettings:
    found = SamlSettings.objects.filter(connection=connection).first()
    if found is None:
        raise NotAllowed(f"SAML is not set up for {connection} yet.")
    return found


def _certificate(connection: Connection, keys: list[SpKey], state: str) -> HttpResponse:
    found = next((key for key in keys if key.state == state), None)
    if found is None:
        raise Http404("There is no such key.")
    answer = HttpResponse(found.certificate, content_type="application/x-pem-file")
    answer["Content-Disposition"] = f'attachment; filename="core-{connection.slug}-{state}.pem"'
    return answer

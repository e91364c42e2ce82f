"""The sides of a connection that sso and scim hold, as an administrator fills them in: the same words as a connection file."""

from typing import Any, cast

from django import forms
from django.http import HttpRequest
from django.utils.text import capfirst

import scim.connections
import sso.connections
from core_identity.admin.forms import ActForm
from core_identity.models import Connection, User
from scim.models import OAuthClient
from scim.setup_links import make_link
from sso.models import SamlSettings

KEPT = (
    "want_encrypted", "sign_requests", "sign_metadata", "force_authn", "authn_context", "name_id_format", "sso_binding", "slo_binding"
)  # fmt: skip


class SamlForm(ActForm):
    idp_metadata = forms.CharField(
        label="Metadata of the IdP",
        required=False,
        max_length=1024 * 1024,
        widget=forms.Textarea(attrs={"rows": 12, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="The whole XML. In Okta: the app, Sign On, SAML Signing Certificates, View IdP metadata. "
        "Later it is changed on a page of its own.",
    )
    idp_initiated = forms.BooleanField(required=False)
    want_response_signed = forms.BooleanField(required=False, initial=True)
    clock_skew = forms.IntegerField(
        label="Seconds that clocks may disagree", required=False, min_value=0, max_value=300, help_text="Empty: 120."
    )
    email_domains = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="One a line. Whoever types an address of these at the sign-in page is offered this connection. "
        "Enter only those that belong to the customer: by saving you vouch for them.",
    )

    def __init__(self, request: HttpRequest, *, connection: Connection) -> None:
        self.connection = connection
        self.found = SamlSettings.objects.filter(connection=connection).first()
        saml = self.found or SamlSettings()
        names = SamlSettings.ATTRIBUTES
        shown = {name: getattr(saml, f"{name}_attribute") for name in names}
        flags = {name: getattr(saml, name) for name in ("idp_initiated", "want_response_signed")}
        ours = {"clock_skew": saml.clock_skew, "email_domains": "\n".join(saml.email_domains)}
        super().__init__(request, initial={**shown, **flags, **ours})
        for name in flags:
            field: Any = SamlSettings._meta.get_field(name)
            self.fields[name].label, self.fields[name].help_text = capfirst(field.verbose_name), field.help_text
        for name in names:
            model_field: Any = SamlSettings._meta.get_field(f"{name}_attribute")
            self.fields[name] = model_field.formfield(required=not model_field.blank)
        self.fields["idp_metadata"].required = True
        if self.found is not None:  # whom we believe is changed where the difference is shown first
            del self.fields["idp_metadata"]

    def write(self) -> SamlSettings:
        said = self.cleaned_data
        saml = self.found or SamlSettings()
        section = {
            **self._idp(),
            # Not on this page, and not to be lost by it.
            **{name: getattr(saml, name) for name in KEPT},
            "idp_initiated": said["idp_initiated"],
            "want_response_signed": said["want_response_signed"],
            "clock_skew": said["clock_skew"],
            "email_domains": said["email_domains"].split(),
            "attributes": {name: said[name] for name in SamlSettings.ATTRIBUTES},
        }
        return sso.connections.apply(self.connection, section, base_dir=None, actor=self.actor)

    def _idp(self) -> dict[str, Any]:
        if self.found is None:
            return {"idp_metadata": self.cleaned_data["idp_metadata"]}
        saml = self.found
        kept: dict[str, Any] = {
            "entity_id": saml.idp_entity_id,
            "certificates": saml.certificates,
        }
        return {**kept, **{name: url for name in SamlSettings.PLACES if (url := getattr(saml, name))}}


class OAuthClientForm(ActForm):
    redirect_uris = forms.CharField(
        label="Redirect URIs",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="One a line. Where the IdP comes back to with its authorization code; 'Redirect URIs of Okta' makes Okta's.",
    )
    grants = forms.MultipleChoiceField(
        choices=[(name, name.replace("_", " ")) for name in OAuthClient.GRANTS], widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, request: HttpRequest, *, connection: Connection) -> None:
        self.connection = connection
        self.found = OAuthClient.objects.filter(connection=connection).first()
        initial: dict[str, Any] = {"grants": list(OAuthClient.GRANTS)}
        if self.found is not None:
            allowed = [name for name in OAuthClient.GRANTS if getattr(self.found, f"allows_{name}")]
            initial = {"grants": allowed, "redirect_uris": "\n".join(self.found.redirect_uris.split())}
        super().__init__(request, initial=initial)

    def write(self) -> str | None:
        """Return the client secret where it was just made."""
        said = self.cleaned_data
        return scim.connections.apply(
            self.connection,
            {"redirect_uris": said["redirect_uris"].split(), "grants": said["grants"]},
            rotate_secret="new_secret" in self.data,
            actor=self.actor,
        )


class SetupLinkForm(ActForm):
    """One button: a link, once."""

    def __init__(self, request: HttpRequest, *, connection: Connection) -> None:
        self.connection = connection
        super().__init__(request)

    def write(self) -> str:
        return make_link(actor=self.actor, connection=self.connection, made_by=cast("User", self.request.user))

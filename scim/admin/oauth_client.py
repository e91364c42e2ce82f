"""The OAuth client of a connection, as an administrator fills it in; and its redirect URIs (R14)."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest

import scim.connections
from core_identity.admin_kit.forms import ActForm, ConfirmsPreview
from core_identity.admin_kit.pages import Access, ConnectionPage
from scim.admin.shown_once import ShownOncePage
from scim.models import OAuthClient
from scim.okta_console import EXAMPLE, redirect_uris

if TYPE_CHECKING:
    from core_identity.models import Connection


class OAuthClientForm(ActForm):
    redirect_uris = forms.CharField(
        label="Redirect URIs",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="One per line: the addresses to which the identity provider returns with its authorization code. "
        "'Redirect URIs of Okta' creates Okta's. "
        "Only a superuser changes them.",
    )
    grants = forms.MultipleChoiceField(
        choices=[(name, name.replace("_", " ")) for name in OAuthClient.GRANTS], widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        self.found = OAuthClient.objects.filter(connection=connection).first()
        initial: dict[str, Any] = {"grants": list(OAuthClient.GRANTS)}
        if self.found is not None:
            allowed = [name for name in OAuthClient.GRANTS if getattr(self.found, f"allows_{name}")]
            initial = {"grants": allowed, "redirect_uris": "\n".join(self.found.redirect_uris.split())}
        super().__init__(request, initial=initial)
        self.fields["redirect_uris"].disabled = not request.user.is_superuser  # then the posted ones are not read

    def write(self) -> str | None:
        """Return the client secret if it was just made."""
        form_data = self.cleaned_data
        return scim.connections.apply(
            self.connection,
            {"redirect_uris": form_data["redirect_uris"].split(), "grants": form_data["grants"]},
            rotate_secret="new_secret" in self.data,
            actor=self.actor,
        )


class RedirectForm(ConfirmsPreview, ActForm):
    """Shows which redirect URIs follow from an address of Okta's console. The second button adds them."""

    button = "add"

    console_url = forms.CharField(
        label="Address of the app in Okta's Admin Console",
        max_length=1000,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "spellcheck": "false"}),
        help_text=f"Open the app in Okta and copy the address of the browser. It looks like {EXAMPLE}.",
    )

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        self.uris: tuple[str, ...] = ()
        super().__init__(request)

    def preview(self) -> None:
        self.uris = redirect_uris(self.cleaned_data["console_url"])

    def write(self) -> tuple[str, ...]:
        """Return the new ones."""
        return scim.connections.add_redirect_uris(actor=self.actor, connection=self.connection, uris=self.uris)


class OAuthClientPage(ShownOncePage):
    name = "oauth"
    title = "OAuth client of {row.name}"
    form_class = OAuthClientForm
    template_name = "admin/scim/oauth_client.html"
    done = "The OAuth client of {row.name} is saved."

    def shown(self, form: OAuthClientForm) -> list[dict[str, str]]:
        if form.written is None:
            return []
        client_id = scim.connections.urls(self.row)["client_id"]
        return [
            {"name": "client_id", "label": "Client ID", "value": client_id},
            {"name": "client_secret", "label": "Client secret", "value": form.written},
        ]


class RedirectsPage(ConnectionPage):
    """For superusers: authorization codes go to these addresses (R14)."""

    name = "redirects"
    title = "Redirect URIs of {row.name}"
    access = Access.SUPERUSER
    form_class = RedirectForm
    template_name = "admin/scim/redirects.html"

    def message(self, form: RedirectForm) -> str:
        return f"Added: {', '.join(form.written)}." if form.written else "All of them were already there."

    def facts(self, form: RedirectForm) -> dict[str, Any]:
        return {"uris": form.uris}

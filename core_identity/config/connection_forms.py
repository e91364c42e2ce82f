"""The SCIM side of a connection, as an administrator fills it in: the same words as a connection file."""

from typing import Any, cast

from django import forms
from django.http import HttpRequest

import scim.connections
from core_identity.admin.forms import ActForm
from core_identity.models import Connection, User
from scim.models import OAuthClient
from scim.setup_links import make_link


class OAuthClientForm(ActForm):
    redirect_uris = forms.CharField(
        label="Redirect URIs",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="One per line: the addresses to which the IdP returns with its authorization code. 'Redirect URIs of Okta' creates Okta's.",
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

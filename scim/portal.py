"""The part of the set-up by a link that is about provisioning: the customer's IT administrator creates the first client or token (R38)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

import scim.connections
from core_identity.admin_kit.forms import WrittenByService
from core_identity.portal.links import actor_of, require_live
from core_identity.portal.pages import portal_page
from core_identity.portal.trust import Proposed, is_permitted, propose, use_permission, waiting_proposal
from core_identity.set_up import Vendor
from core_identity.values import Actor
from core_identity.vendor_choice import vendors_for
from scim.models import BearerToken, OAuthClient
from scim.oauth.bearer_tokens import NAME_LENGTH, make_token
from scim.okta_console import EXAMPLE, redirect_uris

if TYPE_CHECKING:
    from core_identity.models import Connection, SetupLink


@dataclass(frozen=True, slots=True)
class Shown:
    """One value to copy."""

    name: str
    label: str
    value: str


def has_credential(connection: "Connection") -> bool:
    """Whether a client or a token was ever made. A link may make only the first one."""
    return (
        OAuthClient.objects.filter(connection=connection).exists()
        or BearerToken.objects.filter(connection=connection).exists()
    )


class _LinkForm(WrittenByService, forms.Form):
    """One of the two forms of the page. Its button has the name of the form."""

    button: str

    def __init__(self, request: HttpRequest, link: "SetupLink") -> None:
        self.request, self.link = request, link
        super().__init__(request.POST if self.button in request.POST else None)

    @property
    def actor(self) -> Actor:
        return actor_of(self.link, self.request)


class ClientForm(_LinkForm):
    """Okta: an OAuth client that may send its codes to one app in Okta."""

    button = "make_client"

    console_url = forms.CharField(
        label="Address of the app in Okta's Admin Console",
        max_length=1000,
        help_text=f"Open the app in Okta and copy the address of the browser. It looks like {EXAMPLE}.",
    )

    @transaction.atomic
    def write(self) -> list[Shown]:
        uris = redirect_uris(self.cleaned_data["console_url"])
        connection = require_live(self.link)
        if has_credential(connection):
            return []
        section = {"redirect_uris": list(uris), "grants": ["authorization_code"]}
        secret = scim.connections.apply(connection, section, rotate_secret=False, actor=self.actor)
        client_id = scim.connections.urls(connection)["client_id"]
        return [Shown("client_id", "Client ID", client_id), Shown("client_secret", "Client secret", secret or "")]


class TokenForm(_LinkForm):
    """Entra and others: a long-lived token. After the first one, a superuser must permit it."""

    button = "make_token"

    name = forms.CharField(
        label="Name of the token",
        max_length=NAME_LENGTH,
        help_text="For example the name of your app. It is not secret.",
    )

    @transaction.atomic
    def write(self) -> list[Shown]:
        # Under this lock only one of two requests at the same moment is the first.
        connection = require_live(self.link)
        if has_credential(connection):
            if not is_permitted(connection, Proposed.TOKEN):
                propose(actor=self.actor, link=self.link, kind=Proposed.TOKEN)
                return []
            use_permission(connection, Proposed.TOKEN)
        _, text = make_token(actor=self.actor, connection=connection, name=self.cleaned_data["name"])
        return [Shown("token", "Token", text)]


@portal_page("GET", "HEAD", "POST")
def credentials(request: HttpRequest, link: "SetupLink") -> HttpResponse:
    """Make the first client or token. The secret is in the answer to this request, and nowhere else."""
    client, token = ClientForm(request, link), TokenForm(request, link)
    for form in (client, token):
        if form.is_bound and form.submit() and form.written:
            return render(request, "portal/shown_once.html", {"connection": link.connection, "shown": form.written})
    exists, is_okta = has_credential(link.connection), vendors_for(request)["vendor"] is Vendor.OKTA
    page = {
        "connection": link.connection,
        "forms": [token] if exists else [client, token] if is_okta else [token, client],
        "has_credential": exists,
        "is_permitted": is_permitted(link.connection, Proposed.TOKEN),
        "waiting": waiting_proposal(link.connection, Proposed.TOKEN),
    }
    return render(request, "portal/credentials.html", page)

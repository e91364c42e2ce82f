"""The OAuth client of a connection, as an administrator fills it in; its redirect URIs, and the link for consent (R14)."""

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

import scim.connections
from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ActForm
from scim.models import OAuthClient
from scim.okta_console import EXAMPLE, redirect_uris
from scim.setup_links import make_link

if TYPE_CHECKING:
    from core_identity.models import Connection, User


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

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
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

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        super().__init__(request)

    def write(self) -> str:
        return make_link(actor=self.actor, connection=self.connection, made_by=cast("User", self.request.user))


class RedirectForm(ActForm):
    """Says which redirect URIs follow from an address of Okta's console; adds them at the press of the second button."""

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

    def write(self) -> tuple[str, ...] | None:
        """Return which were added, None where they were only to be shown."""
        self.uris = redirect_uris(self.cleaned_data["console_url"])
        if "add" not in self.data:
            return None
        return scim.connections.add_redirect_uris(actor=self.actor, connection=self.connection, uris=self.uris)


class OAuthPages(CoreAdmin):
    def get_urls(self) -> Any:
        return [
            *self.own_page("oauth", self.oauth_view),
            *self.own_page("redirects", self.redirects_view),
            *self.own_page("contact", self.contact_view),
            *super().get_urls(),
        ]

    def oauth_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = OAuthClientForm(request, connection=connection)
        title = f"OAuth client of {connection}"
        if not form.submit():
            return self.page(request, "admin/scim/oauth_client.html", title=title, form=form, obj=connection)
        if form.written is None:
            self.message_user(request, f"The OAuth client of {connection} is saved.", messages.SUCCESS)
            return self.to_change_page(connection)
        # The answer to this very request, and nowhere else: no message, session, cookie or event holds the secret.
        client_id = scim.connections.urls(connection)["client_id"]
        shown = [
            {"name": "client_id", "label": "Client ID", "value": client_id},
            {"name": "client_secret", "label": "Client secret", "value": form.written},
        ]
        return self.page(request, "admin/scim/shown_once.html", title=title, form=form, obj=connection, shown=shown)

    def redirects_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        if not request.user.is_superuser:
            raise PermissionDenied  # codes go where this says (R14)
        form = RedirectForm(request, connection=connection)
        if form.submit() and form.written is not None:
            told = f"Added: {', '.join(form.written)}." if form.written else "All of them were already there."
            self.message_user(request, told, messages.SUCCESS)
            return self.to_change_page(connection)
        title = f"Redirect URIs of {connection}"
        return self.page(request, "admin/scim/redirects.html", title=title, form=form, obj=connection, uris=form.uris)

    def contact_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        if not request.user.is_superuser:
            raise PermissionDenied  # the link lends a superuser's right to consent (R14)
        form = SetupLinkForm(request, connection=connection)
        title = f"Link for the set-up contact of {connection}"
        if not form.submit():
            return self.page(request, "admin/scim/setup_link.html", title=title, form=form, obj=connection)
        link = settings.PUBLIC_URL + reverse("oauth-contact", args=[form.written])
        shown = [{"name": "link", "label": "Link", "value": link}]
        return self.page(request, "admin/scim/shown_once.html", title=title, form=form, obj=connection, shown=shown)

"""Pages of a connection about what opens its SCIM: secrets and redirect URIs of its OAuth client, and its long-lived tokens (R14)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ActForm
from core_identity.errors import NotFound
from scim.bearer_tokens import LONGEST, NAME_LENGTH, make_token, revoke_token, tokens_of
from scim.client_secrets import LONGEST as LONGEST_FORMER
from scim.client_secrets import revoke_secret, rotate_secret
from scim.models import BearerToken, ClientSecret, OAuthClient

if TYPE_CHECKING:
    from core_identity.models import Connection


class TokenForm(ActForm):
    name = forms.CharField(
        max_length=NAME_LENGTH, help_text="The place where you will enter it, for example: Entra, provisioning of Acme."
    )
    days = forms.IntegerField(
        label="Valid for how many days",
        required=False,
        min_value=1,
        max_value=LONGEST.days,
        help_text="Empty: until it is revoked.",
    )

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        super().__init__(request)

    def write(self) -> str:
        """Return the text of the token."""
        days = self.cleaned_data["days"]
        lasts = timedelta(days=days) if days is not None else None
        _, text = make_token(actor=self.actor, connection=self.connection, name=self.cleaned_data["name"], lasts=lasts)
        return text


class RotateForm(ActForm):
    keep_days = forms.IntegerField(
        label="The former secret stays valid for how many days",
        required=False,
        initial=7,
        min_value=0,
        max_value=LONGEST_FORMER.days,
        help_text="Time to enter the new one at the identity provider. Empty: until it is revoked on the previous page.",
    )

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        super().__init__(request)

    def write(self) -> str:
        """Return the new secret."""
        days = self.cleaned_data["keep_days"]
        lasts = timedelta(days=days) if days is not None else None
        return rotate_secret(actor=self.actor, connection=self.connection, former_lasts=lasts)


class RevokeForm(ActForm):
    """One button, for the token or secret that the address names."""

    def __init__(self, request: HttpRequest, *, connection: "Connection") -> None:
        self.connection = connection
        token, secret = (request.GET.get(name, "") for name in ("token", "secret"))
        found: BearerToken | ClientSecret | None = None
        if token.isdecimal():
            found = tokens_of(connection).filter(pk=int(token)).first()
        elif secret.isdecimal():
            found = ClientSecret.objects.filter(client__connection=connection, pk=int(secret)).first()
        if found is None:
            raise NotFound(f"There is no such token or secret of {connection}.")
        self.found = found
        self.what = f"token {found}" if isinstance(found, BearerToken) else str(found)
        super().__init__(request)

    def write(self) -> BearerToken | ClientSecret:
        if isinstance(self.found, BearerToken):
            return revoke_token(actor=self.actor, connection=self.connection, token_id=self.found.pk)
        return revoke_secret(actor=self.actor, connection=self.connection, secret_id=self.found.pk)


class CredentialPages(CoreAdmin):
    def get_urls(self) -> Any:
        return [
            *self.own_page("credentials", self.credentials_view),
            *self.own_page("revoke", self.revoke_view),
            *self.own_page("token", self.token_view),
            *self.own_page("secret", self.secret_view),
            *super().get_urls(),
        ]

    def credentials_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """List them, with when each was used last."""
        connection = self.changeable(request, pk)
        return self.page(
            request,
            "admin/scim/credentials.html",
            title=f"Secrets and tokens of {connection}",
            form=forms.Form(),
            obj=connection,
            client=OAuthClient.objects.filter(connection=connection).first(),
            secrets=ClientSecret.objects.filter(client__connection=connection)[:20],
            tokens=tokens_of(connection)[:100],
        )

    def revoke_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask first, with when it was used last: what uses it stops at once."""
        connection = self.changeable(request, pk)
        form = RevokeForm(request, connection=connection)
        if form.submit():
            self.message_user(request, f"Revoked: {form.written}. It no longer works.", messages.SUCCESS)
            return redirect("admin:core_identity_connection_credentials", connection.pk)
        title = f"Revoke the {form.what}"
        return self.page(request, "admin/scim/revoke.html", title=title, form=form, obj=connection)

    def token_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = TokenForm(request, connection=connection)
        title = f"Long-lived token of {connection}"
        if not form.submit():
            return self.page(request, "admin/scim/token.html", title=title, form=form, obj=connection)
        return self._shown_once(request, connection, title, form, "token", "Bearer token")

    def secret_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        connection = self.changeable(request, pk)
        form = RotateForm(request, connection=connection)
        title = f"New client secret of {connection}"
        if not form.submit():
            return self.page(request, "admin/scim/secret.html", title=title, form=form, obj=connection)
        return self._shown_once(request, connection, title, form, "client_secret", "Client secret")

    def _shown_once(
        self, request: HttpRequest, connection: "Connection", title: str, form: ActForm, name: str, label: str
    ) -> HttpResponse:
        # The answer to this very request, and nowhere else: no message, session, cookie or event holds it.
        shown = [{"name": name, "label": label, "value": form.written}]
        return self.page(request, "admin/scim/shown_once.html", title=title, form=form, obj=connection, shown=shown)

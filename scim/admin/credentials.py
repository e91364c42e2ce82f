"""Pages of a connection about the credentials of its SCIM: secrets and redirect URIs of its OAuth client, and its long-lived tokens (R14)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest

from core_identity.admin_kit.forms import ActForm
from core_identity.admin_kit.pages import Access, ConnectionPage, ConnectionReadPage
from core_identity.errors import NotFound
from scim.admin.shown_once import ShownOncePage
from scim.models import BearerToken, ClientSecret, OAuthClient
from scim.oauth.bearer_tokens import LONGEST, NAME_LENGTH, make_token, revoke_token, tokens_of
from scim.oauth.client_secrets import LONGEST as LONGEST_FORMER
from scim.oauth.client_secrets import revoke_secret, rotate_secret

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

    connection: "Connection"

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
        help_text="Time to enter the new one at the identity provider. Empty: until it is revoked on the page Secrets and tokens.",
    )

    connection: "Connection"

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
        if token:
            found = tokens_of(connection).filter(pk=_number(token)).first()
        elif secret:
            found = ClientSecret.objects.filter(client__connection=connection, pk=_number(secret)).first()
        if found is None:
            raise NotFound(f"There is no such token or secret of {connection}.")
        self.found = found
        self.what = f"token {found}" if isinstance(found, BearerToken) else str(found)
        super().__init__(request)

    def write(self) -> BearerToken | ClientSecret:
        if isinstance(self.found, BearerToken):
            return revoke_token(actor=self.actor, connection=self.connection, token_id=self.found.pk)
        return revoke_secret(actor=self.actor, connection=self.connection, secret_id=self.found.pk)


def _number(text: str) -> int:
    """Return the number of a row; 0, which no row has, for any other text. A number of thousands of digits is an error of Python."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


class CredentialsPage(ConnectionReadPage):
    """The list of secrets and tokens, with the time of their last use."""

    name = "credentials"
    title = "Secrets and tokens of {row.name}"
    access = Access.CHANGE
    template_name = "admin/scim/credentials.html"

    def facts(self, form: Any) -> dict[str, Any]:
        return {
            "client": OAuthClient.objects.filter(connection=self.row).first(),
            "secrets": ClientSecret.objects.filter(client__connection=self.row)[:20],
            "tokens": tokens_of(self.row)[:100],
        }


class RevokePage(ConnectionPage):
    """The page shows when the token or secret was used last, because its users stop working at once."""

    name = "revoke"
    form_class = RevokeForm
    template_name = "admin/scim/revoke.html"
    done = "Revoked: {written}. It no longer works."

    def get_title(self, form: RevokeForm) -> str:
        return f"Revoke the {form.what}"

    def next_page(self, form: Any) -> str:
        return self.other_page("credentials")


class TokenPage(ShownOncePage):
    name = "token"
    title = "Long-lived token of {row.name}"
    form_class = TokenForm
    template_name = "admin/scim/token.html"
    secret_name, secret_label = "token", "Bearer token"


class SecretPage(ShownOncePage):
    name = "secret"
    title = "New client secret of {row.name}"
    form_class = RotateForm
    template_name = "admin/scim/secret.html"
    secret_name, secret_label = "client_secret", "Client secret"

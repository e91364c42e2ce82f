"""The acts of the command `connection` about secrets, tokens and redirect URIs. The command itself is in `core_identity.config`."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from core_identity.command_line import AnsweringCommand
from core_identity.selectors.connections import connection_by_slug
from scim.connections import add_redirect_uris
from scim.models import BearerToken
from scim.oauth.bearer_tokens import make_token, revoke_token, token_named, tokens_of
from scim.oauth.client_secrets import former_secret, revoke_secret, rotate_secret
from scim.okta_console import redirect_uris


class CredentialActs(AnsweringCommand):
    def add_credential_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        token = add("token", "create a long-lived SCIM token of a connection, list tokens, or revoke one")
        token.add_argument("action", choices=["create", "list", "revoke"])
        token.add_argument("slug", metavar="SLUG")
        token.add_argument("--name", default="", help="name of the token: the place where you enter it")
        token.add_argument("--days", type=int, help="create: how many days it is valid; default: until it is revoked")
        secret = add("secret", "create a second client secret, or revoke the former one")
        secret.add_argument("action", choices=["rotate", "revoke"])
        secret.add_argument("slug", metavar="SLUG")
        secret.add_argument(
            "--keep-days", type=int, default=7, help="rotate: how many days the former one stays valid (default 7)"
        )
        secret.add_argument(
            "--keep", action="store_true", help="rotate: the former one stays valid until it is revoked"
        )

        redirects = add("redirect-uris", "add the redirect URIs of an app in Okta")
        redirects.add_argument("slug", metavar="SLUG")
        redirects.add_argument(
            "--console-url", required=True, metavar="URL", help="address of the app in Okta's Admin Console"
        )
        redirects.add_argument("--dry-run", action="store_true", help="only show them")

    def act_redirect_uris(self, *, slug: str, console_url: str, json: bool, **_: Any) -> None:
        uris = redirect_uris(console_url)
        added = add_redirect_uris(actor=self.actor, connection=connection_by_slug(slug), uris=uris)
        document = {"connection": slug, "redirect_uris": list(uris), "added": list(added)}
        self.answer(document, as_json=json, lines=[f"{'+' if uri in added else ' '} {uri}" for uri in uris])

    def act_token(self, *, action: str, slug: str, name: str, days: int | None, json: bool, **_: Any) -> None:
        connection = connection_by_slug(slug)
        if action == "list":
            tokens = [_document(one) for one in tokens_of(connection).select_related("connection")]
            lines = [f"{one['name']}: {one['state']}, last used {one['last_used_at'] or 'never'}" for one in tokens]
            self.answer({"tokens": tokens}, as_json=json, lines=lines or ["There is none."])
        elif action == "create":
            lasts = timedelta(days=days) if days is not None else None
            token, text = make_token(actor=self.actor, connection=connection, name=name, lasts=lasts)
            # Shown this once: only its hash is kept.
            self.answer({**_document(token), "token": text}, as_json=json, lines=[text])
        else:
            found = token_named(connection, name)
            token = revoke_token(actor=self.actor, connection=connection, token_id=found.pk)
            self.answer(_document(token), as_json=json, lines=[f"{token} no longer works."])

    def act_secret(self, *, action: str, slug: str, keep_days: int, keep: bool, json: bool, **_: Any) -> None:
        connection = connection_by_slug(slug)
        if action == "rotate":
            lasts = None if keep else timedelta(days=keep_days)
            text = rotate_secret(actor=self.actor, connection=connection, former_lasts=lasts)
            self.answer({"connection": slug, "client_secret": text}, as_json=json, lines=[text])
        else:
            former = former_secret(connection)
            ended = revoke_secret(actor=self.actor, connection=connection, secret_id=former.pk)
            document = {"connection": slug, "revoked": ended.created_at.isoformat()}
            self.answer(document, as_json=json, lines=[f"The {ended} no longer works."])


def _document(token: BearerToken) -> dict[str, str | None]:
    times = {name: getattr(token, name) for name in ("created_at", "expires_at", "last_used_at", "revoked_at")}
    return {
        "connection": token.connection.slug,
        "name": token.name,
        "state": token.state,
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
    }

"""OAuth 2 as this service means it: tokens belong to a connection, never to a person (R14, R21)."""

import hashlib
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from oauth2_provider.models import get_access_token_model, get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import Request as OAuthlibRequest

from core_identity.clock import Now, database_now
from scim.client_secrets import opens
from scim.models import OAuthClient


def client_of(request: HttpRequest) -> OAuthClient | None:
    """Return the client that proves itself by id and secret (RFC 6749 section 2.3.1, Basic or body), while its connection is on."""
    headers = {"HTTP_AUTHORIZATION": request.headers.get("Authorization", "")}
    asked = OAuthlibRequest("", "POST", body=list(request.POST.items()), headers=headers)
    client: OAuthClient | None = asked.client if ConnectionValidator().authenticate_client(asked) else None
    return client


def introspected(client: OAuthClient, token: str) -> dict[str, Any]:
    """Return what RFC 7662 section 2.2 says of a token: ``{"active": False}`` for all but live tokens of this very client."""
    checksum = _checksum(token)
    access = (
        get_access_token_model().objects.filter(token_checksum=checksum, application=client, expires__gt=Now()).first()
    )
    if access is not None:
        return {
            "active": True,
            "token_type": "Bearer",
            "client_id": client.client_id,
            "scope": access.scope,
            "iat": int(access.created.timestamp()),
            "exp": int(access.expires.timestamp()),
        }
    refresh = (
        get_refresh_token_model().objects.filter(token_checksum=checksum, application=client, revoked=None).first()
    )
    if refresh is None:
        return {"active": False}
    return {"active": True, "client_id": client.client_id, "iat": int(refresh.created.timestamp())}


def _checksum(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def has_ended(grant: Any) -> bool:
    """Whether an authorization code has ended by the database's clock. Takes the place of the toolkit's ``Grant.is_expired``."""
    return not grant.expires or bool(database_now() >= grant.expires)


class ConnectionValidator(OAuth2Validator):  # type: ignore[misc]  # the toolkit publishes no types
    """What the toolkit asks while it hands out and checks tokens."""

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Allow what the client is set to, and a refresh only to whoever may have an authorization code.

        Nobody else gets refresh tokens.
        """
        if grant_type == "refresh_token":
            grant_type = "authorization_code"
        wanted = request.client.GRANTS.get(grant_type)
        return wanted is not None and request.client.allows_grant_type(wanted)

    def _load_application(self, client_id: str, request: Any) -> Any:
        """Know nobody by an id that no column can hold: a header says it in base64, where no earlier look finds it."""
        return None if "\0" in (client_id or "") else super()._load_application(client_id, request)

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        """Look among the client's live secrets: the toolkit knows one, and we allow two (`scim.client_secrets`).

        ``stored_secret`` is the toolkit's own field. It is a salted hash, opens nothing by itself, and names the client.
        """
        client = OAuthClient.objects.filter(client_secret=stored_secret).first()
        return client is not None and opens(client, provided_secret)

    def validate_user(self, *args: Any, **kwargs: Any) -> bool:
        """Refuse: the library asks before it looks whether the client may, so passwords could be guessed here."""
        return False

    def _load_access_token(self, token: str) -> Any:
        """Find a token by its hash, with the connection that it belongs to: one query for what every request needs."""
        tokens = get_access_token_model().objects.select_related("application__connection")
        # A token of no client is of no connection: it opens nothing.
        found = tokens.annotate(now=Now()).filter(token_checksum=_checksum(token), application__isnull=False).first()
        if found is not None:
            found.is_expired = lambda: found.now >= found.expires  # the toolkit would ask the clock of the node
        return found

    def _create_authorization_code(self, request: Any, code: Any, expires: Any = None) -> Any:
        lasts = timedelta(seconds=oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS)
        return super()._create_authorization_code(request, code, expires or database_now() + lasts)

    def _create_access_token(self, expires: Any, request: Any, token: Any, source_refresh_token: Any = None) -> Any:
        # The token outlives whoever consented, and acts for the connection alone (R21).
        consenting, request.user = request.user, None
        expires = database_now() + timedelta(seconds=token["expires_in"])  # the toolkit's is by the clock of the node
        try:
            return super()._create_access_token(expires, request, token, source_refresh_token)
        finally:
            request.user = consenting

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer a refresh token that comes a second time within the grace period with a pair of its own.

        Answers get lost, and two workers of an IdP may renew at once. The toolkit would give the former successors again; but of
        those only hashes are kept, so it would answer with empty tokens. Both pairs are of one family and end together.
        """
        used = getattr(request, "refresh_token_instance", None)
        if used is not None:
            used = get_refresh_token_model().objects.select_for_update().get(pk=used.pk)
        if used is None or used.revoked is None:
            return super()._save_bearer_token(token, request, *args, **kwargs)
        self._check_and_set_request_resource(request)
        expires = database_now() + timedelta(seconds=token["expires_in"])
        access_token = self._create_access_token(expires, request, token)
        return self._create_refresh_token(request, token["refresh_token"], access_token, used)

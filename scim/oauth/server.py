"""OAuth 2 for this service: tokens belong to a connection, never to a person (R14, R21)."""

import hashlib
import json
from datetime import timedelta
from typing import Any, Final, Self

from django.db import connection as database
from django.db import transaction
from django.http import HttpRequest
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import Request as OAuthlibRequest
from oauthlib.oauth2.rfc6749 import errors

from core_identity.clock import Now, database_now
from scim.models import OAuthClient, UsedCode
from scim.oauth.client_secrets import opens
from scim.oauth.known_clients import client_by_id, lock_if_enabled
from scim.oauth.revocation import end_tokens_of_used_code

REFERENCE: Final = "core.reference"
"""The key in ``META`` for the reference of the request. No header of a client can have this name."""


def client_of(request: HttpRequest) -> OAuthClient | None:
    """Return the client that a request authenticates by id and secret (RFC 6749 section 2.3.1, Basic or body), while its connection is on."""
    headers = {"HTTP_AUTHORIZATION": request.headers.get("Authorization", "")}
    oauth_request = OAuthlibRequest("", "POST", body=list(request.POST.items()), headers=headers)
    client: OAuthClient | None = (
        oauth_request.client if ConnectionValidator().authenticate_client(oauth_request) else None
    )
    return client


def introspected(client: OAuthClient, token: str) -> dict[str, Any]:
    """Return the introspection of a token (RFC 7662 section 2.2): ``{"active": False}`` except for live tokens of this client."""
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


def _lock_for(request: Any) -> None:
    if not lock_if_enabled(request.client.connection_id):
        raise errors.InvalidClientError(request=request)


def _checksum(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class _SecretOf(str):
    """The toolkit's own field of a client: a salted hash that opens nothing. `_check_secret` receives only this text, and finds the client by it."""

    client: OAuthClient

    def __new__(cls, client: OAuthClient) -> Self:
        secret = super().__new__(cls, client.client_secret)
        secret.client = client
        return secret


class ConnectionValidator(OAuth2Validator):  # type: ignore[misc]  # the toolkit publishes no types
    """Decide the toolkit's questions when it creates and checks tokens."""

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Allow the grant types of the client. A refresh needs that of authorization codes, the only grant that gives refresh tokens."""
        if grant_type == "refresh_token":
            grant_type = "authorization_code"
        grant = request.client.GRANTS.get(grant_type)
        return grant is not None and request.client.allows_grant_type(grant)

    def _load_application(self, client_id: str | None, request: Any) -> OAuthClient | None:
        """Find a usable client with its connection, once for each request, and set ``request.client``."""
        client = request.client if isinstance(request.client, OAuthClient) else None
        if client is None or client.client_id != client_id:
            client = client_by_id(client_id or "")
            if client is not None:
                client.client_secret = _SecretOf(client)
        request.client = client if client is not None and client.is_usable(request) else None
        return request.client  # type: ignore[no-any-return]

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        """Compare with the client's live secrets. The toolkit allows one secret, and we allow two (`scim.oauth.client_secrets`)."""
        return isinstance(stored_secret, _SecretOf) and opens(stored_secret.client, provided_secret)

    def validate_user(self, *args: Any, **kwargs: Any) -> bool:
        """Refuse every password. The library calls this before it checks the client's permission, so strangers could guess passwords here."""
        return False

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Refuse the challenge method *plain* before anybody is asked for consent (RFC 9700 section 2.1.1)."""
        method = request.code_challenge_method or ("plain" if request.code_challenge else "S256")
        if method != "S256":
            raise errors.InvalidRequestError("The only code_challenge_method is S256.", request=request)
        return bool(super().validate_response_type(client_id, response_type, client, request, *args, **kwargs))

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Check a code of an authenticated client. A second use ends the tokens of the first one (RFC 6749 section 4.1.2)."""
        if super().validate_code(client_id, code, client, request, *args, **kwargs):
            return True
        reference = request.headers.get(REFERENCE, "")
        end_tokens_of_used_code(client=client, code_hash=_checksum(code), request_id=reference)
        return False

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Require the redirect URI of the authorization request. Any other raises ``invalid_grant`` (RFC 6749 section 5.2)."""
        if not super().confirm_redirect_uri(client_id, code, redirect_uri, client, *args, **kwargs):
            raise errors.InvalidGrantError
        return True

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Accept a live refresh token of this client by one statement. The toolkit decides about all others, and takes three.

        A refresh token has no age limit: the setting ``REFRESH_TOKEN_EXPIRE_SECONDS`` is not used.
        """
        live = get_refresh_token_model().objects.filter(
            token_checksum=_checksum(refresh_token), application=client, revoked=None, access_token__isnull=False
        )
        found = live.select_related("access_token").first()
        if found is None:
            return bool(super().validate_refresh_token(refresh_token, client, request, *args, **kwargs))
        request.refresh_token, request.refresh_token_instance = refresh_token, found
        return True

    def get_code_challenge(self, code: str, request: Any) -> Any:
        """Return the challenge of a code. Refuse a verifier for a code without a challenge (RFC 9700 section 2.1.1)."""
        challenge = super().get_code_challenge(code, request)
        if challenge is None and request.code_verifier:
            raise errors.InvalidGrantError("The code was requested without a code_challenge.", request=request)
        return challenge

    def save_authorization_code(self, client_id: str, code: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Store a code, unless the connection is off at this moment (R1a)."""
        with transaction.atomic():
            _lock_for(request)
            super().save_authorization_code(client_id, code, request, *args, **kwargs)

    def save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Store the tokens and use up the code in one transaction, unless the connection is off at this moment (R1a)."""
        with transaction.atomic():
            _lock_for(request)
            if request.grant_type != "authorization_code":
                self._save_bearer_token(token, request, *args, **kwargs)
                return
            codes = get_grant_model().objects.filter(code=request.code, application=request.client)
            if codes.select_for_update().first() is None:
                raise errors.InvalidGrantError(request=request)
            self._save_bearer_token(token, request, *args, **kwargs)
            codes.delete()
            refresh = get_refresh_token_model().objects.get(
                token_checksum=_checksum(token["refresh_token"]), application=request.client
            )
            UsedCode.objects.create(
                client=request.client,
                code_hash=_checksum(request.code),
                token_family=refresh.token_family,
                used_at=database_now(),
            )

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing, because `save_bearer_token` uses up the code."""

    def _create_authorization_code(self, request: Any, code: Any, expires: Any = None) -> Any:
        lasts = timedelta(seconds=oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS)
        return super()._create_authorization_code(request, code, expires or database_now() + lasts)

    def _create_access_token(self, expires: Any, request: Any, token: Any, source_refresh_token: Any = None) -> Any:
        # The token stays valid without the person who consented, and acts for the connection alone (R21).
        consenting, request.user = request.user, None
        expires = Now() + timedelta(seconds=token["expires_in"])  # the toolkit uses the clock of the node
        try:
            return super()._create_access_token(expires, request, token, source_refresh_token)
        finally:
            request.user = consenting

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Rotate a refresh token: revoke it, delete its access token, and create a new pair in the same family.

        The toolkit does this in many statements. A refresh token that comes again within the grace period gets another pair, because answers get
        lost and two workers of an IdP may renew at once. The toolkit would repeat the former tokens, but only their hashes are stored, so it
        would answer with empty tokens. All pairs belong to one family and end together.
        """
        used = getattr(request, "refresh_token_instance", None)
        if used is None:
            return super()._save_bearer_token(token, request, *args, **kwargs)
        used = get_refresh_token_model().objects.select_for_update().filter(pk=used.pk).first()
        if used is None:  # a switch-off deleted it after its validation
            raise errors.InvalidGrantError(request=request)
        has_successor = get_access_token_model().objects.filter(source_refresh_token=used).exists()
        # A renewed token has a successor; a revoked one has none. Another request may have revoked it after this one was validated (RFC 7009
        # section 2.1).
        if has_successor is (used.revoked is None):
            raise errors.InvalidGrantError(request=request)
        self._check_and_set_request_resource(request)
        params: dict[str, Any] = {
            "used": used.pk,
            "ended": used.access_token_id,
            "source": None if has_successor else used.pk,
            "client": request.client.pk,
            "consented": used.user_id,
            "family": used.token_family,
            "access": _checksum(token["access_token"]),
            "refresh": _checksum(token["refresh_token"]),
            "lasts": timedelta(seconds=token["expires_in"]),
            "scope": token["scope"],
            "resource": json.dumps(request.resource),
        }
        with database.cursor() as cursor:
            cursor.execute(_ROTATE, params)
        return None


_ACCESS, _REFRESH = (f'"{model()._meta.db_table}"' for model in (get_access_token_model, get_refresh_token_model))
# An access token belongs to no user: it stays valid without the person who consented, and acts for the connection alone (R21).
_ROTATE: Final = f"""
WITH renewed AS (
    UPDATE {_REFRESH} SET revoked = statement_timestamp(), updated = statement_timestamp(), access_token_id = NULL
    WHERE id = %(used)s AND revoked IS NULL
), ended AS (
    DELETE FROM {_ACCESS} WHERE id = %(ended)s
), given AS (
    INSERT INTO {_ACCESS} (token, token_checksum, source_refresh_token_id, application_id, expires, scope, resource, created, updated)
    VALUES (
        '', %(access)s, %(source)s, %(client)s, statement_timestamp() + %(lasts)s, %(scope)s, %(resource)s::jsonb,
        statement_timestamp(), statement_timestamp()
    ) RETURNING id
)
INSERT INTO {_REFRESH} (user_id, token, token_checksum, application_id, access_token_id, token_family, resource, created, updated)
SELECT %(consented)s, '', %(refresh)s, %(client)s, id, %(family)s, %(resource)s::jsonb, statement_timestamp(), statement_timestamp()
FROM given
"""  # noqa: S608 - nothing but names of tables
"""Revoke a refresh token and delete its access token, unless that was done before, and store the hashes of a new pair.

The caller holds the lock on the refresh token.
"""

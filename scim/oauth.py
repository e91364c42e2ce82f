"""OAuth 2 as this service means it: tokens belong to a connection, never to a person (R14, R21)."""

import hashlib
from typing import Any

from oauth2_provider.models import get_access_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator


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

    def validate_user(self, *args: Any, **kwargs: Any) -> bool:
        """Refuse: the library asks before it looks whether the client may, so passwords could be guessed here."""
        return False

    def _load_access_token(self, token: str) -> Any:
        """Find a token by its hash, with the connection that it belongs to: one query for what every request needs."""
        checksum = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
        tokens = get_access_token_model().objects.select_related("application__connection")
        # A token of no client is of no connection: it opens nothing.
        return tokens.filter(token_checksum=checksum, application__isnull=False).first()

    def _create_access_token(self, expires: Any, request: Any, token: Any, source_refresh_token: Any = None) -> Any:
        # The token outlives whoever consented, and acts for the connection alone (R21).
        consenting, request.user = request.user, None
        try:
            return super()._create_access_token(expires, request, token, source_refresh_token)
        finally:
            request.user = consenting

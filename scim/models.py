from typing import ClassVar

from django.conf import settings
from django.db import models
from oauth2_provider.models import AbstractApplication, ApplicationManager


class OAuthClient(AbstractApplication):  # type: ignore[misc]  # the toolkit publishes no types
    """The OAuth client of a connection, and what that connection's SCIM side is set to (R1, R14).

    A client without a connection cannot exist, so no token can reach SCIM but that of its connection. It is
    confidential, its secret is stored hashed, and it acts for nobody: ``user`` stays empty.
    """

    GRANTS: ClassVar[dict[str, str]] = {
        "authorization_code": AbstractApplication.GRANT_AUTHORIZATION_CODE,
        "client_credentials": AbstractApplication.GRANT_CLIENT_CREDENTIALS,
    }
    """Names of grants in a connection file and at the token endpoint (RFC 6749), and what the toolkit calls them."""

    connection = models.OneToOneField("core_identity.Connection", models.PROTECT, related_name="oauth_client")
    allows_authorization_code = models.BooleanField("authorization code", default=True)
    allows_client_credentials = models.BooleanField("client credentials", default=True)

    objects = ApplicationManager()

    class Meta:
        verbose_name = "OAuth client"
        constraints = (
            models.CheckConstraint(
                name="oauth_client_is_confidential",
                condition=models.Q(client_type=AbstractApplication.CLIENT_CONFIDENTIAL, hash_client_secret=True),
            ),
            models.CheckConstraint(name="oauth_client_acts_for_nobody", condition=models.Q(user__isnull=True)),
            models.CheckConstraint(name="oauth_client_asks_for_consent", condition=models.Q(skip_authorization=False)),
        )

    def natural_key(self) -> tuple[str]:
        return (self.client_id,)

    @property
    def label(self) -> str:
        """The name under which the client appears in events."""
        return f"OAuth client of {self.connection.slug}"

    def allows_grant_type(self, *grant_types: str) -> bool:
        """The toolkit knows one grant type a client; Okta needs the authorization code, scripts need the other."""
        allowed = {
            self.GRANTS["authorization_code"]: self.allows_authorization_code,
            self.GRANTS["client_credentials"]: self.allows_client_credentials,
        }
        return any(allowed.get(grant_type, False) for grant_type in grant_types)

    def is_usable(self, request: object) -> bool:
        """Refuse tokens, new and old, while the connection is switched off (R1a). The toolkit asks for both."""
        return bool(self.connection.enabled)

    def get_allowed_schemes(self) -> list[str]:
        """Redirects go by https; by http only while the service itself is on loopback, where nobody listens in."""
        return ["https", "http"] if settings.PUBLIC_URL_IS_LOOPBACK else ["https"]


class SetupLink(models.Model):
    """A link that makes one browser the set-up contact of one connection (R14). Its secret is stored as a hash.

    ``made_by`` is the superuser who stands for the contact: their authority is what the link lends.
    """

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    made_by = models.ForeignKey("core_identity.User", models.PROTECT, related_name="+")
    secret_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"set-up link of {self.connection}"

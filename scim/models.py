from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
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
    last_used_at = models.DateTimeField("last call with one of its tokens", null=True, editable=False)

    consented_at = models.DateTimeField(null=True, editable=False)
    consented_by = models.ForeignKey("core_identity.User", models.PROTECT, null=True, editable=False, related_name="+")
    consented_as = models.CharField("consent given by", max_length=300, blank=True, editable=False)

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


class UsedCode(models.Model):
    """An authorization code that gave tokens, as a hash, and the family of those tokens (RFC 6749 section 4.1.2).

    The row lets a second use of the code end the family. It is kept while the family has a live refresh token.
    """

    client = models.ForeignKey("scim.OAuthClient", models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64, unique=True)
    token_family = models.UUIDField()
    used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"code of {self.used_at:%Y-%m-%d %H:%M} UTC"


class ClientSecret(models.Model):
    """A secret of an OAuth client, of which only a hash is kept. Two may be live at once, so that one can be changed without a pause.

    ``ends_at`` is when it stops to open anything, whether that was planned or it was revoked; None is never.
    """

    client = models.ForeignKey("scim.OAuthClient", models.CASCADE, related_name="secrets")
    secret_hash = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ends_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"secret of {self.created_at:%Y-%m-%d %H:%M} UTC"

    @property
    def has_ended(self) -> bool:
        return self.ends_at is not None and self.ends_at <= timezone.now()


class BearerToken(models.Model):
    """A long-lived token that opens SCIM of one connection and nothing else; Entra and Okta's header mode know no other way.

    Only its hash is kept. Whoever made it is named in the event: it acts for the connection and outlives them (R21).
    """

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                name="bearer_token_has_a_name_of_its_own",
                fields=("connection", "name"),
                condition=models.Q(revoked_at=None),
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """Whether it opens anything now, in a word."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= timezone.now() else "live"


class Method(models.TextChoices):
    """Methods of HTTP as the log knows them; a stranger's own word is not written."""

    GET = "GET", "GET"
    POST = "POST", "POST"
    PUT = "PUT", "PUT"
    PATCH = "PATCH", "PATCH"
    DELETE = "DELETE", "DELETE"
    OTHER = "other", "another"


class ProvisioningRecord(models.Model):
    """What became of one SCIM request (R35). Redacted by structure: no field could hold a body, filter, header or secret.

    ``connection_slug`` is what the address says; ``connection_id`` is empty where nobody proved to speak for it. No foreign key: writing
    waits for no lock of anybody.
    """

    at = models.DateTimeField("time", db_index=True)
    connection_id = models.UUIDField(null=True)
    connection_slug = models.CharField("connection", max_length=40, blank=True)
    method = models.CharField(max_length=6, choices=Method.choices)
    resource_type = models.CharField(max_length=30, blank=True)
    resource_id = models.UUIDField(null=True, db_index=True)
    status = models.PositiveSmallIntegerField()
    scim_type = models.CharField("scimType", max_length=30, blank=True)
    decision = models.CharField(max_length=300, blank=True)
    reference = models.CharField(max_length=10, blank=True, db_index=True)
    duration_ms = models.PositiveIntegerField("duration in ms")

    class Meta:
        verbose_name = "provisioning request"
        verbose_name_plural = "provisioning log"
        ordering = ("-id",)
        indexes = (
            models.Index(name="provisioning_by_connection", fields=("connection_slug", "-id")),
            models.Index(name="provisioning_failed", fields=("-id",), condition=models.Q(status__gte=400)),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.resource_type} {self.status} {self.reference}"

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone
from oauth2_provider.models import AbstractApplication, ApplicationManager


class OAuthClient(AbstractApplication):  # type: ignore[misc]  # the toolkit publishes no types
    """The OAuth client of a connection, with the settings of its SCIM side (R1, R14).

    A client always has a connection, so a token reaches the SCIM service of its connection only. The client is confidential, its secret is stored
    hashed, and it acts for no user: ``user`` stays empty.
    """

    GRANTS: ClassVar[dict[str, str]] = {
        "authorization_code": AbstractApplication.GRANT_AUTHORIZATION_CODE,
        "client_credentials": AbstractApplication.GRANT_CLIENT_CREDENTIALS,
    }
    """The names of grants in a connection file and at the token endpoint (RFC 6749), each with the toolkit's name."""

    connection = models.OneToOneField("core_identity.Connection", models.PROTECT, related_name="oauth_client")
    allows_authorization_code = models.BooleanField("authorization code", default=True)
    allows_client_credentials = models.BooleanField("client credentials", default=True)
    last_used_at = models.DateTimeField("last request with one of its tokens", null=True, editable=False)

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
        """Allow both grants. The toolkit allows one grant type for each client; Okta needs the authorization code, scripts the other."""
        allowed = {
            self.GRANTS["authorization_code"]: self.allows_authorization_code,
            self.GRANTS["client_credentials"]: self.allows_client_credentials,
        }
        return any(allowed.get(grant_type, False) for grant_type in grant_types)

    def is_usable(self, request: object) -> bool:
        """Refuse new and old tokens while the connection is switched off (R1a). The toolkit calls this for both."""
        return bool(self.connection.enabled)

    def get_allowed_schemes(self) -> list[str]:
        """Allow redirects by https; by http only while the service itself is on loopback, where nobody can listen."""
        return ["https", "http"] if settings.PUBLIC_URL_IS_LOOPBACK else ["https"]


class UsedCode(models.Model):
    """An authorization code that gave tokens, as a hash, and the family of those tokens (RFC 6749 section 4.1.2).

    With this row, a second use of the code ends the family. It is stored while the family has a live refresh token.
    """

    client = models.ForeignKey("scim.OAuthClient", models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64, unique=True)
    token_family = models.UUIDField()
    used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"code of {self.used_at:%Y-%m-%d %H:%M} UTC"


class ClientSecret(models.Model):
    """A secret of an OAuth client, stored as a hash. Two may be live at once, so the IdP can change its secret without a pause.

    ``ends_at`` is the planned end or the time of revocation; None: no end.
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
    """A long-lived token for SCIM of one connection and nothing else. Entra and Okta's header mode need it.

    Only its hash is stored. An event names the administrator who created it. It acts for the connection and stays valid without them (R21).
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
        """The present state of the token, in a word."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= timezone.now() else "live"


class Method(models.TextChoices):
    """The HTTP methods that the log records. The text of any other method is not stored, because a stranger may have written it."""

    GET = "GET", "GET"
    POST = "POST", "POST"
    PUT = "PUT", "PUT"
    PATCH = "PATCH", "PATCH"
    DELETE = "DELETE", "DELETE"
    OTHER = "other", "another"


class ProvisioningRecord(models.Model):
    """The result of one SCIM request (R35). It contains no body, filter or header; those are in `Payload` for a short time.

    ``sentence`` is the ``detail`` of an error, which may name the sender's own values. ``keys`` find the row by the names in the message
    (`core_identity.lookup_keys`). Erasing a person empties both.

    ``connection_slug`` is the slug in the address; ``connection_id`` is empty if the client did not authenticate. There is no foreign key, so an
    INSERT never waits for a lock.
    """

    at = models.DateTimeField("time", db_index=True)
    connection_id = models.UUIDField(null=True)
    connection_slug = models.CharField("connection", max_length=40, blank=True)
    method = models.CharField(max_length=6, choices=Method.choices)
    resource_type = models.CharField(max_length=30, blank=True)
    resource_id = models.UUIDField(null=True)
    status = models.PositiveSmallIntegerField()
    scim_type = models.CharField("scimType", max_length=30, blank=True)
    decision = models.CharField(max_length=300, blank=True)
    reference = models.CharField(max_length=10, blank=True)
    duration_ms = models.PositiveIntegerField("duration in ms")
    cause = models.CharField(max_length=30, blank=True)
    sentence = models.CharField("answer to the client", max_length=1024, blank=True)
    keys = ArrayField(models.BigIntegerField(), default=list, editable=False)

    class Meta:
        verbose_name = "provisioning request"
        verbose_name_plural = "provisioning log"
        ordering = ("-id",)
        indexes = (
            models.Index(name="provisioning_by_reference", fields=("reference",)),
            GinIndex(name="provisioning_by_key", fields=("keys",)),
            # Refused requests: for the timeline of each person whom one of them names.
            GinIndex(name="provisioning_refusal_by_key", fields=("keys",), condition=models.Q(status__gte=400)),
            models.Index(name="provisioning_by_connection", fields=("connection_slug", "-id")),
            models.Index(
                name="provisioning_by_resource",
                fields=("resource_id", "-id"),
                condition=models.Q(resource_id__isnull=False),
            ),
            models.Index(name="provisioning_failed", fields=("-id",), condition=models.Q(status__gte=400)),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.resource_type} {self.status} {self.reference}"


class Payload(models.Model):
    """The message of a client and our answer, stored for `PAYLOAD_LOG_DAYS` as JSON in ASCII. `scim.log.payloads` removes secrets before.

    There is no foreign key, as in the log itself. The permission to view a payload is separate from the permission to read the log.
    """

    record_id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    path = models.CharField(max_length=200, blank=True)
    query = models.TextField(blank=True)
    sent = models.TextField(blank=True)
    answered = models.TextField(blank=True)

    class Meta:
        verbose_name = "payload of a provisioning request"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"payload of request {self.record_id}"

from datetime import timedelta
from typing import ClassVar, Final

from django.conf import settings
from django.db import models

from sso.saml.assertion import Idp, Sp

SIGN_IN_LASTS: Final = timedelta(minutes=15)
"""How long somebody may take at the IdP."""


class SamlSettings(models.Model):
    """The SAML side of a connection: whom we believe, and under which names the IdP sends its attributes (R12)."""

    connection = models.OneToOneField("core_identity.Connection", models.PROTECT, related_name="saml")
    idp_entity_id = models.CharField("entity ID of the IdP", max_length=1024)
    sso_url = models.CharField("single sign-on URL of the IdP", max_length=2000)
    slo_url = models.CharField("single logout URL of the IdP", max_length=2000, blank=True)
    certificates = models.JSONField(help_text="Signing certificates of the IdP, as PEM. Any of them may have signed.")
    want_response_signed = models.BooleanField(
        "the Response must be signed too",
        default=True,
        help_text="The Assertion must be signed always. Okta signs both.",
    )
    idp_initiated = models.BooleanField(
        "sign-ins may start at the IdP",
        default=False,
        help_text="Okta's dashboard tile needs it. Such a sign-in answers no request of ours, so it proves less.",
    )
    first_name_attribute = models.CharField(max_length=255, default="FirstName")
    last_name_attribute = models.CharField(max_length=255, default="LastName")
    email_attribute = models.CharField(max_length=255, default="Email")
    title_attribute = models.CharField("position attribute", max_length=255, default="Title", blank=True)
    company_attribute = models.CharField(max_length=255, default="Organization", blank=True)
    department_attribute = models.CharField(max_length=255, default="Department", blank=True)
    groups_attribute = models.CharField(max_length=255, default="Group", blank=True)
    external_id_attribute = models.CharField(
        "externalId attribute",
        max_length=255,
        blank=True,
        help_text="Where the assertion carries the externalId that SCIM sends: then it alone is the second mark (R8b).",
    )

    ATTRIBUTES: ClassVar[tuple[str, ...]] = (
        "first_name", "last_name", "email", "title", "company", "department", "groups", "external_id"
    )  # fmt: skip
    """What can be mapped; the field of each is ``<name>_attribute``."""

    class Meta:
        verbose_name = "SAML settings"
        verbose_name_plural = "SAML settings"

    def __str__(self) -> str:
        return f"SAML settings of {self.connection}"

    @property
    def idp(self) -> Idp:
        return Idp(self.idp_entity_id, self.sso_url, tuple(self.certificates), self.want_response_signed)

    @property
    def sp(self) -> Sp:
        """Who we are to this IdP. From the configured address, never from a header of the request."""
        base = f"{settings.PUBLIC_URL}/sso/{self.connection.slug}"
        return Sp(entity_id=f"{base}/metadata", acs_url=f"{base}/acs")


class SignInState(models.Model):
    """What we remember of a sign-in while the browser is away at the IdP.

    The browser comes back by a POST from another site, without its session cookie. So the state stays here, and the browser proves by a cookie of
    its own that it is the one that left. Both of its steps (``used_at``, ``finished_at``) are taken once, by one atomic update. Secrets are kept as
    hashes: whoever reads this table can finish nobody's sign-in.
    """

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    request_id = models.CharField(
        max_length=64, unique=True, null=True, help_text="ID of our AuthnRequest; empty where the IdP began."
    )
    browser_hash = models.CharField(max_length=64)
    next_path = models.CharField(max_length=2000, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    ticket_hash = models.CharField(max_length=64, unique=True, null=True)
    identity = models.ForeignKey("core_identity.Identity", models.PROTECT, null=True, related_name="+")
    session_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sign-in by {self.connection_id}"


class UsedAssertion(models.Model):
    """An assertion that opened a session. The same one never opens another, on no node and after no restart."""

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    assertion_id = models.CharField(max_length=512)
    until = models.DateTimeField(db_index=True, help_text="From then on its own NotOnOrAfter refuses it.")

    class Meta:
        constraints = (models.UniqueConstraint(name="assertion_used_once", fields=("connection", "assertion_id")),)

    def __str__(self) -> str:
        return self.assertion_id

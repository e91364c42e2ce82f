from datetime import timedelta
from typing import ClassVar, Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from core_identity.attributes import FOLLOWED, NAMES
from sso.saml.parties import LABELS, UNSPECIFIED, Binding, Idp, Place, Signed, Sp, Wishes, choose

BINDINGS: Final = ((Binding.REDIRECT.value, "Redirect"), (Binding.POST.value, "POST"))

SIGN_IN_LASTS: Final = timedelta(minutes=15)
"""The time that a person has at the IdP."""


class SamlSettings(models.Model):
    """The SAML settings of a connection: the trusted keys of the IdP, and the names of its attributes (R12)."""

    connection = models.OneToOneField("core_identity.Connection", models.PROTECT, related_name="saml")
    idp_entity_id = models.CharField("entity ID of the identity provider", max_length=1024)
    sso_url = models.CharField("single sign-on URL of the identity provider", max_length=2000, blank=True)
    sso_post_url = models.CharField("single sign-on URL of the identity provider, by POST", max_length=2000, blank=True)
    sso_binding = models.CharField(
        "binding of our AuthnRequests",
        max_length=8,
        choices=BINDINGS,
        default=Binding.REDIRECT.value,
        help_text="Redirect or POST. If the identity provider has no address for this one, we use the other.",
    )
    slo_url = models.CharField("single logout URL of the identity provider", max_length=2000, blank=True)
    slo_answer_url = models.CharField("URL of the identity provider for logout answers", max_length=2000, blank=True)
    slo_post_url = models.CharField("single logout URL of the identity provider, by POST", max_length=2000, blank=True)
    slo_post_answer_url = models.CharField(
        "URL of the identity provider for logout answers, by POST", max_length=2000, blank=True
    )
    slo_binding = models.CharField(
        "binding of our logout messages",
        max_length=8,
        choices=BINDINGS,
        default=Binding.POST.value,
        help_text="Okta certainly accepts POST. If the identity provider has no address for this one, we use the other.",
    )
    certificates = models.JSONField(
        help_text="Signing certificates of the identity provider, as PEM. We accept a signature by any of them."
    )
    signed = models.CharField(
        "what the identity provider must sign",
        max_length=9,
        choices=LABELS,
        default=Signed.BOTH.value,
        help_text="Okta signs both. Entra, ADFS and Google sign the Assertion by default. Shibboleth and a Keycloak client created by hand "
        "sign the Response. Use the last choice only while an identity provider changes from one to the other.",
    )
    want_encrypted = models.BooleanField(
        "assertions must be encrypted",
        default=False,
        help_text="If we have a key, we always accept encrypted assertions; with this setting we refuse all others. Give our certificate "
        "to the identity provider first.",
    )
    sign_requests = models.BooleanField(
        "we sign our AuthnRequests",
        default=False,
        help_text="For an identity provider that checks them. Give it our certificate first. Otherwise it refuses everybody on its own page.",
    )
    sign_metadata = models.BooleanField(
        "we sign our metadata",
        default=False,
        help_text="For an identity provider that checks this. Okta and Entra do not.",
    )
    force_authn = models.BooleanField(
        "the identity provider must ask people again at each sign-in",
        default=False,
        help_text="People must sign in again at the identity provider each time, even with a session there, and the answer must confirm it.",
    )
    authn_context = models.CharField(
        "how people must prove their identity",
        max_length=255,
        blank=True,
        help_text="An AuthnContextClassRef that each AuthnRequest demands and each answer must contain exactly. An identity provider that does not "
        "support it refuses everybody. Empty: the identity provider decides, which MFA needs.",
    )
    name_id_format = models.CharField(
        "NameID format that we request",
        max_length=255,
        default=UNSPECIFIED,
        help_text="The NameID should be the userName that SCIM sends, because it is a mark that identifies the person. Okta sends the format "
        "that is set in its app.",
    )
    metadata_url = models.CharField(
        "address of the identity provider's metadata",
        max_length=2000,
        blank=True,
        help_text="The address for `connection refresh-metadata`. Changes are pending until an administrator adopts them.",
    )
    metadata_valid_until = models.DateTimeField("metadata is valid until", null=True)
    proposed = models.JSONField(
        null=True, help_text="Addresses and certificates from a refresh that nobody has adopted yet."
    )
    refreshed_at = models.DateTimeField("last refresh", null=True)
    refresh_fault = models.TextField("fault of the last refresh", blank=True)
    clock_skew = models.PositiveSmallIntegerField(
        "seconds that clocks may differ",
        default=120,
        help_text="0 to 300. An assertion may be early or late by this number of seconds.",
    )
    email_domains = models.JSONField(
        "email domains",
        default=list,
        blank=True,
        help_text="The sign-in page sends people with an address in a verified domain to this connection.",
    )
    idp_initiated = models.BooleanField(
        "sign-ins may start at the identity provider",
        default=False,
        help_text="Okta's dashboard tile needs it. Such a sign-in does not answer a request from us, so it proves less: a stolen, unused one "
        "opens a session in any browser. A bookmark app in Okta with our sign-in page gives the same tile without this.",
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
        help_text="If the assertion contains the externalId that SCIM sends, enter its attribute: it is then the only mark beside the UID.",
    )

    ATTRIBUTES: ClassVar[tuple[str, ...]] = (
        *(name.field for name in NAMES), "email", *(one.field for one in FOLLOWED if not one.is_name), "groups", "external_id"
    )  # fmt: skip
    """The attributes that can be mapped; the field of each is ``<name>_attribute``."""

    PLACES: ClassVar[tuple[str, ...]] = (
        "sso_url", "sso_post_url", "slo_url", "slo_answer_url", "slo_post_url", "slo_post_answer_url"
    )  # fmt: skip
    """The addresses of the IdP. Those without ``post`` in the name are for the Redirect binding."""

    class Meta:
        verbose_name = "SAML settings"
        verbose_name_plural = "SAML settings"
        constraints = (
            models.CheckConstraint(name="signed_is_known", condition=models.Q(signed__in=list(Signed))),
            models.CheckConstraint(name="clock_skew_bounded", condition=models.Q(clock_skew__lte=300)),
            models.CheckConstraint(
                name="somewhere_to_sign_in", condition=~models.Q(sso_url="") | ~models.Q(sso_post_url="")
            ),
        )

    def __str__(self) -> str:
        return f"SAML settings of {self.connection}"

    @property
    def idp(self) -> Idp:
        return Idp(
            self.idp_entity_id,
            self.sso_place.url,
            tuple(self.certificates),
            Signed(self.signed),
            self.want_encrypted,
        )

    @property
    def sso_place(self) -> Place:
        """Return the destination of AuthnRequests."""
        place = choose(Binding(self.sso_binding), redirect=self.sso_url, post=self.sso_post_url)
        if place is None:
            raise ValueError("The settings need a sign-in address of the identity provider.")
        return place

    @property
    def slo_place(self) -> Place | None:
        """Return the destination of our LogoutRequests; None if the IdP has no single logout."""
        return choose(Binding(self.slo_binding), redirect=self.slo_url, post=self.slo_post_url)

    @property
    def slo_answer_place(self) -> Place | None:
        """Return the destination of our LogoutResponses: the ResponseLocation, if the metadata has one (SAML metadata 2.2.2)."""
        return choose(Binding(self.slo_binding), redirect=self.slo_answer_url, post=self.slo_post_answer_url)

    @property
    def skew(self) -> timedelta:
        return timedelta(seconds=self.clock_skew)

    @property
    def sp(self) -> Sp:
        """Return our addresses for this IdP. They come from the configured address, never from a header of the request."""
        base = f"{settings.PUBLIC_URL}/sso/{self.connection.slug}"
        return Sp(entity_id=f"{base}/metadata", acs_url=f"{base}/acs", slo_url=f"{base}/logout")

    @property
    def wishes(self) -> Wishes:
        return Wishes(self.name_id_format, self.force_authn, self.authn_context)


class VerifiedDomain(models.Model):
    """An email domain that an administrator verified as the customer's. It leads to the connection. Written by `sso.settings.email_domains`."""

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    domain = models.CharField(max_length=253, help_text="As `normal_domain` makes it.")
    verified_at = models.DateTimeField()
    verified_by = models.CharField(max_length=300)

    class Meta:
        constraints = (models.UniqueConstraint(name="domain_verified_once", fields=("domain", "connection")),)

    def __str__(self) -> str:
        return self.domain


class KeyState(models.TextChoices):
    """The states of a key of ours, in order."""

    NEXT = "next", "next: announced, opens assertions, signs nothing yet"
    ACTIVE = "active", "active: announced, signs"
    OLD = "old", "old: still opens assertions"


class SpKey(models.Model):
    """A key of ours for one IdP. `sso.settings.keys` encrypts the private key, and only that module decrypts it."""

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    state = models.CharField(max_length=6, choices=KeyState)
    certificate = models.TextField(help_text="PEM.")
    sealed_key = models.TextField(help_text="The private key, encrypted.")

    class Meta:
        constraints = (models.UniqueConstraint(name="one_key_in_each_state", fields=("connection", "state")),)

    def __str__(self) -> str:
        return f"{self.state} key of {self.connection_id}"


class SignInState(models.Model):
    """A sign-in while the browser is away at the IdP.

    The browser returns by a POST from another site, without its session cookie. So the state is stored here, and a separate cookie proves that it
    is the same browser. Each step (``used_at``, ``finished_at``) is taken once, by one atomic update. Secrets are stored as hashes, so nobody can
    finish a sign-in with the content of this table.
    """

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    request_id = models.CharField(
        max_length=64, null=True, help_text="ID of our AuthnRequest; empty if the identity provider began."
    )
    browser_hash = models.CharField(max_length=64)
    from_elsewhere = models.BooleanField(default=False, help_text="A page of another site sent the browser to us.")
    next_path = models.CharField(max_length=2000, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    ticket_hash = models.CharField(max_length=64, null=True)
    identity = models.ForeignKey("core_identity.Identity", models.PROTECT, null=True, related_name="+")
    session_until = models.DateTimeField(null=True)
    name_id = models.CharField(max_length=1024, blank=True)
    name_id_format = models.CharField(max_length=255, blank=True)
    session_index = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True)
    tester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="The administrator whose test sign-in it is. Set when it departs, and never changed.",
    )
    tester_session = models.CharField(max_length=64, blank=True, help_text="Hash of the session that began the test.")
    report = models.TextField(blank=True, help_text="The result of a test, encrypted by its ticket.")

    class Meta:
        constraints = (
            # Not `unique=True`: that makes a second index of each, for searches by a beginning.
            models.UniqueConstraint(name="sign_in_request_once", fields=("request_id",)),
            models.UniqueConstraint(name="sign_in_ticket_once", fields=("ticket_hash",)),
            models.CheckConstraint(
                name="a_test_opens_no_session", condition=models.Q(tester=None) | models.Q(identity=None)
            ),
        )

    def __str__(self) -> str:
        return f"sign-in by {self.connection_id}"

    @property
    def asked_for_here(self) -> bool:
        """Whether the person at the browser began the sign-in, as far as browsers show it.

        A message of the IdP alone, or a link on a foreign page, does not count.
        """
        return self.request_id is not None and not self.from_elsewhere


class UsedAssertion(models.Model):
    """An assertion that opened a session. It never opens another one, on any node, nor after a restart."""

    # No index of its own: `assertion_used_once` begins with it.
    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+", db_index=False)
    assertion_id = models.CharField(max_length=512)
    until = models.DateTimeField(db_index=True, help_text="The message is refused by its age long before.")

    class Meta:
        constraints = (models.UniqueConstraint(name="assertion_used_once", fields=("connection", "assertion_id")),)

    def __str__(self) -> str:
        return self.assertion_id


class SsoSession(models.Model):
    """A session here with the IdP's names for it, so that a logout ends this session and no other."""

    # No index of its own: `sso_session_by_name_id` begins with it.
    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+", db_index=False)
    identity = models.ForeignKey("core_identity.Identity", models.PROTECT, related_name="+")
    session_key = models.CharField(max_length=40)
    name_id = models.CharField(max_length=1024)
    name_id_format = models.CharField(max_length=255, blank=True)
    session_index = models.TextField(blank=True)
    until = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(name="sso_session_once", fields=("session_key",)),)
        indexes = (models.Index(name="sso_session_by_name_id", fields=("connection", "name_id")),)

    def __str__(self) -> str:
        return f"session by {self.connection_id}"


class SignInKind(models.TextChoices):
    """The outcomes of the sign-in log in five groups; `sso.sign_in.outcomes` has the words of each code."""

    SIGNED_IN = "signed_in", "signed in"
    PERSON_REFUSED = "person_refused", "person refused"
    MESSAGE_REFUSED = "message_refused", "message refused"
    PASSWORD_REFUSED = "password_refused", "password refused"
    SIGNED_OUT = "signed_out", "sign-out"


class SignInRecord(models.Model):
    """The result of one sign-in or sign-out. No field contains an assertion, nor a value of an assertion that is not verified.

    ``name_id``, ``uid`` and ``email`` are of a verified assertion whose person was refused. ``keys`` find the row by these names
    (`core_identity.lookup_keys`). Erasing a person empties them. A sign-in with a password has no connection.
    ``connection_slug`` is the slug in the address. ``code`` names the check that failed; ``expected`` and ``received`` are its values. ``checks``
    are all checks (`sso.sign_in.log.as_json`). There is no foreign key, so an INSERT never waits for a lock.
    """

    at = models.DateTimeField("time", db_index=True)
    connection_id = models.UUIDField(null=True)
    connection_slug = models.CharField("connection", max_length=40, blank=True)
    reference = models.CharField(max_length=10, blank=True, db_index=True)
    kind = models.CharField(max_length=20, choices=SignInKind.choices, default=SignInKind.MESSAGE_REFUSED)
    code = models.CharField("outcome", max_length=40, help_text="signed_in, or the code of the refusal.")
    decision = models.CharField(max_length=300)
    idp_initiated = models.BooleanField(
        "started at the identity provider", null=True, help_text="Unknown if it was not believed."
    )
    identity_id = models.UUIDField(null=True)
    user_id = models.UUIDField(null=True)
    arrived = models.JSONField("attributes that arrived", default=list, help_text="Only names, never values.")
    missing = models.JSONField("attributes that are missing", default=list)
    expected = models.CharField(max_length=300, blank=True)
    received = models.CharField(max_length=300, blank=True)
    checks = models.JSONField(default=list)
    duration_ms = models.PositiveIntegerField("milliseconds", null=True)
    is_test = models.BooleanField("test sign-in", default=False, help_text="Changed nothing, and opened no session.")
    name_id = models.CharField("NameID", max_length=255, blank=True)
    uid = models.CharField("UID", max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    keys = ArrayField(models.BigIntegerField(), default=list, editable=False)

    class Meta:
        verbose_name = "sign-in"
        verbose_name_plural = "sign-in log"
        ordering = ("-id",)
        indexes = (
            GinIndex(name="sign_in_by_key", fields=("keys",)),
            # The refused rows, few beside a person's sign-ins: for the timeline of each person whom one of them names.
            GinIndex(
                name="sign_in_refused_by_key", fields=("keys",), condition=models.Q(kind=SignInKind.PERSON_REFUSED)
            ),
            models.Index(name="sign_in_by_kind", fields=("kind", "-id")),
            models.Index(name="sign_in_by_connection", fields=("connection_slug", "-id")),
            # Test sign-ins are rare, so the log would be read to its beginning for them.
            models.Index(name="sign_in_tests", fields=("-id",), condition=models.Q(is_test=True)),
            models.Index(
                name="sign_in_refused",
                fields=("connection_slug", "-at"),
                condition=~models.Q(code="signed_in") & models.Q(is_test=False),
            ),
            # For what was refused since the last sign-in through a connection, however many rows of other kinds came in between.
            models.Index(
                name="sign_in_unknown_certificate",
                fields=("connection_slug", "-at"),
                condition=models.Q(code="signature", is_test=False),
            ),
            models.Index(name="sign_in_by_user", fields=("user_id", "-id"), condition=models.Q(user_id__isnull=False)),
        )

    def __str__(self) -> str:
        return self.reference or "without a reference"

    @property
    def was_refused(self) -> bool:
        return self.code == "logout_refused" or self.kind not in {SignInKind.SIGNED_IN, SignInKind.SIGNED_OUT}

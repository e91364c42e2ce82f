import uuid

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models

from core_identity.clock import database_now
from core_identity.policy.overage import MAX_DAYS
from core_identity.write_guard import GuardedModel


class UidRule(models.TextChoices):
    """The content of the UID (R3). CORE never computes a UID: the rule decides what a changed UID means."""

    NAME = "name", "firstName.lastName"
    EMAIL = "email", "email address"
    OTHER = "other", "another stable, unique value"


class Mark(models.TextChoices):
    """Whether a sign-in needs a mark: a second fact, beside the UID, that agrees (R8b)."""

    REQUIRED = "required", "required"
    WAIVED = "waived", "waived: nobody can edit the UID at the identity provider"


class RolesFrom(models.TextChoices):
    """Which groups of the IdP give roles (R31)."""

    PUSH_GROUPS = "push_groups", "push groups (SCIM)"
    SSO_GROUPS = "sso_groups", "groups in the assertion (SSO)"
    BOTH = "both", "both"


class UnknownGroup(models.TextChoices):
    """The treatment of a push group that gives no role (R29)."""

    WAIT = "wait", "accept it and let it wait"
    REFUSE = "refuse", "refuse it with an error"


class Reactivation(models.TextChoices):
    """The effect of ``active: true`` on an expired user (R22)."""

    KEEP_EXPIRED = "keep_expired", "nothing: an administrator decides"
    UNEXPIRE_OWN = "unexpire_own", "unexpires users that this connection expired, if nothing else changed"


class Connection(GuardedModel):
    """The configured link to one IdP (R1). It is never deleted, only switched off (R1a)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey("core_identity.Customer", models.PROTECT, related_name="connections")
    slug = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"\A[a-z0-9-]{1,40}\Z", "Use 1 to 40 of a-z, 0-9 and -.")],
        help_text="Part of every URL of this connection; it cannot be changed once the identity provider knows it.",
    )
    name = models.CharField(max_length=255)
    enabled = models.BooleanField(default=True)
    uid_attribute = models.CharField(
        "UID attribute",
        max_length=100,
        default="UID",
        help_text="Name of the SAML attribute, and of the SCIM attribute in the enterprise extension, that contains the UID.",
    )
    uid_rule = models.CharField("UID rule", max_length=10, choices=UidRule.choices, default=UidRule.NAME)
    uid_mark = models.CharField(
        "mark beside the UID",
        max_length=10,
        choices=Mark.choices,
        default=Mark.REQUIRED,
        help_text="A mark is the second fact that must agree before a sign-in opens an account: the externalId, a NameID or an email address.",
    )
    external_id_may_change = models.BooleanField(
        "externalId may change",
        default=False,
        help_text="For the UID rule 'other' only: the identity provider may change a person's externalId if UID and userName stay.",
    )
    uid_required_in_scim = models.BooleanField(
        "SCIM must send the UID",
        default=False,
        help_text="Otherwise the userName is the UID if none is sent.",
    )
    sso_creates_users = models.BooleanField(
        "SSO creates users", default=True, help_text="Whether the first sign-in of an unknown person creates a user."
    )
    own_idp = models.BooleanField(
        "our own identity provider",
        default=False,
        help_text="Only a sign-in through such a connection gives staff rights.",
    )
    roles_from = models.CharField(max_length=12, choices=RolesFrom.choices, default=RolesFrom.PUSH_GROUPS)
    overage_days = models.PositiveSmallIntegerField(
        "days without a list of groups",
        default=MAX_DAYS,
        validators=[MaxValueValidator(MAX_DAYS)],
        help_text="Entra does not list the groups of a person with more than 150. The roles from sign-ins then stay for this number of days "
        "after the last full list, 30 at most. 0: they end at once.",
    )
    unknown_group = models.CharField(max_length=10, choices=UnknownGroup.choices, default=UnknownGroup.WAIT)
    reactivation = models.CharField(max_length=20, choices=Reactivation.choices, default=Reactivation.KEEP_EXPIRED)
    rekey_until = models.DateTimeField(
        "re-key until",
        null=True,
        blank=True,
        editable=False,
        help_text="Until then, a message that agrees in two of UID, externalId and userName may change the third.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("slug",)
        constraints = (
            models.CheckConstraint(
                name="connection_slug_form",
                condition=models.Q(slug__regex=r"^[a-z0-9-]{1,40}$"),
            ),
            models.CheckConstraint(
                name="connection_overage_days_bounded", condition=models.Q(overage_days__lte=MAX_DAYS)
            ),
            models.CheckConstraint(
                name="connection_mark_waived_for_other_only",
                condition=~models.Q(uid_mark=Mark.WAIVED) | models.Q(uid_rule=UidRule.OTHER),
            ),
            models.CheckConstraint(
                name="connection_external_id_may_change_for_other_only",
                condition=models.Q(external_id_may_change=False) | models.Q(uid_rule=UidRule.OTHER),
            ),
        )

    def __str__(self) -> str:
        return self.slug

    @property
    def rekeying(self) -> bool:
        return self.rekey_until is not None and database_now() < self.rekey_until

    @property
    def takes_push_groups(self) -> bool:
        return self.roles_from != RolesFrom.SSO_GROUPS

    @property
    def takes_sso_groups(self) -> bool:
        return self.roles_from != RolesFrom.PUSH_GROUPS

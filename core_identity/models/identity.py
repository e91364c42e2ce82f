import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db import models

from core_identity.write_guard import GuardedModel

NOT_LIVE = models.Q(active=False) | models.Q(deleted_at__isnull=False)
"""Identities whose IdP deactivated or deleted the person."""


@dataclass(slots=True)
class Loaded:
    """The rows that were read together with an identity under its lock, so that no service reads them again.

    ``uid_row`` is the row of its current UID. ``settled_keys`` are pairs of UID and externalId, as conflicts are found by them, for which no conflict
    is pending; none if one is pending for the person in any way (R9). ``groups`` are the SCIM id and the name of each of its push groups; None if not
    read.
    """

    uid_row: "IdentityUid | None"
    settled_keys: Collection[tuple[str, str]] = ()
    groups: tuple[tuple[str, str], ...] | None = None


class Identity(GuardedModel):
    """A person as one IdP sends them: the SCIM resource. It mirrors the IdP completely, while the user belongs to CORE.

    An identity that SCIM has never pushed (``pushed_at`` empty) is not a SCIM resource, unless an administrator offered it. A deleted identity is not
    a SCIM resource either (R8a, R10, R20).
    """

    loaded: Loaded | None = None
    """None if the identity was read alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: `identity_user_name_once` begins with it.
    connection = models.ForeignKey(
        "core_identity.Connection", models.PROTECT, related_name="identities", db_index=False
    )
    user = models.ForeignKey("core_identity.User", models.PROTECT, related_name="identities")
    scim_id = models.UUIDField("SCIM id", unique=True, default=uuid.uuid4, editable=False)
    user_name = models.CharField("userName", max_length=255, blank=True)
    user_name_key = models.CharField(
        max_length=255, null=True, blank=True, editable=False, help_text="Empty after the name was given up."
    )
    external_id = models.CharField("externalId", max_length=255, null=True, blank=True)
    active = models.BooleanField(default=True, help_text="The value from the identity provider.")
    given_name = models.CharField(max_length=1024, blank=True)
    family_name = models.CharField(max_length=1024, blank=True)
    email = models.CharField(max_length=255, blank=True)
    email_key = models.CharField(max_length=255, blank=True, editable=False)
    title = models.CharField(max_length=1024, blank=True)
    organization = models.CharField(max_length=1024, blank=True)
    department = models.CharField(max_length=1024, blank=True)
    attributes = models.JSONField(default=dict, blank=True, help_text="Other SCIM attributes, kept as sent.")
    drift_uid = models.CharField(
        "UID not applied",
        max_length=255,
        blank=True,
        help_text="The last UID from the identity provider that was not accepted (drift).",
    )
    uid_needs_decision = models.BooleanField(
        default=False,
        editable=False,
        help_text="Only an administrator may accept a new UID, because it arrived while the person was inactive, "
        "or after this connection unexpired them.",
    )
    name_id = models.CharField("last NameID", max_length=255, blank=True)
    name_id_key = models.CharField(max_length=255, blank=True, editable=False)
    pushed_at = models.DateTimeField(null=True, blank=True, help_text="First push by SCIM; empty: came by SSO only.")
    offered_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="An administrator offers this user to the connection; the first push or sign-in with this userName claims the user.",
    )
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When SCIM deleted the resource.")
    signed_in_at = models.DateTimeField(null=True, blank=True)
    unmapped_groups = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="Groups of the last sign-in that gave no role, each with the time when it was first seen.",
    )
    groups_absent_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when sign-ins contain no attribute for groups."
    )
    groups_unlisted_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Since when the identity provider does not list the groups.",
    )
    groups_listed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="The last full list before that; empty if there was none.",
    )
    reactivation_requested_at = models.DateTimeField(
        null=True, blank=True, help_text="The identity provider lists an expired user as active again."
    )
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text="Increases when sessions must end; a session of an older epoch has ended."
    )
    version = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now_add=True)

    RESOURCE = models.Q(deleted_at__isnull=True) & (
        models.Q(pushed_at__isnull=False) | models.Q(offered_at__isnull=False)
    )
    RESOURCE_SQL = "(deleted_at IS NULL AND (pushed_at IS NOT NULL OR offered_at IS NOT NULL))"

    class Meta:
        verbose_name_plural = "identities"
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(name="identity_user_name_once", fields=("connection", "user_name_key")),
            models.UniqueConstraint(name="identity_external_id_once", fields=("connection", "external_id")),
            models.UniqueConstraint(name="identity_user_once_per_connection", fields=("connection", "user")),
        )
        indexes = (
            models.Index(
                # Of SCIM resources only, so that their keys are counted and skipped without a look at their rows.
                name="identity_by_page",
                fields=("connection", "created_at", "id"),
                condition=models.Q(deleted_at__isnull=True)
                & (models.Q(pushed_at__isnull=False) | models.Q(offered_at__isnull=False)),
            ),
            models.Index(name="identity_by_change", fields=("connection", "changed_at")),
            models.Index(name="identity_not_live", fields=("user",), condition=NOT_LIVE),
            models.Index(
                name="identity_active",
                fields=("connection",),
                condition=models.Q(active=True, deleted_at__isnull=True),
            ),
            models.Index(name="identity_by_email", fields=("email_key", "connection")),
            models.Index(
                # Without the empty text, which most rows have. With it PostgreSQL would expect most rows for any value.
                name="identity_by_name_id",
                fields=("connection", "name_id_key"),
                condition=~models.Q(name_id_key=""),
            ),
            models.Index(
                name="identity_reactivation",
                fields=("user",),
                condition=models.Q(reactivation_requested_at__isnull=False),
            ),
            models.Index(
                name="identity_groups_unlisted",
                fields=("connection",),
                condition=models.Q(groups_unlisted_since__isnull=False),
            ),
            models.Index(
                # By random keys, so the first rows are a fair sample. No time: a sign-in would then write every index of the row.
                name="identity_groups_unmapped",
                fields=("connection", "id"),
                condition=~models.Q(unmapped_groups={}),
            ),
            models.Index(
                name="identity_by_sign_in_only",
                fields=("connection", "-created_at", "id"),
                condition=models.Q(pushed_at__isnull=True, deleted_at__isnull=True),
            ),
            models.Index(
                # The few of whom a filter over emails must look beyond the main one.
                name="identity_more_emails",
                fields=("connection",),
                condition=models.Q(attributes__emails__1__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.user_name or self.name_id or str(self.scim_id)

    @property
    def is_resource(self) -> bool:
        """Whether /Users shows the identity. `RESOURCE` and `RESOURCE_SQL` are the same condition for queries."""
        return self.deleted_at is None and (self.pushed_at is not None or self.offered_at is not None)


class IdentityUid(GuardedModel):
    """One UID that an identity has or had. Each UID finds only that identity (R5)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: `uid_once_per_connection` begins with it.
    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+", db_index=False)
    identity = models.ForeignKey("core_identity.Identity", models.PROTECT, related_name="uids")
    uid = models.CharField("UID", max_length=255)
    uid_key = models.CharField(max_length=255, editable=False)
    current = models.BooleanField(default=True)
    derived = models.BooleanField(default=False, help_text="The userName, used because no UID was sent.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "UID"
        verbose_name_plural = "UIDs"
        ordering = ("-current", "-created_at")
        constraints = (
            models.UniqueConstraint(name="uid_once_per_connection", fields=("connection", "uid_key")),
            models.UniqueConstraint(name="uid_one_current", fields=("identity",), condition=models.Q(current=True)),
        )

    def __str__(self) -> str:
        return self.uid

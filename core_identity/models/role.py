import uuid

from django.db import models

from core_identity.values import Channel
from core_identity.write_guard import GuardedModel


class Role(GuardedModel):
    """A set of permissions. Only administrators create, rename and delete roles (R27)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    name_key = models.CharField(max_length=255, unique=True, editable=False)
    description = models.TextField(blank=True)
    marked_protected = models.BooleanField(
        "protected",
        default=False,
        help_text="No channel can give a protected role. A role that may change people, connections, roles or the "
        "administration is always protected, marked or not.",
    )
    permissions = models.ManyToManyField("auth.Permission", blank=True)
    grantable_by = models.ManyToManyField(
        "core_identity.Connection",
        blank=True,
        related_name="grantable_roles",
        help_text="Connections whose groups with this name give the role.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name_key",)

    def __str__(self) -> str:
        return self.name


class RoleAlias(GuardedModel):
    """Another name by which a group reaches a role, from every connection that may give it (R28).

    A name belongs to one role, as its own name or as an alias. A trigger of the database compares the two tables.
    """

    id = models.BigAutoField(primary_key=True)
    role = models.ForeignKey(Role, models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=255)
    name_key = models.CharField(max_length=255, unique=True, editable=False)

    class Meta:
        verbose_name_plural = "role aliases"
        ordering = ("name_key",)

    def __str__(self) -> str:
        return self.name


class Grant(GuardedModel):
    """One user's hold on a role, with its source: channel, connection and group (R32).

    ``key`` distinguishes the sources of one connection: the id of the push group, or the compared name of an SSO group. It is empty for an
    administrator. ``label`` is the name that pages show. Only grants by an administrator have ``given_by`` and a ``reason``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: `grant_once_per_source` begins with it.
    user = models.ForeignKey("core_identity.User", models.PROTECT, related_name="grants", db_index=False)
    role = models.ForeignKey("core_identity.Role", models.PROTECT, related_name="grants")
    channel = models.CharField(max_length=10, choices=[(channel.value, channel.value) for channel in Channel])
    # No index of its own: only grants by sign-ins are found by their connection (`grant_by_sign_in`).
    connection = models.ForeignKey(
        "core_identity.Connection", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    key = models.CharField(max_length=255, blank=True)
    label = models.CharField(max_length=255, blank=True)
    given_by = models.CharField(max_length=300, blank=True, db_default="")
    reason = models.CharField(max_length=1024, blank=True, db_default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(
                name="grant_once_per_source",
                fields=("user", "role", "channel", "connection", "key"),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="grant_source_complete",
                condition=(
                    models.Q(channel=Channel.ADMIN.value, connection__isnull=True, key="")
                    | (~models.Q(channel=Channel.ADMIN.value) & models.Q(connection__isnull=False) & ~models.Q(key=""))
                ),
            ),
        )
        indexes = (
            models.Index(name="grant_by_source", fields=("channel", "key", "user")),
            models.Index(
                name="grant_by_sign_in", fields=("connection",), condition=models.Q(channel=Channel.SSO.value)
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} has {self.role_id} by {self.channel} {self.label}".strip()

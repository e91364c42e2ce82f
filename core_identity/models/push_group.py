import uuid

from django.db import models

from core_identity.write_guard import GuardedModel


class PushGroup(GuardedModel):
    """A group that an IdP pushed: the SCIM *Group* resource. It is linked to a role, or waits for one (R28, R29)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="push_groups")
    scim_id = models.UUIDField("SCIM id", unique=True, default=uuid.uuid4, editable=False)
    display_name = models.CharField(max_length=255)
    name_key = models.CharField(max_length=255, editable=False)
    external_id = models.CharField("externalId", max_length=255, blank=True)
    role = models.ForeignKey(
        "core_identity.Role",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="push_groups",
        help_text="The role that its members get; empty: waiting.",
    )
    version = models.PositiveBigIntegerField(default=1, editable=False)
    member_count = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="Members after the last message. A merge or an erasure does not change it, so it only decides how an answer looks.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now_add=True)
    named_groups = 0
    """Not stored: the number of ids of groups that the last message listed as members. A group cannot be a member."""
    answer_ids: "list[str] | None" = None
    """Not stored: the ids of the members that an answer shows, if they were just read. Otherwise None."""

    class Meta:
        ordering = ("created_at", "id")
        constraints = (models.UniqueConstraint(name="push_group_name_once", fields=("connection", "name_key")),)
        indexes = (
            models.Index(name="push_group_by_page", fields=("connection", "created_at", "id")),
            # Beginnings of names, of all connections: the search box.
            models.Index(name="push_group_by_name", fields=("name_key",), opclasses=["varchar_pattern_ops"]),
        )

    def __str__(self) -> str:
        return self.display_name


class PushGroupMember(GuardedModel):
    """The membership of an identity in a push group. It stays while the identity is not a SCIM resource (R29)."""

    id = models.BigAutoField(primary_key=True)
    # No index of its own: `push_group_member_once` begins with it, and a look-up of one member must not read the whole group.
    group = models.ForeignKey(PushGroup, models.CASCADE, related_name="members", db_index=False)
    identity = models.ForeignKey("core_identity.Identity", models.PROTECT, related_name="memberships")

    class Meta:
        constraints = (models.UniqueConstraint(name="push_group_member_once", fields=("group", "identity")),)

    def __str__(self) -> str:
        return f"{self.identity_id} in {self.group_id}"


class ExpectedMember(GuardedModel):
    """An id in a push group that is not an identity of its connection yet. It becomes a member when an identity gets the id (R29)."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(PushGroup, models.CASCADE, related_name="expected", db_index=False)  # as above
    scim_id = models.UUIDField("SCIM id")

    class Meta:
        constraints = (models.UniqueConstraint(name="expected_member_once", fields=("group", "scim_id")),)
        indexes = (models.Index(name="expected_member_by_id", fields=("scim_id",)),)

    def __str__(self) -> str:
        return f"{self.scim_id} in {self.group_id}"

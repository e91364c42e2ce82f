import uuid

from django.db import models
from django.db.models import Q

from core_identity.policy.wording import CAUSES
from core_identity.values import Cause, Channel
from core_identity.write_guard import GuardedModel


class ConflictState(models.TextChoices):
    """The state of a conflict (R9)."""

    OPEN = "open", "open"
    SAME_PERSON = "same_person", "the same person"
    DIFFERENT_PEOPLE = "different_people", "different people"
    DISMISSED = "dismissed", "dismissed: messages are still refused, and only counted"
    GONE = "gone", "closed by itself"


class Conflict(GuardedModel):
    """A refused message that would have joined two people, or split one. An administrator decides (R9).

    ``sent_values`` contains the values of the person in the message. ``other`` is the user in the way. ``subject`` is the identity in the
    message, if CORE knows it (X of R8a). There is one row for each cause; ``count`` is the number of messages.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="conflicts")
    cause = models.CharField(max_length=20, choices=[(cause.value, cause.value) for cause in Cause])
    cause_key = models.CharField(max_length=64, editable=False, help_text="Digest that identifies the cause.")
    channel = models.CharField(max_length=10, choices=[(channel.value, channel.value) for channel in Channel])
    sent_values = models.JSONField(default=dict)
    uid_key = models.CharField(max_length=255, blank=True, editable=False)
    external_id = models.CharField("externalId", max_length=255, blank=True)
    value_key = models.CharField(max_length=600, blank=True, editable=False, help_text="The name or email in doubt.")
    subject = models.ForeignKey("core_identity.Identity", models.SET_NULL, null=True, blank=True, related_name="+")
    other = models.ForeignKey("core_identity.User", models.PROTECT, related_name="conflicts")
    other_identity = models.ForeignKey(
        "core_identity.Identity", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    message = models.CharField(max_length=1024, help_text="The answer to the identity provider or the person.")
    state = models.CharField(max_length=20, choices=ConflictState.choices, default=ConflictState.OPEN)
    let_through = models.BooleanField(
        default=False, editable=False, help_text="The next message with these keys counts as confirmed."
    )
    count = models.PositiveIntegerField("times received", default=1)
    first_at = models.DateTimeField("first received")
    last_at = models.DateTimeField("last received")
    reference = models.CharField("last reference", max_length=64, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=1024, blank=True)

    class Meta:
        ordering = ("-last_at", "id")
        constraints = (models.UniqueConstraint(name="conflict_once_per_cause", fields=("connection", "cause_key")),)
        indexes = (
            models.Index(name="conflict_open", fields=("connection",), condition=Q(state="open") | Q(let_through=True)),
            models.Index(name="conflict_by_keys", fields=("connection", "uid_key", "external_id")),
        )

    def __str__(self) -> str:
        return f"{CAUSES[Cause(self.cause)]}: {self.named}"

    @property
    def named(self) -> str:
        """The best name of the person in the message."""
        names = (self.sent_values.get(name) for name in ("user_name", "name_id", "email", "uid"))
        return next((str(name) for name in names if name), "somebody")

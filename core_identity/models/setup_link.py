from django.db import models
from django.db.models.functions import Now

from core_identity.write_guard import GuardedModel


class SetupLink(GuardedModel):
    """A link that lets one browser at a time set up one connection, for the customer's IT administrator (R38).

    The secrets of the link and of its browser are stored as hashes. ``created_by`` is the superuser who lends their rights: the link ends with them.
    """

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    created_by = models.ForeignKey("core_identity.User", models.PROTECT, related_name="+")
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, help_text="When a browser opened it last.")
    openings = models.PositiveIntegerField(db_default=0)
    browser_hash = models.CharField(max_length=64, blank=True, db_default="", db_index=True)
    seen_at = models.DateTimeField(null=True, help_text="When its browser was here last.")
    consented_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True, help_text="When the customer reported that they have finished.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"set-up link of {self.connection}"


class SetupProposal(GuardedModel):
    """A change that a set-up link asked for and may not make by itself. It waits for a superuser (R38).

    ``payload`` is what the link sent, such as metadata; never a secret. A new proposal of one kind replaces the waiting one.
    ``used_at`` is set when the link made use of a permission, such as that for a token.
    """

    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=30)
    payload = models.TextField(blank=True)
    proposed_by = models.CharField(max_length=300)
    proposed_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True)
    accepted = models.BooleanField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                name="one_pending_proposal_of_a_kind",
                fields=("connection", "kind"),
                condition=models.Q(decided_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} proposed for {self.connection}"

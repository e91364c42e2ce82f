import uuid

from django.db import models

from core_identity.write_guard import GuardedModel


class Burst(GuardedModel):
    """An alarm: a connection deactivated many people within an hour (R22a). The deactivations are applied. An administrator settles the alarm.

    The people of a burst are the users whom this connection expired between ``began_at`` and ``last_at``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="bursts")
    began_at = models.DateTimeField(help_text="The first deactivation of the hour in which the burst was noticed.")
    last_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-began_at",)
        indexes = (models.Index(name="burst_by_connection", fields=("connection", "-last_at")),)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.began_at:%Y-%m-%d %H:%M}"

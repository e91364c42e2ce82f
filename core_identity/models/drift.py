from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from core_identity.write_guard import GuardedModel


class DriftingIdentity(GuardedModel):
    """An identity that differs from its user (R18). Triggers of the database keep these rows, so no list compares all people.

    ``fields`` contains the names of `core_identity.selectors.drift.FIELDS` that differ. The ids rise with the time at which the drift began.
    """

    id = models.BigAutoField(primary_key=True)
    identity = models.OneToOneField("core_identity.Identity", models.CASCADE, related_name="drifting")
    connection = models.ForeignKey("core_identity.Connection", models.PROTECT, related_name="+", db_index=False)
    fields = ArrayField(models.CharField(max_length=20))
    since = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (models.Index(name="drifting_by_connection", fields=("connection", "id")),)

    def __str__(self) -> str:
        return f"{self.identity_id}: {', '.join(self.fields)}"

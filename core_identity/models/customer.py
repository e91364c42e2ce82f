import uuid

from django.db import models

from core_identity.write_guard import GuardedModel


class Customer(GuardedModel):
    """The owner of connections and users. Matching and uniqueness are within one customer (R1)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    name_key = models.CharField(max_length=255, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name_key",)

    def __str__(self) -> str:
        return self.name

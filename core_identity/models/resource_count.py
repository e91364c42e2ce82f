from django.db import models


class ResourceBlock(models.Model):
    """How many SCIM resources of a connection follow a key, up to the key of the next block: so that a list finds its place without counting.

    A key is a time of creation and the primary key of an identity. The first block of a connection begins before everybody.
    """

    connection_id = models.UUIDField()
    created_at = models.DateTimeField()
    identity_id = models.UUIDField()
    people = models.IntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(name="resource_block_once", fields=("connection_id", "created_at", "identity_id")),
        )

    def __str__(self) -> str:
        return f"{self.people} from {self.created_at}"


class ResourceChange(models.Model):
    """That an identity became a SCIM resource of a connection (+1) or is none any more (-1), and no block counts it yet.

    Only a trigger of the database writes it, in the transaction of the change. Nothing points to it, so nobody waits for it.
    """

    connection_id = models.UUIDField()
    created_at = models.DateTimeField()
    identity_id = models.UUIDField()
    people = models.SmallIntegerField()

    class Meta:
        indexes = (models.Index(name="resource_change_by_key", fields=("connection_id", "created_at", "identity_id")),)

    def __str__(self) -> str:
        return f"{self.people:+d} at {self.created_at}"

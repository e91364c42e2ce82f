from django.db import models


class ResourceBlock(models.Model):
    """The number of SCIM resources of a connection from a key up to the key of the next block. By it a list finds its page without counting.

    A key is a time of creation and the primary key of an identity. The first block of a connection begins before all identities.
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
    """A change that no block counts yet: an identity became a SCIM resource of a connection (+1), or stopped being one (-1).

    Only a trigger of the database writes it, in the transaction of the change. No row refers to it, so no transaction waits for it.
    """

    connection_id = models.UUIDField()
    created_at = models.DateTimeField()
    identity_id = models.UUIDField()
    people = models.SmallIntegerField()

    class Meta:
        indexes = (models.Index(name="resource_change_by_key", fields=("connection_id", "created_at", "identity_id")),)

    def __str__(self) -> str:
        return f"{self.people:+d} at {self.created_at}"

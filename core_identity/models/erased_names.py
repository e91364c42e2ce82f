from django.contrib.postgres.fields import ArrayField
from django.db import models


class ErasedNames(models.Model):
    """The traces of one erased person, for a day, so that a row of a log that is written later does not contain them (R34).

    Names are stored as numbers only (`core_identity.lookup_keys`). ``ids`` are of users, identities and SCIM resources; ``connections`` are those
    of the customer, because only their rows can name the person.
    """

    at = models.DateTimeField(db_index=True)
    connections = ArrayField(models.UUIDField())
    ids = ArrayField(models.UUIDField())
    keys = ArrayField(models.BigIntegerField())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"erasure of {self.at:%Y-%m-%d %H:%M} UTC"

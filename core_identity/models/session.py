from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Now


class Session(AbstractBaseSession):
    """The session of one browser, with its person. Written by `core_identity.sessions`.

    ``identity_id`` is empty for a session by password, and both ids are empty while nobody is signed in. There is no foreign key, so an INSERT never
    waits for a lock. The row may be there after the session ended: `core_identity.selectors.sessions` returns the live ones.
    """

    user_id = models.UUIDField(null=True, editable=False)
    identity_id = models.UUIDField(null=True, editable=False)
    began_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        default_permissions = ()
        permissions = (("end_session", "Can end the sessions of a user"),)
        indexes = (
            models.Index(name="session_by_user", fields=("user_id",), condition=models.Q(user_id__isnull=False)),
        )

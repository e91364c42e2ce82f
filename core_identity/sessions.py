"""Sessions in the database, which end by the database's clock (R21)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import DatabaseError, IntegrityError
from django.db.models import CharField
from django.utils.crypto import get_random_string

from core_identity.clock import Now
from core_identity.compiled import Compiled, Given

if TYPE_CHECKING:
    from core_identity.models import Identity

IDENTITY: Final = "identity"
"""The key of the identity to which a session belongs. A session by password has none."""

_LIVE: Final = Compiled(
    lambda: SessionStore.get_model_class().objects.filter(
        session_key=Given("session_key", CharField()), expire_date__gt=Now()
    )
)


class SessionStore(DatabaseStore):
    """A store that compares with the clock of the database. A node with a fast clock would end all sessions, and a slow one keep ended ones.

    It also writes a new session by one statement. Django writes it twice, by five statements. The row names its person, for `selectors.sessions`.
    """

    identity: "Identity | None" = None
    """The identity of the session, after `core_identity.backends` has read it."""

    _is_new = False

    @classmethod
    def get_model_class(cls) -> Any:
        # Imported late, because this module is imported before the models.
        from core_identity.models import Session

        return Session

    def begin(self) -> None:
        """Begin a session with nothing in it, under a new key. The row is written by the first `save`, at the end of the request."""
        self.flush()
        self._session_key = self._get_new_session_key()
        self._session_cache: dict[str, Any] = {}
        self._is_new = self.modified = self.accessed = True
        self.identity = None

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
            return
        must_create = must_create or self._is_new
        data: Any = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # of Django, and without types
        row = self.create_model_instance(data)
        try:
            if must_create:
                row.save(force_insert=True)
            else:
                row.save(force_update=True, update_fields=_CHANGING)
        except IntegrityError as error:
            if must_create:
                raise CreateError from error
            raise
        except DatabaseError as error:
            if not must_create:
                raise UpdateError from error
            raise
        self._is_new = False

    def _get_new_session_key(self) -> str:
        """Return a key. It needs no check if it is free, because it has 165 bits, and the table refuses a second row."""
        return get_random_string(32, VALID_KEY_CHARS)

    def _get_session_from_db(self) -> Any:
        found = _LIVE.first(session_key=self.session_key)
        if found is None:
            self._session_key = None
        return found

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        session: Any = super().create_model_instance(data)
        session.expire_date = Now() + timedelta(seconds=self.get_expiry_age())
        session.user_id, session.identity_id = data.get(SESSION_KEY), data.get(IDENTITY)
        return session


_CHANGING: Final = ("session_data", "expire_date", "user_id", "identity_id")

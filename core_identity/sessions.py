"""Sessions in the database, which end by the database's clock (R21)."""

from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from core_identity.clock import Now


class SessionStore(DatabaseStore):
    """Django's store compares with the clock of the node: a fast one would end all sessions, a slow one would keep ended ones."""

    def _get_session_from_db(self) -> Any:
        found = self.model.objects.filter(session_key=self.session_key, expire_date__gt=Now()).first()
        if found is None:
            self._session_key = None
        return found

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        session = super().create_model_instance(data)
        session.expire_date = Now() + timedelta(seconds=self.get_expiry_age())
        return session

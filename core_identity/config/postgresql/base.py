import select
import time
from typing import Any, Final

from django.db.backends.postgresql import base

ASKED_EVERY: Final = 1.0
"""Seconds after which a kept connection is asked again whether it answers."""


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's, but a request asks the server only if the connection was not asked within a second, or if something arrived on it meanwhile.

    What arrives on an idle connection is its end: the server was stopped, or an administrator cut it.
    """

    _answered_at = float("-inf")

    def connect(self) -> None:
        super().connect()
        self._answered_at = time.monotonic()

    def is_usable(self) -> bool:
        if self.connection is None:
            return False
        if time.monotonic() - self._answered_at < ASKED_EVERY and _is_silent(self.connection):
            return True
        if not super().is_usable():
            return False
        self._answered_at = time.monotonic()
        return True


def _is_silent(connection: Any) -> bool:
    """Whether nothing can be read from the socket of a connection (one of psycopg), also not its end."""
    if connection.closed or connection.pgconn.socket < 0:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)

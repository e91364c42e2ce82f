import select
import time
from functools import cache
from typing import Any, Final

from django.db.backends.postgresql import base
from psycopg.adapt import AdaptersMap, Dumper, PyFormat
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import IntDumper

ASKED_EVERY: Final = 1.0
"""Seconds after which a kept connection is tested again."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with two differences.

    A request tests a kept connection only if the last test is over a second old, or if data arrived on it. Data on an idle connection means that
    the server ended it, because the server stopped or an administrator cut the connection.

    A small number that the server binds has the type of a number in SQL.
    """

    _answered_at = float("-inf")

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        return params | {"context": _with_numbers_as_in_sql(params["context"])}

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
    """Whether a connection (one of psycopg) is in no transaction, and its socket has neither data nor an end to read."""
    if connection.closed or connection.pgconn.transaction_status != TransactionStatus.IDLE:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)


class _NumberAsInSql(IntDumper):
    """The driver binds 5 as ``smallint``, for which PostgreSQL finds no ``substring`` and two ``generate_series``; in SQL 5 is an ``integer``."""

    def upgrade(self, obj: int, format: PyFormat) -> Dumper:  # noqa: A002 - the driver's name
        return self._int4_dumper if -(2**15) <= obj < 2**15 else super().upgrade(obj, format)


@cache
def _with_numbers_as_in_sql(context: AdaptersMap) -> AdaptersMap:
    adapters = AdaptersMap(context)
    adapters.register_dumper(int, _NumberAsInSql)
    return adapters

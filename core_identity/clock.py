"""The clock of all decisions about security: the clock of the database, which all nodes share.

A node with a wrong clock must not end, keep or forget anything too early or too late. In a query use `Now` as the right side of a
condition, which costs no statement. `django.utils.timezone.now` is for times that are only shown or logged.
"""

from datetime import datetime

from django.db import connection
from django.db.models.functions import Now

__all__ = ["Now", "database_now"]


def database_now() -> datetime:
    """Return the time of the database (aware, UTC). One statement."""
    with connection.cursor() as cursor:
        # The same as `Now`: in a transaction that had to wait, this is the time after the wait.
        cursor.execute("SELECT statement_timestamp()")
        (now,) = cursor.fetchone()
    assert isinstance(now, datetime)  # noqa: S101 - for mypy: the driver publishes no type of a row
    return now

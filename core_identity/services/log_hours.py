"""Count the finished hours of a log, each once.

There is no event, because nothing is decided: the numbers only save reading the log again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection as database

from core_identity.models import LoggedHour
from core_identity.selectors.log_hours import DAYS, HOUR, LogTable, counted_until, full_hour

LATE: Final = timedelta(minutes=1)
"""How long after its end an hour is counted, because some rows are written a moment after their request."""


def count_finished_hours(logs: Sequence[LogTable], *, now: datetime) -> int:
    """Count the hours up to ``now`` (aware) that nobody has counted, two weeks back at most. Return how many.

    One query, and one statement for each log with a new hour. Several processes may do it at once: what another one has counted stays.
    """
    end = full_hour(now - LATE)
    oldest = end - timedelta(days=DAYS)
    done = counted_until(logs)
    return sum(_count(log, max(done.get(log.name, oldest), oldest), end) for log in logs)


def _count(log: LogTable, begin: datetime, end: datetime) -> int:
    if begin >= end:
        return 0
    values: dict[str, str | datetime] = {"name": log.name, "begin": begin, "end": end - HOUR}
    with database.cursor() as cursor:
        cursor.execute(_COUNT.format(hours=LoggedHour._meta.db_table, log=log), values)
        return int(cursor.rowcount)


_COUNT: Final = """
INSERT INTO {hours} (log, hour, total, bad)
SELECT %(name)s::varchar, every.hour, coalesce(counted.total, 0), coalesce(counted.bad, 0)
FROM generate_series(%(begin)s::timestamptz, %(end)s::timestamptz, interval '1 hour') AS every (hour)
LEFT JOIN (
    SELECT date_trunc('hour', at, 'UTC') AS hour, count(*) AS total, count(*) FILTER (WHERE {log.bad}) AS bad
    FROM {log.table} WHERE at >= %(begin)s AND at < %(end)s::timestamptz + interval '1 hour' AND {log.counted} GROUP BY 1
) AS counted ON counted.hour = every.hour
ON CONFLICT (log, hour) DO NOTHING
"""

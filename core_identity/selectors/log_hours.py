"""Count the rows of a log, by day and in the last day: from counted hours, and from the log only for the time since the last one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection as database
from django.db.models import Max
from django.utils.timezone import localtime

from core_identity.models import LoggedHour

HOUR: Final = timedelta(hours=1)
DAYS: Final = 14
"""How many days a chart shows."""


@dataclass(frozen=True, slots=True)
class LogTable:
    """A log whose rows are counted: ``counted`` and ``bad`` are conditions in SQL, of our own making. Its column of the time is ``at``."""

    name: str
    table: str
    counted: str
    bad: str


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    total: int
    bad: int


@dataclass(frozen=True, slots=True)
class Activity:
    """``total`` and ``bad`` are of the rows from ``since`` on (aware), about the last 24 hours.

    ``days`` are `DAYS`, the oldest first, and today is not over.
    """

    total: int
    bad: int
    since: datetime
    days: Sequence[Day]

    @property
    def peak(self) -> int:
        return max(day.total for day in self.days)


def full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def counted_until(logs: Sequence[LogTable]) -> Mapping[str, datetime]:
    """Return the end of the last counted hour (aware), by the name of the log; nothing where none was counted. One query."""
    ends = LoggedHour.objects.filter(log__in=[log.name for log in logs]).values_list("log").annotate(Max("hour"))
    return {name: last + HOUR for name, last in ends}


def activities(logs: Sequence[LogTable], *, now: datetime) -> Mapping[str, Activity]:
    """Return the numbers of logs by ``now`` (aware), by their names. Two queries: the counted hours, and the rows since the last one.

    `core_identity.services.log_hours` must count before. Otherwise rows of uncounted hours appear as rows of now.
    """
    begin = full_hour(now) - timedelta(days=DAYS)
    hours: dict[str, list[tuple[datetime, int, int]]] = {log.name: [] for log in logs}
    counted = LoggedHour.objects.filter(log__in=list(hours), hour__gte=begin)
    for name, hour, total, bad in counted.values_list("log", "hour", "total", "bad"):
        hours[name].append((hour, total, bad))
    ends = {name: max((hour for hour, _, _ in known), default=begin - HOUR) + HOUR for name, known in hours.items()}
    uncounted = " UNION ALL ".join(
        f"SELECT %s, count(*), count(*) FILTER (WHERE {log.bad}) FROM {log.table} WHERE at >= %s AND {log.counted}"  # noqa: S608
        for log in logs
    )
    with database.cursor() as cursor:
        cursor.execute(uncounted, [value for log in logs for value in (log.name, ends[log.name])])
        for name, total, bad in cursor.fetchall():
            hours[name].append((max(ends[name], full_hour(now)), total, bad))
    return {name: _activity(known, now) for name, known in hours.items()}


def _activity(hours: Sequence[tuple[datetime, int, int]], now: datetime) -> Activity:
    today = localtime(now).date()
    sums = {today - timedelta(days=past): (0, 0) for past in range(DAYS)}
    for hour, total, bad in hours:
        day = localtime(hour).date()
        if day in sums:
            sums[day] = (sums[day][0] + total, sums[day][1] + bad)
    since = full_hour(now - timedelta(hours=24)) + HOUR
    lately = [(total, bad) for hour, total, bad in hours if hour >= since]
    days = [Day(day, *sums[day]) for day in sorted(sums)]
    return Activity(sum(total for total, _ in lately), sum(bad for _, bad in lately), since, days)

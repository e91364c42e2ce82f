"""The health card of a connection: last use, failures of a day, and what ends soon (R37)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.utils import timezone
from django.utils.timezone import localtime

from core_identity.templatetags.core_pages import ago
from core_identity.values import NOTICE

DAY: Final = timedelta(hours=24)
MOST: Final = 1000
"""Rows of a log that are read for the failures of a day. More rows change nothing about the picture, and cost more the busier a connection is."""


class HealthRow(NamedTuple):
    """One fact about a connection, and the address of the list behind it or an empty text. ``tone`` is that of a chip, or empty.

    ``ends_soon`` marks an end that needs an administrator.
    """

    name: str
    value: object
    address: str = ""
    tone: str = ""
    ends_soon: bool = False


def last_row(name: str, moment: datetime | None, address: str) -> HealthRow:
    """Return when something happened last."""
    return HealthRow(name, ago(moment) or "none yet", address)


def failures_row(name: str, newest: Iterable[tuple[datetime, bool]], address: str) -> HealthRow:
    """Return how many of the newest rows of a log failed in the last day: "2 of 40 (5 %)".

    ``newest`` are at most `MOST` rows, each with its time and whether it failed.
    """
    since = timezone.now() - DAY
    failed = [is_bad for at, is_bad in newest if at > since]
    bad, total = sum(failed), len(failed)
    if not total:
        return HealthRow(name, "none", address)
    rate = f"{bad * 100 / total:.0f}\u00a0%" if bad * 100 >= total or not bad else "below 1\u00a0%"
    words = f"{bad:,} of the last {total:,} ({rate})" if total >= MOST else f"{bad} of {total} ({rate})"
    return HealthRow(name, words, address, "attention" if bad * 10 >= total else "")


def end_row(name: str, ends_at: datetime, address: str, now: datetime) -> HealthRow:
    """Return when something ends. It has a tone from `NOTICE` before its end; ``now`` is aware."""
    local = localtime(ends_at)
    date = f"{local.day} {local:%b %Y}"
    if ends_at <= now:
        return HealthRow(name, f"ended on {date}", address, "trouble", ends_soon=True)
    if ends_at - now > NOTICE:
        return HealthRow(name, f"until {date}", address)
    days = (ends_at - now).days
    words = f"ends in {days} day{'' if days == 1 else 's'}" if days else "ends today"
    return HealthRow(name, words, address, "attention", ends_soon=True)

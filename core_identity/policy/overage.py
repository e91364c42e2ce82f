"""Decide how long roles from sign-ins stay while an IdP does not list a person's groups (R31)."""

from datetime import datetime, timedelta
from typing import Final

MAX_DAYS: Final = 30
"""The most days that a connection may choose."""


def kept_until(listed_at: datetime | None, *, days: int) -> datetime | None:
    """Return when the roles end; None if no full list ever came, so no role can stay. Times are aware."""
    return None if listed_at is None else listed_at + timedelta(days=min(days, MAX_DAYS))


def is_over(listed_at: datetime | None, *, days: int, now: datetime) -> bool:
    """Whether the roles must end by ``now``."""
    until = kept_until(listed_at, days=days)
    return until is None or until <= now

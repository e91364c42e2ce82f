"""Budgets without a statement for most requests: a process takes a part of a minute's budget, and spends it in memory.

No more than the limit is ever spent, because each part is counted in the database before it is used, and is not used after its minute. A part is
a thousandth of the limit at most, and shrinks to 1 when little is left. So a limit below 2,000 is counted one by one, and a large one refuses
a connection too early by at most a thousandth for each process that still has a part.
"""

import threading
import time
from dataclasses import dataclass
from typing import Final

from core_identity.budgets import Window, take

LARGEST: Final = 1000
"""A part is at most the limit divided by this, …"""
_OF_REST: Final = 50
"""… and at most the rest divided by this."""
_KEPT: Final = 1000
"""How many leases a process keeps before it forgets those that have ended."""


@dataclass
class _Lease:
    """The part of one window that this process may still spend. From ``ends`` (monotonic seconds) on it must not use it."""

    window: int
    left: int
    ends: float
    rest: int
    """The rest of the whole window when the part was taken."""


_leases: dict[tuple[str, int], _Lease] = {}
_lock = threading.Lock()


def spend_leased(key: str, limit: int) -> int:
    """Spend one of ``limit`` a minute; return the same as `core_identity.budgets.spend`."""
    if limit <= 0:
        return 0
    asked_at = time.monotonic()
    with _lock:
        lease = _leases.get((key, limit))
        if lease is not None and asked_at >= lease.ends:
            lease = None
        if lease is not None and lease.left:
            lease.left -= 1
            return 0
    parts = _size(limit, lease.rest if lease is not None else limit)
    window = take(key, parts)
    granted = min(parts, limit - (window.spent - parts))
    if granted <= 0:
        return window.wait
    # The window ends later than this, because the database was asked after `asked_at`.
    _keep((key, limit), window, granted - 1, limit, ends=asked_at + window.seconds)
    return 0


def _size(limit: int, rest: int) -> int:
    return max(1, min(limit // LARGEST, rest // _OF_REST))


def _keep(name: tuple[str, int], window: Window, left: int, limit: int, *, ends: float) -> None:
    """Keep a granted part. Add it to the part that another thread got for the same window."""
    now, rest = time.monotonic(), max(0, limit - window.spent)
    with _lock:
        if len(_leases) >= _KEPT:
            for old in [old for old, lease in _leases.items() if now >= lease.ends]:
                del _leases[old]
        kept = _leases.get(name)
        if kept is not None and kept.window == window.number:
            kept.left, kept.ends, kept.rest = kept.left + left, min(kept.ends, ends), min(kept.rest, rest)
        elif kept is None or kept.window < window.number:
            _leases[name] = _Lease(window.number, left, ends, rest)

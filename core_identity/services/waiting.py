"""Limit the requests of one process that wait for the locks of customers, so that some of its threads always stay free.

Ordinary pushes of one customer follow each other within a moment, so a short queue is normal, and every thread may wait in it. If a lock is held
for longer, only a few requests keep waiting for it. All others are refused and can be sent again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final
from uuid import UUID

from django.conf import settings

from core_identity.brand import BRAND
from core_identity.errors import Busy

BUSY: Final = f"{BRAND} is busy with other changes of this customer. Nothing was changed. Send the same request again in a few seconds."

MOMENT: Final = 2.0
"""Seconds. A request beyond a limit waits no longer than this."""

_guard = Lock()
_waiting: dict[UUID, list[float]] = {}
"""For each customer, when each waiting request of this process began to wait (monotonic seconds)."""


@contextmanager
def waiting_for(customer_id: UUID) -> Iterator[float]:
    """Count this request as waiting for a customer. Give the seconds that it may wait (0: no limit).

    Raises `Busy` without waiting if this customer, or the process, has too many waiting requests and one of them has waited for a while.
    """
    now = time.monotonic()
    with _guard:
        theirs = _waiting.get(customer_id, [])
        crowded = len(theirs) >= settings.PUSHES_WAITING_PER_CUSTOMER
        everybody = [began for queue in _waiting.values() for began in queue]
        full = len(everybody) >= settings.PUSHES_WAITING
        if (crowded and _is_stuck(theirs, now)) or (full and _is_stuck(everybody, now)):
            raise Busy(BUSY)
        _waiting[customer_id] = [*theirs, now]
    try:
        yield MOMENT if crowded or full else settings.DATABASE_LOCK_TIMEOUT
    finally:
        with _guard:
            _waiting[customer_id].remove(now)
            if not _waiting[customer_id]:
                del _waiting[customer_id]


def _is_stuck(queue: list[float], now: float) -> bool:
    return any(now - began > MOMENT for began in queue)

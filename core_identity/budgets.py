"""Rate limits for each minute, counted in the database, so that all workers count together.

A minute is a fixed window. Refused requests count only in their own window, so a client that waits for ``Retry-After`` finds a whole new budget.
Therefore no budget delays a deactivation forever (R23).

`spend_leased` takes a part of a minute's budget for this process, and spends it in memory. No more than the limit is ever spent, because each part
is counted in the database before it is used, and is not used after its minute. A part is a thousandth of the limit at most, and shrinks to 1 when
little is left. So a limit below 2,000 is counted one by one, and a large one refuses a connection too early by at most a thousandth for each
process that still has a part.
"""

import hashlib
import logging
import re
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Final, NamedTuple

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from core_identity.models import Budget
from core_identity.outages import is_outage, log_traceback

log = logging.getLogger("core_identity.budgets")

MINUTE: Final = 60
DAY: Final = 24 * 60
"""Minutes of the longest window. Housekeeping keeps a budget for this long."""

LARGEST: Final = 1000
"""A part is at most the limit divided by this, …"""

_OF_REST: Final = 50
"""… and at most the rest divided by this."""

_KEPT: Final = 1000
"""How many leases a process keeps before it forgets those that have ended."""

_WITH_PORT: Final = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+")

# The clock of the database decides, because a worker with a wrong clock would begin a window of its own. A window is a number of whole minutes.
_SPEND: Final = f"""
INSERT INTO {Budget._meta.db_table} AS b (key, minute, spent)
VALUES (%(key)s, floor(extract(epoch FROM statement_timestamp()) / {MINUTE} / %(minutes)s) * %(minutes)s, %(parts)s)
ON CONFLICT (key) DO UPDATE SET
    spent = CASE WHEN b.minute >= EXCLUDED.minute THEN b.spent ELSE 0 END + EXCLUDED.spent,
    minute = GREATEST(b.minute, EXCLUDED.minute)
RETURNING spent, minute, ((minute + %(minutes)s) * {MINUTE} - extract(epoch FROM statement_timestamp()))::float8
"""  # noqa: S608 - names of our own


class Window(NamedTuple):
    """The window of a budget: the part that is spent, its number, and the seconds until the next one begins."""

    spent: int
    number: int
    seconds: float

    @property
    def wait(self) -> int:
        """The seconds for ``Retry-After``, at least 1."""
        return max(1, ceil(self.seconds))


def spend(key: str, limit: int, *, minutes: int = 1) -> int:
    """Spend one of ``limit`` in a window of ``minutes``; return 0. If nothing is left, return the seconds until the next window, at least 1.

    One statement, or none if the limit is 0. If the database fails, allow the request.
    """
    if limit <= 0:
        return 0
    window = take(key, minutes=minutes)
    return 0 if window.spent <= limit else window.wait


def spend_on_failure(request: HttpRequest) -> int:
    """Count an unauthenticated request against its network address. Returns the same as `spend`."""
    return spend(f"failures of {hash_of_address(request)}", settings.FAILURES_PER_MINUTE)


def count(key: str, seconds: int) -> int:
    """Add one to a counter that begins again every ``seconds`` (whole minutes); return it, or 0 if the database fails."""
    return take(key, minutes=seconds // MINUTE).spent


def take(key: str, parts: int = 1, *, minutes: int = 1) -> Window:
    """Spend ``parts`` of a budget, and return its window. If the database fails, count nothing as spent. One statement."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SPEND, {"key": key, "minutes": minutes, "parts": parts})
            return Window(*cursor.fetchone())
    except Error as error:
        if is_outage(error):
            log_traceback(error)
        else:
            log.exception("A budget could not be read")
        return Window(0, 0, 0.0)


@dataclass
class _Lease:
    """The part of one window that this process may still spend. From ``ends`` (monotonic seconds) on it must not use it."""

    window: int
    left: int
    ends: float
    rest: int
    """The rest of the whole window when the part was taken."""


_leases: dict[tuple[str, int], _Lease] = {}
_leases_lock = threading.Lock()


def spend_leased(key: str, limit: int) -> int:
    """Spend one of ``limit`` a minute; return the same as `spend`, mostly without a statement."""
    if limit <= 0:
        return 0
    asked_at = time.monotonic()
    with _leases_lock:
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
    with _leases_lock:
        if len(_leases) >= _KEPT:
            for old in [old for old, lease in _leases.items() if now >= lease.ends]:
                del _leases[old]
        kept = _leases.get(name)
        if kept is not None and kept.window == window.number:
            kept.left, kept.ends, kept.rest = kept.left + left, min(kept.ends, ends), min(kept.rest, rest)
        elif kept is None or kept.window < window.number:
            _leases[name] = _Lease(window.number, left, ends, rest)


def digest(text: str) -> str:
    """Return a digest of ``text`` that nobody can compute without the secret key. Use it in keys that contain typed text."""
    return salted_hmac("core_identity.budgets", text.encode("utf-8", "replace"), algorithm="sha256").hexdigest()


def hash_of_address(request: HttpRequest) -> str:
    """Return a hash of the network that sent a request, as the name of its budget.

    Each of our proxies appends the address of its peer to X-Forwarded-For, so with two proxies the sender is the last address but one. The sender may
    have written all addresses before it. A request through fewer proxies than we have counts by the address of its connection.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        passed = request.headers.get("X-Forwarded-For", "").split(",")
        if len(passed) >= settings.TRUSTED_PROXIES:
            address = passed[-settings.TRUSTED_PROXIES].strip() or address
    return hashlib.sha256(_network_of(address).encode("utf-8", "replace")).hexdigest()


def _network_of(address: str) -> str:
    """Return the network of an address. The owner of one IPv6 address has all 2^64 addresses of its network, and could use a new one each time."""
    with_port = _WITH_PORT.fullmatch(address)  # some proxies append the port, and each connection has another one
    address = (with_port[1] or with_port[2]) if with_port else address
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or IPv6Network((known, 64), strict=False))
    return str(known)

"""So much a minute, counted in the database, so that all workers count together.

A minute is a fixed window, and what was refused counts no longer than it: whoever waits for ``Retry-After`` meets a whole new budget, so that no
budget puts off a deactivation for good (R23).
"""

import hashlib
import logging
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Final

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest

log = logging.getLogger("core_identity.budgets")

MINUTE: Final = 60

# By the clock of the database: a worker with a wrong clock would begin a minute of its own.
_SPEND: Final = f"""
INSERT INTO scim_budget AS b (key, minute, spent)
VALUES (%s, floor(extract(epoch FROM statement_timestamp()) / {MINUTE}), 1)
ON CONFLICT (key) DO UPDATE SET
    spent = CASE WHEN b.minute >= EXCLUDED.minute THEN b.spent + 1 ELSE 1 END,
    minute = GREATEST(b.minute, EXCLUDED.minute)
RETURNING spent, (minute + 1) * {MINUTE} - extract(epoch FROM statement_timestamp())
"""  # noqa: S608 - one constant number


def spend(key: str, limit: int) -> int:
    """Spend one of ``limit`` a minute; return 0, or where nothing is left the seconds until there is, at least 1.

    One statement, and none where 0 is the limit. A budget that the database cannot tell of stops nobody.
    """
    if limit <= 0:
        return 0
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SPEND, [key])
            spent, left = cursor.fetchone()
    except Error:
        log.exception("A budget could not be asked")
        return 0
    return 0 if spent <= limit else max(1, ceil(left))


def hash_of_address(request: HttpRequest) -> str:
    """Return whose budget a stranger's request is of.

    Behind our own proxy the last word of X-Forwarded-For is the proxy's; whatever stands before it anybody may have written.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY:
        address = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or address
    return hashlib.sha256(_network_of(address).encode("utf-8", "replace")).hexdigest()


def _network_of(address: str) -> str:
    """Whoever has one address of IPv6 has the 2^64 of its network, and could take a fresh one for each try."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address) and known.ipv4_mapped is None:
        return str(IPv6Network((known, 64), strict=False))
    return address

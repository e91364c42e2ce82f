"""Recognise an outage of the database, judge if a change may be saved, and log it.

Each channel answers 503 with ``Retry-After`` in its own form: `core_identity.config.error_pages` for browsers, `scim.views.failure` for SCIM,
`scim.oauth.errors` for OAuth.
"""

import logging
import threading
import time
from collections.abc import Iterator
from traceback import walk_tb
from typing import Final

from django.db import InterfaceError, InternalError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from core_identity.brand import BRAND

RETRY_AFTER: Final = 10
"""Seconds, as a whole number, because Okta reads no other form."""

AWAY: Final = f"{BRAND} cannot reach its database at the moment."
TRY_AGAIN: Final = "Try again later."
NOTHING_CHANGED: Final = f"Nothing was changed. {TRY_AGAIN}"
NOT_KNOWN: Final = "The connection to the database broke while the change was saved. It may or may not be saved. It is safe to try again."

_TRACEBACK_EVERY: Final = 60.0

# PostgreSQL counts these as internal errors, and they end by themselves: a standby after a failover, a transaction ended by a timeout.
_INTERNAL: Final = {"25006", "25P03", "25P04"}

# If a transaction ends with one of these classes, the server answered, so the transaction was rolled back.
_ROLLED_BACK: Final = ("23", "40", "53", "55")

log = logging.getLogger("core_identity.outages")


def is_outage(error: BaseException | None) -> bool:
    """Whether ``error`` or one of its causes is an outage: the request is not the reason, and a later try may succeed."""
    return any(
        isinstance(one, OperationalError | InterfaceError)
        or (isinstance(one, InternalError) and _state(one) in _INTERNAL)
        for one in _causes(error)
    )


def may_be_saved(error: BaseException | None) -> bool:
    """Whether the connection broke in COMMIT: PostgreSQL may have saved the change, and its answer was lost."""
    return any(
        isinstance(one, OperationalError | InterfaceError)
        and not (_state(one) or "").startswith(_ROLLED_BACK)
        and any(frame.f_code is _COMMIT for frame, _ in walk_tb(one.__traceback__))
        for one in _causes(error)
    )


def log_traceback(error: BaseException) -> None:
    """Log the traceback of an outage, at most once a minute in each process. The channel logs the line of each request."""
    global _next_traceback
    with _lock:
        due = time.monotonic() >= _next_traceback
        if due:
            _next_traceback = time.monotonic() + _TRACEBACK_EVERY
    if due:
        log.error("The database does not answer", exc_info=error)


_COMMIT: Final = BaseDatabaseWrapper._commit.__code__  # type: ignore[attr-defined]
_lock = threading.Lock()
_next_traceback = float("-inf")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _state(error: BaseException) -> str | None:
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    return state

"""Whether this process can do its work now: database, migrations, clock, SAML verifier. Strangers get yes or no, the log gets the names."""

import functools
import logging
import threading
import time
from typing import Final

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from core_identity.config.older_database import is_older
from sso.saml.self_test import verifier_works

log = logging.getLogger("core_identity.readiness")

KEPT: Final = 2.0
"""Seconds that a result is kept."""

LATE: Final = 10.0
"""Seconds after which a result is not believed any more, where the next one takes that long."""

CLOCK_TOLERANCE: Final = 60.0
"""Seconds that the clock of this machine may differ from the database's: half of what SAML allows between an IdP and us."""


class Readiness:
    """The last result of the checks. One request asks; the others get the last result meanwhile, so no probe can hold all threads."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._faults: tuple[str, ...] = ("not asked yet",)
        self._at = float("-inf")

    def is_ready(self) -> bool:
        if time.monotonic() - self._at >= KEPT and self._asking.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._asking.release()
        return not self._faults and time.monotonic() - self._at < LATE

    def _ask(self) -> None:
        faults = (*database_faults(), *(() if can_judge_saml() else ("SAML verifier",)))
        if faults != self._faults:
            message = "Not ready" if faults else "Ready"
            log.log(logging.ERROR if faults else logging.INFO, message, extra={"faults": list(faults)})
        self._faults, self._at = faults, time.monotonic()


def database_faults() -> list[str]:
    """Return what is wrong with the database as this process sees it."""
    try:
        before = time.time()
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
            (database,) = cursor.fetchone()
        faults = [] if before - CLOCK_TOLERANCE <= database <= time.time() + CLOCK_TOLERANCE else ["clock"]
        applied = MigrationRecorder(connection).applied_migrations()
        older = is_older(applied)
    except Error:
        return ["database"]
    if older:
        return [*faults, "database from before release 0.1"]
    # A newer release may have applied more: that stops nobody, or no update could be rolled out.
    return faults if _migrations() <= applied.keys() else [*faults, "migrations"]


@functools.cache
def _migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


_self_test = threading.Lock()
_outcome: list[bool] = []


def can_judge_saml() -> bool:
    """Run the verifier's self-test, once in the life of a process; a verifier that fails it stays broken."""
    with _self_test:
        if not _outcome:
            try:
                _outcome.append(verifier_works(timezone.now()))
            except Exception:
                log.exception("The SAML verifier failed its self-test")
                _outcome.append(False)
    return _outcome[0]

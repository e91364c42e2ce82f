"""The only password hasher. A process hashes at most two passwords at once.

One hash costs a third of a second of a core. Without this limit, eight guesses at once would hold all threads and both cores of a worker.
The limit is in the hasher, so every caller has it: the administration's sign-in, both password pages, commands, and old OAuth secrets.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from core_identity.brand import BRAND
from core_identity.errors import HashersBusy

AT_ONCE: Final = 2
MAY_WAIT: Final = 2
"""The number of threads that may wait for a hash. A waiting thread serves no other request, so further requests are refused at once."""

PATIENCE = 1.0
"""Seconds that a thread waits."""

RETRY_AFTER: Final = 2
"""Seconds after which a refused browser may try again."""


class Slots:
    """A few threads work and a few wait. All others get `HashersBusy`."""

    def __init__(self, at_once: int, may_wait: int) -> None:
        self._places = threading.BoundedSemaphore(at_once + may_wait)
        self._work = threading.BoundedSemaphore(at_once)

    @property
    def full(self) -> bool:
        """Whether the next caller is refused at once."""
        if free := self._places.acquire(blocking=False):
            self._places.release()
        return not free

    @contextmanager
    def one(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._work.acquire(timeout=PATIENCE):
                raise _busy()
            try:
                yield
            finally:
                self._work.release()
        finally:
            self._places.release()


def _busy() -> HashersBusy:
    return HashersBusy(
        f"{BRAND} is checking too many passwords at this moment. Nothing was changed.", seconds=RETRY_AFTER
    )


SLOTS: Final = Slots(AT_ONCE, MAY_WAIT)


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's hasher, with the same algorithm and rounds. Django verifies and hardens by `encode` too."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with SLOTS.one():
            encoded: str = super().encode(password, salt, iterations)
        return encoded

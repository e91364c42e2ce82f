"""Two workers at moments that a test chooses: what one does on a connection of its own while the other is in the middle of something."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections, transaction


def elsewhere(act: Callable[[], Any]) -> Any:
    """Do ``act`` on another connection, and return its result or raise its error."""
    worker = Worker(act)
    return worker.result()


class Worker:
    """A thread with a connection of its own, which does one thing."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._act()
        except BaseException as error:  # noqa: BLE001 - `result` raises it
            self._error = error
        finally:
            connections.close_all()

    def result(self) -> Any:
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error
        return self._result


@contextmanager
def uncommitted(act: Callable[[], Any]) -> Iterator[None]:
    """Do ``act`` on another connection, and commit it only after the block. The block may call `until_one_waits`."""
    done, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            try:
                act()
            finally:
                done.set()
            assert go_on.wait(30)

    worker = Worker(hold)
    try:
        assert done.wait(30)
        yield
    finally:
        go_on.set()
        worker.result()


def until_one_waits() -> None:
    """Return when some connection to this database waits for a lock."""
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")

"""Locks between processes that the kernel drops when their holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.faults import Fault, say

SILENT_SECONDS = 1.0


def open_lock_file(path: Path) -> int:
    """Open (or make) the file that a lock is put on; only its owner may open it.

    Close the answer to let go.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise Fault(f"{path} belongs to another user. Run ./dev as that user, or remove it.") from error


@contextmanager
def only_one(path: Path, while_waiting: str) -> Iterator[None]:
    """Hold `path` alone; says `while_waiting` when another process keeps it for more than a moment."""
    descriptor = open_lock_file(path)
    try:
        if not _try_for(descriptor, SILENT_SECONDS):
            say(while_waiting)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _try_for(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True

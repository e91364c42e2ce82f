"""Progress of work that fills a folder and is silent itself."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.faults import say

SECONDS_BETWEEN_LINES = 5.0


def megabytes(folder: Path) -> int:
    """The size on disk of all files below `folder`, in units of 1,000,000 bytes. Files that vanish meanwhile count nothing."""
    return sum(_bytes_on_disk(parent, name) for parent, _, names in os.walk(folder) for name in names) // 1_000_000


def _bytes_on_disk(parent: str, name: str) -> int:
    try:
        return Path(parent, name).lstat().st_blocks * 512
    except OSError:
        return 0


@contextmanager
def reporting_growth(folder: Path, activity: str, every: float = SECONDS_BETWEEN_LINES) -> Iterator[None]:
    """Print the activity at once, and then every few seconds with the size of the folder, until the block ends."""
    started = time.monotonic()
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(every):
            say(f"  {activity}: {megabytes(folder)} MB after {time.monotonic() - started:.0f} s …")

    say(f"  {activity} …")
    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()

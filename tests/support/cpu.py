"""The work of a call, in seconds of CPU of this thread: other processes of the machine do not count."""

import time
from collections.abc import Callable
from typing import Any


def seconds_of(act: Callable[[], Any]) -> float:
    started = time.thread_time()
    act()
    return time.thread_time() - started

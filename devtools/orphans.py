"""Children that end with their parent even when it is killed outright (on Linux)."""

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """For `preexec_fn`: have the kernel send `number` to the child when the process that starts it dies."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: nothing but the call happens after it

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)

    return ask_kernel

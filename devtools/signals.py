"""A stop signal becomes an exception, so that every `finally` on the way out runs."""

import signal
from types import FrameType
from typing import NoReturn

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(SystemExit):
    """Ctrl-C, SIGTERM or a closed terminal; the exit status is the shell's 128 + number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


def raise_when_stopped() -> None:
    """From here on the first stop signal raises Stopped; later ones do not disturb the cleaning up."""
    for number in STOPPING:
        signal.signal(number, _raise)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)

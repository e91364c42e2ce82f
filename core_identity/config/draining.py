"""A process that must stop reports that it is not ready first, and keeps serving until load balancers have noticed.

gunicorn's parent sends SIGTERM to each worker, and a worker then stops accepting connections at once. So the worker's handler is replaced by
one that waits ``DRAIN_SECONDS`` before it calls the server's own.
"""

import signal
import threading
from types import FrameType

_draining = False


def is_draining() -> bool:
    """Whether this process was asked to stop."""
    return _draining


def drain_before_stop(seconds: float) -> None:
    """Wait ``seconds`` between SIGTERM and the server's own handler.

    Call it when a worker has loaded its handlers: gunicorn loads the application after them. Without such a handler do nothing: in a
    command, under another server, and under gunicorn's ``--preload``.
    """
    server = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(server):
        return

    def begin(number: int, frame: FrameType | None) -> None:
        global _draining
        if _draining:  # gunicorn's parent and a terminal may both send it
            return
        _draining = True
        if seconds <= 0:
            server(number, frame)
            return
        timer = threading.Timer(seconds, server, (number, None))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, begin)
    signal.siginterrupt(signal.SIGTERM, False)  # as gunicorn does: requests continue

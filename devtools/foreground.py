"""Running one program for the person at the terminal, and cleaning up after it."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from devtools.orphans import end_with_parent

PATIENCE_SECONDS = 20


def run_foreground(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    cwd: Path | None = None,
    holds: Sequence[int] = (),
    stop_signal: signal.Signals = signal.SIGTERM,
) -> int:
    """Run to the end and answer the exit status (128 + number when a signal ended it).

    The program shares our terminal: it gets a typed Ctrl-C by itself and decides what to do with it. Signals
    sent to us alone are passed on: SIGINT as it is, the others as `stop_signal`. `holds` are descriptors that
    it inherits.
    """
    child = subprocess.Popen(
        command,
        env=dict(environment),
        cwd=cwd,
        pass_fds=holds,
        preexec_fn=end_with_parent(stop_signal),
    )
    with _passing_signals_to(child, stop_signal):
        status = child.wait()
    return 128 - status if status < 0 else status


@contextmanager
def _passing_signals_to(child: subprocess.Popen[bytes], stop_signal: signal.Signals) -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        if not _is_in_front_of_a_terminal():
            child.send_signal(signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:
        child.send_signal(stop_signal)
        signal.alarm(PATIENCE_SECONDS)

    def kill(number: int, frame: FrameType | None) -> None:
        child.kill()

    handlers = {signal.SIGINT: interrupt, signal.SIGTERM: stop, signal.SIGHUP: stop, signal.SIGALRM: kill}
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _is_in_front_of_a_terminal() -> bool:
    """Whether Ctrl-C typed at our terminal reaches us, and so our child as well."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)

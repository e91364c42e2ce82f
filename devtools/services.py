"""Long-running programs of one command: started in order, watched, stopped in reverse order."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from devtools.faults import Fault
from devtools.orphans import end_with_parent

GRACE_SECONDS = 8.0


@dataclass
class Services:
    """The running services: name and process.

    Each has a session of its own, so that Ctrl-C reaches us alone and we decide.
    """

    holds: Sequence[int] = ()
    running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], cwd: Path) -> None:
        """`name` is for messages; the program's output goes where ours goes."""
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            pass_fds=self.holds,
            start_new_session=True,
            preexec_fn=end_with_parent(signal.SIGTERM),
        )
        self.running.append((name, process))

    def check(self) -> None:
        """Raises Fault when one of them has ended by itself."""
        for name, process in self.running:
            if process.poll() is not None:
                raise Fault(f"{name} has ended (status {process.returncode}); its last output is above.")

    def watch(self) -> None:
        """Until one ends: then Fault. Else until a stop signal raises."""
        while True:
            self.check()
            time.sleep(0.2)

    def stop(self) -> None:
        """Ask all to end, the youngest first; after GRACE_SECONDS kill what is left of their groups."""
        for _, process in reversed(self.running):
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for _, process in reversed(self.running):
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _signal_group(process, signal.SIGKILL)
            process.wait()


@contextmanager
def services(holds: Sequence[int] = ()) -> Iterator[Services]:
    """Services that are stopped at the end of the block, however it ends."""
    started = Services(holds)
    try:
        yield started
    finally:
        started.stop()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # All gone already; macOS says PermissionError of a group of zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)

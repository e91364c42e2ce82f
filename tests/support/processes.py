"""Programs that a test starts."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """End the program also when the test fails. `Popen` alone would wait for it for ever."""
    with process:
        try:
            yield process
        finally:
            process.terminate()

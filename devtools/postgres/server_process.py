"""The process of a server, as its data folder names it; accepted only if this process exists."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerProcess:
    """The process that serves, or served, the folder `data`."""

    data: Path

    @property
    def file(self) -> Path:
        """The first line is the process, the eighth its status."""
        return self.data / "postmaster.pid"

    def runs(self) -> bool:
        """False also when the file is stale and names a process of somebody else's."""
        pid = self._noted_pid()
        return pid is not None and _is_alive(pid) and self._is_ours(pid)

    def is_ready(self) -> bool:
        """Whether its file reports that it takes connections."""
        return [line.strip() for line in self._lines()[7:8]] == ["ready"]

    def noted_pid_is_taken(self) -> bool:
        """Whether the file names a living process, be it a server or not."""
        pid = self._noted_pid()
        return pid is not None and _is_alive(pid)

    def _lines(self) -> list[str]:
        try:
            return self.file.read_text().splitlines()
        except OSError:
            return []

    def _noted_pid(self) -> int | None:
        first = "".join(self._lines()[:1]).strip()
        return int(first) if first.isdigit() else None

    def _is_ours(self, pid: int) -> bool:
        """Whether `pid` is a PostgreSQL of this data folder, which is its working directory then."""
        if Path("/proc/self/cwd").exists():
            try:
                return Path(f"/proc/{pid}/cwd").readlink() == self.data.resolve()
            except OSError:
                return False  # another user's process, or just gone
        answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
        return "postgres" in answer.stdout and str(self.data) in answer.stdout


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""CPU time of process trees, in seconds, from the accounting of the Linux kernel (proc(5)).

A live thread is counted to the nanosecond (``schedstat``), a process that ended to the tick of 10 ms (``cutime``, ``cstime`` of its parent).
So the time of a parallel worker of PostgreSQL is not lost.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU time that these processes and all their descendants have used so far."""
    return sum(_of_process(pid) for pid in _trees(roots))


def resident_bytes(root: int) -> int:
    """Return the largest resident memory among the descendants of a process, which are the workers of a gunicorn."""
    workers = [pid for pid in _trees([root]) if pid != root]
    return max((_resident(pid) for pid in workers), default=0)


def parent_of(pid: int) -> int:
    return int(_fields(pid)[1])


def _trees(roots: Iterable[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    to_do = list(roots)
    while to_do:
        pid = to_do.pop()
        found.add(pid)
        to_do += children.get(pid, [])
    return found


def _of_process(pid: int) -> float:
    fields = _fields(pid)
    if not fields:
        return 0.0
    of_ended = (int(fields[13]) + int(fields[14])) / _TICKS
    return of_ended + sum(_of_thread(task) for task in _entries(_PROC / str(pid) / "task"))


def _of_thread(task: Path) -> float:
    words = _read(task / "schedstat").split()
    return int(words[0]) / 1e9 if words else 0.0


def _fields(pid: int) -> list[str]:
    """Return the fields of ``stat`` after the name, which may contain blanks: [0] is the state, [1] the parent. Empty if it ended."""
    return _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()


def _resident(pid: int) -> int:
    words = _read(_PROC / str(pid) / "statm").split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else 0


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

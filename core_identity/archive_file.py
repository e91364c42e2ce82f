"""The file of an archive of events: a new one, complete and on the disk before it has its name (R34)."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO
from uuid import UUID

from core_identity.errors import NotAllowed
from core_identity.services.event_archive import Archive


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """Open a file that only its owner may read. If the block raises, there is no file. Raises `NotAllowed`, also if a file of this name exists."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    for one in (path, unfinished):
        if os.path.lexists(one):
            raise NotAllowed(f"{one} exists already. Choose another file, or move this one first.")
    try:
        with open(unfinished, "x", encoding="utf-8", newline="", opener=_for_us_alone) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.link(unfinished, path)  # unlike a rename, it never replaces a file
            finally:
                unfinished.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise NotAllowed(f"{path} cannot be written: {error.strerror}.") from error


def read_archive(path: Path) -> Archive:
    """Read a whole file again, as it is on the disk. Raises `NotAllowed` if it is not readable, and `ValueError` if a line is not an event."""
    digest, events, times = hashlib.sha256(), 0, ("", "")
    for line in _lines(path):
        digest.update(line)
        at = str(json.loads(line)["at"])  # UTC, and always as long: texts are in the order of the times
        times = (min(times[0] or at, at), max(times[1], at))
        events += 1
    return Archive(path.name, events, *times, digest.hexdigest())


def portions_of(path: Path, size: int) -> Iterator[list[UUID]]:
    """Yield the UUIDs of the events in a file, some at a time."""
    lines = _lines(path)
    while some := list(islice(lines, size)):
        yield [UUID(json.loads(line)["uuid"]) for line in some]


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise NotAllowed(f"{path} cannot be read: {error.strerror}.") from error


def _sync_folder(folder: Path) -> None:
    """Bring the name of the new file to the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

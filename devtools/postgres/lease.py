"""The users of the server, counted by the kernel.

Every user holds `users.lock` shared; a process that stops the server must hold it alone. A killed user's hold ends with
its process, so the count is never wrong. A keeper process waits for the lock too: it stops the server
when the last user was killed and could not do so itself.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devtools.file_lock import only_one, open_lock_file
from devtools.postgres.cluster import Cluster
from devtools.postgres.keeper import send_keeper

USERS = "users.lock"


@contextmanager
def use(cluster: Cluster, databases: Sequence[str]) -> Iterator[int]:
    """Have the server run, with `databases` in it, for the length of the block.

    Gives the descriptor of the hold: a child process that inherits it keeps it when we are killed.
    Raises Fault when the server does not start.
    """
    lock = cluster.home / USERS
    users = open_lock_file(lock)
    try:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while a former last user stops the server
        try:
            with only_one(cluster.home / "start.lock", "Waiting for another ./dev that is starting PostgreSQL …"):
                if not cluster.process.runs():
                    send_keeper(cluster, lock)
                cluster.start(databases)
            yield users
        finally:
            _leave(cluster, users)
    finally:
        os.close(users)


def _leave(cluster: Cluster, users: int) -> None:
    """Stop the server if nobody else needs it; on return it is stopped, or needed by others."""
    fcntl.flock(users, fcntl.LOCK_UN)
    if _try_lock(users, fcntl.LOCK_EX):
        cluster.retire()
    elif not _try_lock(users, fcntl.LOCK_SH):
        # Somebody holds it alone, so is stopping the server right now: the keeper or another last user.
        fcntl.flock(users, fcntl.LOCK_SH)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

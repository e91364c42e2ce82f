"""A background process that stops the server when its last user was killed; `lease` starts it.

It sleeps in the kernel until it gets the users' lock for itself alone. After an orderly end it finds the
server stopped and ends too.
"""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import devtools
from devtools.file_lock import open_lock_file
from devtools.postgres.account import Account
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Cluster


def send_keeper(cluster: Cluster, lock: Path) -> None:
    """Start a keeper in a session of its own: neither Ctrl-C nor a closed terminal reaches it."""
    subprocess.Popen(
        [sys.executable, "-m", __name__, _describe(cluster), str(lock)],
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(Path(devtools.__file__).parent.parent)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def keep(cluster: Cluster, lock: Path) -> None:
    """Wait until nobody needs the server, then stop it if it still runs."""
    users = open_lock_file(lock)
    try:
        fcntl.flock(users, fcntl.LOCK_EX)
        cluster.retire()
    finally:
        os.close(users)


def _describe(cluster: Cluster) -> str:
    return json.dumps(
        {
            "binaries": [str(cluster.binaries.folder), cluster.binaries.major],
            "account": [cluster.account.uid, cluster.account.gid],
            "home": str(cluster.home),
            "sockets": str(cluster.sockets),
            "durable": cluster.durable,
        }
    )


def _restore(description: str) -> Cluster:
    options = json.loads(description)
    folder, major = options["binaries"]
    return Cluster(
        Binaries(Path(folder), major),
        Account(*options["account"]),
        Path(options["home"]),
        Path(options["sockets"]),
        durable=options["durable"],
    )


if __name__ == "__main__":
    keep(_restore(sys.argv[1]), Path(sys.argv[2]))

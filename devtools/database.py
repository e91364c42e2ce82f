"""Which database a command works on: $DATABASE_URL for all, else one of the embedded server's."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devtools.checkout import Checkout
from devtools.faults import Fault, say
from devtools.postgres.cluster import Cluster
from devtools.postgres.lease import use
from devtools.postgres.places import durable_cluster, throwaway_cluster

DEMO, CORE = "demo", "core"


@dataclass(frozen=True)
class Database:
    """Its URL, and the descriptors that hold its server (children inherit them)."""

    url: str
    holds: tuple[int, ...] = ()


def name_aside(name: str) -> str:
    """Return a name for what `--fresh` puts aside: `name` and the time."""
    return f"{name}_{time.strftime('%Y%m%d_%H%M%S')}"


@contextmanager
def lasting_database(checkout: Checkout, name: str, *, put_aside: str = "") -> Iterator[Database]:
    """`demo` or `core` of this checkout; its data survives.

    With `put_aside`, the database gets this name first, and an empty one takes its place.
    """
    with _database(checkout, name, durable=True, put_aside=put_aside) as database:
        yield database


@contextmanager
def throwaway_database(checkout: Checkout, *, fsync: bool = False) -> Iterator[Database]:
    """An empty one on a server of its own, gone at the end of the block. It writes to the disk only with `fsync`."""
    with _database(checkout, CORE, durable=False, fsync=fsync) as database:
        yield database


@contextmanager
def _database(
    checkout: Checkout, name: str, *, durable: bool, fsync: bool = False, put_aside: str = ""
) -> Iterator[Database]:
    url = os.environ.get("DATABASE_URL")
    if url and put_aside:
        raise Fault("--fresh works with the PostgreSQL of this checkout only. Enter an empty database in DATABASE_URL.")
    if url:
        yield Database(url)
        return
    cluster: Cluster = durable_cluster(checkout) if durable else throwaway_cluster(checkout, fsync=fsync)
    with use(cluster, (DEMO, CORE) if durable else (name,)) as hold:
        if put_aside:
            cluster.put_aside(name, put_aside)
            say(
                f"The former database {name} is now {put_aside}. To delete it: ./dev psql -c 'DROP DATABASE {put_aside}'"
            )
        yield Database(cluster.url(name), (hold,))

"""Which database a command works on: $DATABASE_URL for all, else one of the embedded server's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devtools.checkout import Checkout
from devtools.postgres.cluster import Cluster
from devtools.postgres.lease import use
from devtools.postgres.places import durable_cluster, throwaway_cluster

DEMO, CORE = "demo", "core"


@dataclass(frozen=True)
class Database:
    """Its URL, and the descriptors that hold its server (children inherit them)."""

    url: str
    holds: tuple[int, ...] = ()


@contextmanager
def lasting_database(checkout: Checkout, name: str) -> Iterator[Database]:
    """`demo` or `core` of this checkout; its data survives."""
    with _database(checkout, name, durable=True) as database:
        yield database


@contextmanager
def throwaway_database(checkout: Checkout, *, fsync: bool = False) -> Iterator[Database]:
    """An empty one on a server of its own, gone at the end of the block. It writes to the disk only with `fsync`."""
    with _database(checkout, CORE, durable=False, fsync=fsync) as database:
        yield database


@contextmanager
def _database(checkout: Checkout, name: str, *, durable: bool, fsync: bool = False) -> Iterator[Database]:
    given = os.environ.get("DATABASE_URL")
    if given:
        yield Database(given)
        return
    cluster: Cluster = durable_cluster(checkout) if durable else throwaway_cluster(checkout, fsync=fsync)
    with use(cluster, (DEMO, CORE) if durable else (name,)) as hold:
        yield Database(cluster.url(name), (hold,))

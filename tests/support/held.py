"""A customer whose lock somebody else holds, as a long transaction of another process does."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from core_identity.services.locks import customer_lock


@contextmanager
def held_customer(url: str, slug: str) -> Iterator[psycopg.Connection]:
    """Hold the lock of the customer that owns the connection ``slug``, until the block ends or the caller commits."""
    with psycopg.connect(url) as holder:
        found = holder.execute("SELECT customer_id FROM core_identity_connection WHERE slug = %s", [slug]).fetchone()
        assert found
        holder.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [customer_lock(found[0])])
        yield holder

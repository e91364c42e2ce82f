"""A customer whose row somebody else holds, as a long transaction of another process does."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


@contextmanager
def held_customer(url: str, slug: str) -> Iterator[psycopg.Connection]:
    """Hold the row of the customer that owns the connection ``slug``, until the block ends or the caller commits."""
    with psycopg.connect(url) as holder:
        found = holder.execute(
            "SELECT 1 FROM core_identity_customer customer JOIN core_identity_connection connection"
            " ON connection.customer_id = customer.id WHERE connection.slug = %s FOR NO KEY UPDATE OF customer",
            [slug],
        )
        assert found.fetchone()
        yield holder

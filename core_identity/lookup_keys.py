"""Numbers by which a row of a log is found by a name in it, although the row does not contain the name (R35).

The numbers have an index. They need no secret key, because erasure must find old rows too. So a reader of a row can test names that they know.
"""

import hashlib
from collections.abc import Iterable

from django.db.models import BigIntegerField, Q, Value

from core_identity.keys import key


def lookup_key(name: str) -> int:
    """Return the number of a name: the first 8 bytes of the SHA-256 of its key (R5), as a signed ``bigint``.

    In SQL: ``('x' || left(encode(sha256(convert_to(KEY, 'UTF8')), 'hex'), 16))::bit(64)::bigint``.
    """
    digest = hashlib.sha256(key(name).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def lookup_keys(names: Iterable[str]) -> list[int]:
    """Return the numbers of names, each once and in order; empty names have none."""
    return list(dict.fromkeys(lookup_key(name) for name in dict.fromkeys(names) if name and name.strip()))


def named_any(names: Iterable[str]) -> Q:
    """Return the condition for rows that contain one of these names; ``keys`` is their column. Nothing fulfils it without a name."""
    numbers = lookup_keys(names)
    # Each number is cast to its type: Django would bind it as a number of four bytes, and find nothing.
    return Q(keys__overlap=[Value(one, BigIntegerField()) for one in numbers]) if numbers else Q(pk__in=[])

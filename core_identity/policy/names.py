"""Create a username in CORE (R8)."""

from collections.abc import Iterator


def username_candidates(wished: str) -> Iterator[str]:
    """Yield ``wished`` and then the same with a number appended, infinitely: jane, jane2, jane3 …"""
    yield wished
    number = 2
    while True:
        yield f"{wished}{number}"
        number += 1

"""Create a username in CORE (R8)."""

from collections.abc import Iterator


def username_candidates(name: str) -> Iterator[str]:
    """Yield ``name`` and then the same with a number appended, infinitely: jane, jane2, jane3 …"""
    yield name
    number = 2
    while True:
        yield f"{name}{number}"
        number += 1

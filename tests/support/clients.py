"""HTTP clients of tests. They are many, and some live in threads; all are closed when the test ends."""

from typing import Any

import httpx

_open: list[httpx.Client] = []


def open_client(**options: Any) -> httpx.Client:
    """Return a client that asks no proxy: what it talks to runs on this machine."""
    client = httpx.Client(trust_env=False, timeout=30, **options)
    _open.append(client)
    return client


def close_clients() -> None:
    while _open:
        _open.pop().close()

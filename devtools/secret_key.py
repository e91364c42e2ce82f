"""The secret key of this checkout's servers: made at first use, kept in `.dev`, never in the repository."""

import contextlib
import os
import secrets
from pathlib import Path

from devtools.checkout import Checkout


def secret_key(checkout: Checkout) -> str:
    """67 characters. Two processes that ask at the same first moment get the same key."""
    path = checkout.make_state_folder() / "secret-key"
    if not path.exists():
        _make(path)
    return path.read_text().strip()


def _make(path: Path) -> None:
    """Write whole, then link: whoever links first wins, and nobody reads half a key."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink()

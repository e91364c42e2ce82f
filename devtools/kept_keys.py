"""The keys of this checkout's servers: made at first use, kept in `.dev`, never in the repository."""

import base64
import contextlib
import os
import secrets
from pathlib import Path

from devtools.checkout import Checkout
from devtools.faults import say


def secret_key(checkout: Checkout) -> str:
    """67 characters. Two processes that ask at the same first moment get the same key."""
    path = checkout.make_state_folder() / "secret-key"
    if not path.exists():
        _make(path, secrets.token_urlsafe(50))
    return path.read_text().strip()


def saml_encryption_keys(checkout: Checkout) -> str:
    """A Fernet key: 32 bytes in URL-safe base64. It encrypts the private SAML keys in the database."""
    path = checkout.make_state_folder() / "saml-key-encryption-keys"
    if not path.exists():
        _make(path, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        say(f"Created {path}. Back it up with the database: without it our SAML keys cannot be opened.")
    return path.read_text().strip()


def _make(path: Path, key: str) -> None:
    """Write the whole key to another file, then link it: the first link wins, and no process reads half a key."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(key + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink()

"""The address at which `./dev serve` or `./dev run` last served a database, so that `./dev manage` prints the same one."""

import hashlib
from pathlib import Path

from devtools.checkout import Checkout
from devtools.database import Database


def remember_address(checkout: Checkout, database: Database, url: str) -> None:
    """Store the public URL of the server that works on this database."""
    _file(checkout, database).write_text(f"{url}\n")


def remembered_address(checkout: Checkout, database: Database) -> dict[str, str]:
    """Return PUBLIC_URL as a variable for the environment; no variable if this database was never served."""
    file = _file(checkout, database)
    return {"PUBLIC_URL": file.read_text().strip()} if file.is_file() else {}


def _file(checkout: Checkout, database: Database) -> Path:
    """A file for each database. Its name is a hash, because the URL of a database may contain a password."""
    name = hashlib.sha256(database.url.encode()).hexdigest()[:12]
    return checkout.make_state_folder("addresses") / name

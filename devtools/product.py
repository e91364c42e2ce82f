"""How the product is called: the environment that its settings read, and manage.py."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.checkout import Checkout
from devtools.database import Database
from devtools.faults import Fault
from devtools.file_lock import only_one
from devtools.kept_keys import saml_encryption_keys, secret_key

SETTINGS = "core_identity.config.settings"


def product_environment(checkout: Checkout, database: Database, **extra: str) -> dict[str, str]:
    """Ours, with the database, the keys that are not given, and `extra` (which wins)."""
    environment = dict(os.environ)
    environment["DATABASE_URL"] = database.url
    environment.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    if not environment.get("SECRET_KEY") and not environment.get("SECRET_KEY_FILE"):
        environment["SECRET_KEY"] = secret_key(checkout)
    if not environment.get("SAML_KEY_ENCRYPTION_KEYS") and not environment.get("SAML_KEY_ENCRYPTION_KEYS_FILE"):
        environment["SAML_KEY_ENCRYPTION_KEYS"] = saml_encryption_keys(checkout)
    return environment | extra


def manage_command(checkout: Checkout, *words: str) -> list[str | Path]:
    return [checkout.python, checkout.root / "manage.py", *words]


def manage(checkout: Checkout, environment: dict[str, str], *words: str) -> str:
    """Run one command of manage.py to its end and give its stdout.

    Raises Fault with all its words when it fails.
    """
    answer = subprocess.run(
        manage_command(checkout, *words),
        cwd=checkout.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if answer.returncode != 0:
        raise Fault(f"manage.py {words[0]} failed:\n{answer.stdout}{answer.stderr}".rstrip())
    return answer.stdout


@contextmanager
def migrating(checkout: Checkout) -> Iterator[None]:
    """Let one process of this checkout at a time migrate."""
    with only_one(checkout.make_state_folder() / "migrate.lock", "Waiting for another ./dev that is migrating …"):
        yield


def migrate(checkout: Checkout, environment: dict[str, str]) -> None:
    """Bring the database up to date; one process of this checkout at a time."""
    with migrating(checkout):
        manage(checkout, environment, "migrate", "--noinput", "--verbosity", "0")


def collect_static_files(checkout: Checkout, environment: dict[str, str]) -> None:
    """Gather what WhiteNoise serves, unless the same files were gathered before: hashing and compressing them takes seconds."""
    lock = checkout.make_state_folder() / "static.lock"
    root = Path(environment.get("STATIC_ROOT") or checkout.state / "static")
    stamp, digest = root.parent / f"{root.name}.collected", _digest_of_static_files(checkout, environment)
    with only_one(lock, "Waiting for another ./dev that is collecting static files …"):
        if root.is_dir() and stamp.is_file() and stamp.read_text() == digest:
            return
        stamp.unlink(missing_ok=True)
        manage(checkout, environment, "collectstatic", "--noinput", "--verbosity", "0")
        stamp.write_text(digest)


def _digest_of_static_files(checkout: Checkout, environment: dict[str, str]) -> str:
    """Changes with our own files, with the packages that bring theirs, with the files that we leave out, and with DEBUG, which compresses nothing."""
    digest = hashlib.sha256(checkout.runtime_lock.read_bytes())
    digest.update((checkout.root / "core_identity" / "config" / "apps.py").read_bytes())
    digest.update(environment.get("DEBUG", "").encode())
    folder = checkout.root / "static"
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)} {path.stat().st_size} ".encode() + path.read_bytes())
    return digest.hexdigest()

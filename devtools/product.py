"""How the product is called: the environment that its settings read, and manage.py."""

import os
import subprocess
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


def migrate(checkout: Checkout, environment: dict[str, str]) -> None:
    """Bring the database up to date; one process of this checkout at a time."""
    lock = checkout.make_state_folder() / "migrate.lock"
    with only_one(lock, "Waiting for another ./dev that is migrating …"):
        manage(checkout, environment, "migrate", "--noinput", "--verbosity", "0")


def collect_static_files(checkout: Checkout, environment: dict[str, str]) -> None:
    """Gather what WhiteNoise serves; files that have not changed are left alone."""
    lock = checkout.make_state_folder() / "static.lock"
    with only_one(lock, "Waiting for another ./dev that is collecting static files …"):
        manage(checkout, environment, "collectstatic", "--noinput", "--verbosity", "0")

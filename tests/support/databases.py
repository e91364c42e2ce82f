"""Databases with every table: copies of one that is migrated once, because the migrations take five seconds and a copy none.

A dump of that one is kept for other servers and later runs. It takes half a second to load.
"""

import hashlib
import os
import secrets
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from devtools.checkout import this_checkout
from devtools.postgres.binaries import find_binaries
from devtools.product import SETTINGS, manage

APPS: Final = ("core_identity", "scim", "sso")
LOCK: Final = 7_015
"""The advisory lock of the server under which one process migrates and the others wait."""


def empty_database(server: str) -> str:
    """Create a database without tables on the server of this URL; return the URL of the new one."""
    return _create(server, "")


def migrated_database(server: str) -> str:
    """Create a database with all tables on the server of this URL; return the URL of the new one."""
    return _create(server, f"TEMPLATE {migrated_template(server)}")


def migrated_template(server: str) -> str:
    """Return the name of the database that is copied; the first caller makes it. Its name changes with the migrations."""
    name = f"migrated_{_digest_of_migrations()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            unfinished = f"{name}_unfinished"
            connection.execute(f"DROP DATABASE IF EXISTS {unfinished}")
            connection.execute(f"CREATE DATABASE {unfinished}")
            _make_tables(_url(server, unfinished), name, connection.info.server_version // 10_000)
            connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")
    return name


def _make_tables(url: str, name: str, major: int) -> None:
    """Load the dump of this name, or migrate and make the dump. A server that is not of our programs' release always migrates.

    Each release of PostgreSQL has its own dump: an older one does not know all settings in that of a newer one.
    """
    folder = this_checkout().make_state_folder("migrated")
    dump, programs = folder / f"{name}_{major}.sql", find_binaries(this_checkout())
    ours = programs.major == major and os.access(programs.program("pg_dump"), os.X_OK)
    if ours and dump.exists():
        _run(
            programs.program("psql"), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", dump, "-d", url
        )
        return
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": SETTINGS}
    manage(this_checkout(), environment, "migrate", "--noinput", "--verbosity", "0")
    _keep_autovacuum_out(url)
    if ours:
        unfinished = folder / f"{name}.{os.getpid()}"
        _run(programs.program("pg_dump"), "--no-owner", "-f", unfinished, "-d", url)
        for former in folder.glob(f"*_{major}.sql"):
            former.unlink(missing_ok=True)
        unfinished.rename(dump)


def _run(program: Path, *words: str | Path) -> None:
    subprocess.run([program, *words], check=True)


def _keep_autovacuum_out(url: str) -> None:
    """Let no background process learn from the rows of one test how the next one's statements are planned."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")


def drop_database(server: str, name: str) -> None:
    """Remove a database of the server, also while somebody is connected to it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def _create(server: str, how: str) -> str:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {how}")
    return _url(server, name)


def _url(server: str, database: str) -> str:
    return urlsplit(server)._replace(path=f"/{database}").geturl()


def _digest_of_migrations() -> str:
    root = this_checkout().root
    digest = hashlib.sha256((root / "requirements.txt").read_bytes())
    for path in sorted(path for app in APPS for path in (root / app / "migrations").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]

"""The settings' environment for tests, given before the settings load: first of all a throw-away PostgreSQL.

Loaded by `-p` in pyproject.toml, as a conftest.py would come too late. `./dev test` brings a DATABASE_URL;
bare pytest gets a server of its own here, and xdist's workers inherit it.
"""

import contextlib
import os
import secrets
import sys
import threading

import psycopg
import pytest
from cryptography.fernet import Fernet

from devtools.checkout import this_checkout
from devtools.database import throwaway_database
from devtools.faults import Fault
from devtools.product import collect_static_files
from tests.support.databases import migrated_template

# Variables of a developer's shell that would change the results of tests.
FOREIGN = (
    "BURST_LEAST",
    "BURST_PEOPLE",
    "BURST_PERCENT",
    "CLOSED_CONFLICT_DAYS",
    "CONN_MAX_AGE",
    "DATABASE_CONNECT_TIMEOUT",
    "DATABASE_IDLE_IN_TRANSACTION_TIMEOUT",
    "DATABASE_KEEPALIVES_COUNT",
    "DATABASE_KEEPALIVES_IDLE",
    "DATABASE_KEEPALIVES_INTERVAL",
    "DATABASE_LOCK_TIMEOUT",
    "DATABASE_POOLER",
    "DATABASE_STATEMENT_TIMEOUT",
    "DATABASE_TCP_USER_TIMEOUT",
    "DEBUG",
    "DEMO",
    "DNS_RESOLVERS",
    "DRAIN_SECONDS",
    "FAILURES_PER_MINUTE",
    "HOUSEKEEPING_SECONDS",
    "PASSWORDS_OF_A_NAME_PER_MINUTE",
    "PASSWORDS_PER_MINUTE",
    "PAYLOAD_LOG_DAYS",
    "PROVISIONING_LOG_DAYS",
    "PUBLIC_URL",
    "PUSHES_WAITING",
    "PUSHES_WAITING_PER_CUSTOMER",
    "SAML_KEY_ENCRYPTION_KEYS_FILE",
    "SCIM_READS_PER_MINUTE",
    "SCIM_WRITES_PER_MINUTE",
    "SECRET_KEY_FILE",
    "SIGN_IN_FAILURES_PER_MINUTE",
    "SIGN_IN_LOG_DAYS",
    "SIGN_IN_LOOKUPS_PER_MINUTE",
    "SIGN_INS_OF_A_CONNECTION_PER_MINUTE",
    "SIGN_INS_PER_MINUTE",
    "STATIC_ROOT",
    "TIME_ZONE",
    "TRUSTED_PROXIES",
    "TRUST_PROXY",
)

# Compiled once for all processes of a run: without it, each of them compiles the whole product again, a second each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_server = contextlib.ExitStack()
for _name in FOREIGN:
    os.environ.pop(_name, None)
os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
os.environ["PROVISIONING_LOG_DELAY"] = "0"  # tests read the log right after an answer
os.environ["SAML_KEY_ENCRYPTION_KEYS"] = Fernet.generate_key().decode()
# The default STATIC_ROOT, as for `./dev serve`: the files of the last run are still there. WhiteNoise warns if it does not exist.
this_checkout().make_state_folder("static")
if "DATABASE_URL" not in os.environ:
    os.environ["DATABASE_URL"] = _server.enter_context(throwaway_database(this_checkout())).url


_ahead: list[threading.Thread] = []


def pytest_configure(config: pytest.Config) -> None:
    """While several workers collect the tests, begin what all of them need and would wait for: tables and static files."""
    if getattr(config.option, "numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        for work in (_migrate, _collect_static_files):
            thread = threading.Thread(target=work)
            thread.start()
            _ahead.append(thread)


def _migrate() -> None:
    with contextlib.suppress(Fault, psycopg.Error):  # the worker that tries again reports it
        migrated_template(os.environ["DATABASE_URL"])


def _collect_static_files() -> None:
    with contextlib.suppress(Fault):
        collect_static_files(this_checkout(), dict(os.environ))


def pytest_unconfigure(config: pytest.Config) -> None:
    for thread in _ahead:
        thread.join()
    _server.close()

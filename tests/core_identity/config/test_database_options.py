"""The database connection: its time limits, and how it continues if a server does not answer."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core_identity.config.environment import database
from devtools.checkout import this_checkout

PRESET = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "server_side_binding": True,
    "prepare_threshold": 5,
    "options": "-c statement_timeout=30s -c idle_in_transaction_session_timeout=60s -c lock_timeout=10s",
}
CHANGED = {
    "DATABASE_CONNECT_TIMEOUT": "2",
    "DATABASE_KEEPALIVES_IDLE": "7",
    "DATABASE_KEEPALIVES_INTERVAL": "8",
    "DATABASE_KEEPALIVES_COUNT": "9",
    "DATABASE_TCP_USER_TIMEOUT": "6",
    "DATABASE_STATEMENT_TIMEOUT": "5",
    "DATABASE_IDLE_IN_TRANSACTION_TIMEOUT": "4",
    "DATABASE_LOCK_TIMEOUT": "0",
}


def test_time_limits_are_preset_and_each_can_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CHANGED, "DATABASE_POOLER", "CONN_MAX_AGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgres://core@one,two/core")
    config = database()
    assert (config["HOST"], config["OPTIONS"], config["CONN_MAX_AGE"]) == ("one,two", PRESET, 300)
    for name, value in CHANGED.items():
        monkeypatch.setenv(name, value)
    assert database()["OPTIONS"] == {
        "connect_timeout": 2,
        "keepalives": 1,
        "keepalives_idle": 7,
        "keepalives_interval": 8,
        "keepalives_count": 9,
        "tcp_user_timeout": 6_000,
        "server_side_binding": True,
        "prepare_threshold": 5,
        "options": "-c statement_timeout=5s -c idle_in_transaction_session_timeout=4s -c lock_timeout=0s",
    }
    monkeypatch.setenv("DATABASE_URL", "postgres://core@one/core?connect_timeout=1&options=-c%20statement_timeout%3D1s")
    options = database()["OPTIONS"]
    assert options["connect_timeout"] == 1
    assert options["options"].endswith("lock_timeout=0s -c statement_timeout=1s"), "the last one counts"
    monkeypatch.setenv("DATABASE_POOLER", "on")
    monkeypatch.setenv("DATABASE_URL", "postgres://core@one/core")
    pooled = database()
    assert "options" not in pooled["OPTIONS"], "PgBouncer refuses startup options"
    assert (pooled["CONN_MAX_AGE"], pooled["DISABLE_SERVER_SIDE_CURSORS"]) == (0, True)
    assert pooled["OPTIONS"]["prepare_threshold"] is None, "the next transaction may meet another server connection"


SHOW = """
from django.db import connection
with connection.cursor() as cursor:
    for name in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
        cursor.execute(f"SHOW {name}")
        print(cursor.fetchone()[0])
"""


def python(*words: str, **variables: str) -> Any:
    root = this_checkout().root
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "core_identity.config.settings", "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, *words], env=environment | variables, cwd=root, capture_output=True, text=True
    )


def test_requests_have_time_limits_and_commands_have_none() -> None:
    served = python("-c", f"import django; django.setup(){SHOW}")
    assert served.stdout.split() == ["30s", "1min", "10s"], served.stderr
    managed = python("manage.py", "shell", "--verbosity", "0", "-c", SHOW, DATABASE_STATEMENT_TIMEOUT="1")
    assert managed.stdout.split() == ["0", "0", "0"], managed.stderr


def test_a_silent_host_is_skipped_for_the_next_one() -> None:
    folder = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0]
    assert Path(folder).is_dir(), "the tests' PostgreSQL listens on a socket"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        both = f"postgres://core_identity@/core?host=127.0.0.1,{folder}&port={port},5432"
        began = time.monotonic()
        answer = python("-c", f"import django; django.setup(){SHOW}", DATABASE_URL=both, DATABASE_CONNECT_TIMEOUT="2")
    assert answer.stdout.split() == ["30s", "1min", "10s"], answer.stderr
    assert time.monotonic() - began < 15

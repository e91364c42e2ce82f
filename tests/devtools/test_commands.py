"""`./dev` as somebody types it."""

import os
import signal
import socket
import subprocess
import time
import urllib.request

import httpx
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from devtools.checkout import this_checkout
from devtools.cli import COMMANDS
from tests.support.databases import empty_database
from tests.support.processes import ended
from tests.support.service import free_port

DEV = this_checkout().root / "dev"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DEV, *words], capture_output=True, text=True, timeout=60)


def test_dev_says_what_it_can_do() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    for name in COMMANDS:
        assert name in answer.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    answer = run(command, "--help")
    assert answer.returncode == 0
    assert f"./dev {command}" in answer.stdout


def test_an_unknown_command_is_wrong_usage() -> None:
    assert run("fly").returncode == 2
    assert run("run", "--wrong").returncode == 2


def probe(port: int, path: str, method: str = "GET") -> int:
    """Ask as a load balancer does: by the address of the machine, which is not one of our host names."""
    return httpx.request(
        method, f"http://127.0.0.1:{port}{path}", headers={"Host": "10.0.3.7"}, trust_env=False
    ).status_code


def address_and_rounds_that_manage_prints(environment: dict[str, str]) -> list[str]:
    code = """
from django.conf import settings
from django.contrib.auth.hashers import get_hasher
print(settings.PUBLIC_URL, get_hasher().iterations)"""
    words = [str(DEV), "manage", "shell", "--no-imports", "--command", code]
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return done.stdout.split()


def test_serve_migrates_listens_and_stops_with_everything_it_started() -> None:
    port = free_port()
    environment = os.environ | {"DATABASE_URL": empty_database(os.environ["DATABASE_URL"])}
    environment.pop("PUBLIC_URL", None)
    environment["DRAIN_SECONDS"] = "1"
    process = subprocess.Popen(
        [DEV, "serve", "--port", str(port), "--workers", "2"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with ended(process):
        assert process.stdout
        line_shown = next((line for line in process.stdout if line.startswith("Serving ")), "it ended before it served")
        assert line_shown.startswith(f"Serving http://localhost:{port}.")
        all_rounds = str(PBKDF2PasswordHasher.iterations)  # other tests hash with few
        assert address_and_rounds_that_manage_prints(environment) == [f"http://localhost:{port}", all_rounds]
        with urllib.request.urlopen(f"http://localhost:{port}/healthz", timeout=10) as answer:
            assert answer.status == 200
        assert [probe(port, "/readyz", method) for method in ("GET", "HEAD")] == [200, 200]
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 10
        while (ready := probe(port, "/readyz")) == 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (ready, probe(port, "/healthz")) == (503, 200), "not ready first, and still serving"
        assert process.wait(30) == 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=1)

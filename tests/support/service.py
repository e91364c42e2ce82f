"""The whole product as customers meet it: gunicorn with two workers over a PostgreSQL database of its own, reached by HTTP."""

import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import httpx

from devtools.checkout import Checkout, this_checkout
from devtools.ports import wait_for_answer
from devtools.product import collect_static_files
from devtools.services import services
from devtools.web_server import WebServer
from tests.support.clients import open_client
from tests.support.databases import migrated_database


class Commands:
    """Runs commands of manage.py by `tests.support.command_server`, one at a time."""

    def __init__(self, line: TextIO) -> None:
        self._line = line
        self._lock = threading.Lock()

    def run(self, words: tuple[str, ...], stdin: str, variables: dict[str, str]) -> tuple[int, str]:
        with self._lock:
            self._line.write(json.dumps({"words": words, "stdin": stdin, "variables": variables}) + "\n")
            self._line.flush()
            answer = self._line.readline()
        assert answer, "The process that runs commands has ended; its last output is above."
        ended = json.loads(answer)
        return ended["code"], ended["out"]


@dataclass(frozen=True)
class Service:
    """A running service; ``url`` is what browsers see, ``process`` the parent of its workers."""

    url: str
    environment: dict[str, str]
    checkout: Checkout
    process: int
    commands: Commands

    @property
    def dns_port(self) -> int:
        """The port at which the service asks DNS. Nobody answers there unless a test does."""
        return int(self.environment["DNS_RESOLVERS"].rpartition(":")[2])

    def manage(self, *words: str, stdin: str = "", **variables: str) -> tuple[int, str]:
        """Run a command as an administrator's script does; return its exit code and stdout."""
        return self.commands.run(words, stdin, variables)

    def ask(self, *words: str, stdin: str = "") -> Any:
        """Run a command with --json, demand that it succeeds, and return its document."""
        code, out = self.manage(*words, "--json", stdin=stdin)
        assert code == 0, out
        return json.loads(out)

    def apply(self, description: dict[str, Any]) -> dict[str, Any]:
        """Apply one connection (JSON on stdin) and return what is to be entered at its IdP."""
        (setup,) = self.ask("connection", "apply", "-", stdin=json.dumps(description))["connections"]
        assert isinstance(setup, dict)
        return setup

    def add_administrator(self, username: str) -> str:
        """Make an administrator as an operator does; return the password."""
        password = secrets.token_urlsafe(12)
        code, _ = self.manage(
            "createsuperuser",
            "--noinput",
            DJANGO_SUPERUSER_USERNAME=username,
            DJANGO_SUPERUSER_EMAIL=f"{username}@core.test",
            DJANGO_SUPERUSER_PASSWORD=password,
        )
        assert code == 0
        return password

    def http(self) -> httpx.Client:
        """A browser without pages: keeps cookies, follows nothing by itself."""
        return open_client(base_url=self.url)


@contextmanager
def running_service(
    folder: Path, *, server: str = "", log: Path | None = None, workers: int = 2, **variables: str
) -> Iterator[Service]:
    """Start a service on a fresh database (of the tests' PostgreSQL, or of ``server``), with its production settings; stop it at the end.

    Its log goes where ours goes, or into the file ``log``. ``variables`` are further ones of its environment.
    """
    checkout = this_checkout()
    web = WebServer(free_port(), workers=workers, threads=8, application="tests.support.quick_wsgi")
    environment = (
        os.environ
        | {
            "DATABASE_URL": migrated_database(server or os.environ["DATABASE_URL"]),
            "DJANGO_SETTINGS_MODULE": "core_identity.config.settings",
            "PUBLIC_URL": web.url,
            "DNS_RESOLVERS": f"127.0.0.1:{free_port()}",
            "DRAIN_SECONDS": "0",
            "SECRET_KEY": secrets.token_urlsafe(50),
        }
        | variables
    )
    collect_static_files(checkout, environment)
    with services() as running, running_commands(environment, folder) as commands:
        logging = ["--capture-output", "--error-logfile", str(log)] if log else []
        running.start("gunicorn", [*web.command(checkout), *logging], environment, checkout.root)
        host = urlsplit(web.url).netloc
        wait_for_answer(f"http://127.0.0.1:{web.port}/healthz", running.check, host)
        [(_, process)] = running.running
        yield Service(web.url, environment, checkout, process.pid, commands)


@contextmanager
def running_commands(environment: dict[str, str], folder: Path) -> Iterator[Commands]:
    """Start a process that runs commands with this environment in this folder; stop it at the end."""
    ours, theirs = socket.socketpair()
    checkout = this_checkout()
    command: list[str | Path] = [checkout.python, "-m", "tests.support.command_server", str(theirs.fileno())]
    with ours, ours.makefile("rw", encoding="utf-8") as line, services([theirs.fileno()]) as running:
        with theirs:  # only the process keeps it, so that we notice its end
            running.start("manage.py", command, environment | {"PYTHONPATH": str(checkout.root)}, folder)
        yield Commands(line)


@contextmanager
def running_idp(service: Service, folder: Path, slug: str) -> Iterator[str]:
    """Start the demo IdP for one connection, on another host name than the service's: cross-site, as a real one is. Gives its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [
        service.checkout.python,
        "-m",
        "demo.idp",
        "--port",
        str(port),
        "--sp-url",
        service.url,
    ]
    command += ["--state", str(folder), "--connection", slug]
    with services() as running:
        running.start("The demo IdP", command, os.environ, service.checkout.root)
        wait_for_answer(f"{url}/metadata", running.check)
        yield url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""The product under gunicorn, as `serve` and `run` start it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.checkout import Checkout
from devtools.gate import Gate
from devtools.ports import loopback_addresses

APPLICATION = "core_identity.config.wsgi"
WORKERS = 2
THREADS = 8
DRAIN_SECONDS = 2  # still serving, and not ready any more
GRACE_SECONDS = 3  # for requests under way


@dataclass(frozen=True)
class WebServer:
    """`binds` are gunicorn addresses (`host:port`); none means every loopback address. With a `gate`, it answers when that is open."""

    port: int
    workers: int
    threads: int
    binds: Sequence[str] = ()
    reload: bool = False
    application: str = APPLICATION
    gate: Gate | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def command(self, checkout: Checkout) -> list[str | Path]:
        """The command line. No access log: SCIM filters in query strings hold names."""
        binds = self.binds or [_address(host, self.port) for host in loopback_addresses()]
        command: list[str | Path] = [checkout.python, "-m", "gunicorn", self.application, "--no-control-socket"]
        command += ["--worker-class", "gthread", "--limit-request-line", "8190"]  # a filter in a URL may be long
        command += ["--workers", str(self.workers), "--threads", str(self.threads)]
        command += ["--graceful-timeout", str(DRAIN_SECONDS + GRACE_SECONDS), "--log-level", "warning"]
        for bind in binds:
            command += ["--bind", bind]
        command += self.gate.options if self.gate else []
        return [*command, "--reload"] if self.reload else command


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

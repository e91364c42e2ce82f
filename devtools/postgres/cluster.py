"""One PostgreSQL server: made by initdb, started and stopped by pg_ctl, reached by a socket only."""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from devtools.faults import Fault
from devtools.postgres.account import Account
from devtools.postgres.binaries import Binaries
from devtools.postgres.server_process import ServerProcess

SUPERUSER = "postgres"
# The product connects with this role. It may create databases, for the tests. It is not a superuser, as on a managed
# service.
ROLE = "core_identity"
START_SECONDS = 60
BUILTIN_LOCALE = 17
"""The version from which PostgreSQL knows letters without the system's locales."""
SETTINGS = {"listen_addresses": "", "max_connections": "200", "timezone": "UTC", "log_timezone": "UTC"}
# A throw-away server need not survive a power cut.
CARELESS_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Cluster:
    """`home` holds locks and the server's own folder; `sockets` may lie elsewhere: their paths are short.

    `durable`: its data survives the command. `fsync`: a throw-away server writes to the disk as a durable one does.
    """

    binaries: Binaries
    account: Account
    home: Path
    sockets: Path
    durable: bool
    fsync: bool = False

    @property
    def own_folder(self) -> Path:
        """The one folder in `home` that the server's account may write."""
        return self.home / "server"

    @property
    def data(self) -> Path:
        return self.own_folder / f"data-{self.binaries.major}"

    @property
    def log(self) -> Path:
        return self.own_folder / "postgres.log"

    def url(self, database: str) -> str:
        """The DATABASE_URL of one database."""
        return f"postgres://{ROLE}@/{database}?host={quote(str(self.sockets))}"

    @property
    def process(self) -> ServerProcess:
        return ServerProcess(self.data)

    def start(self, databases: Sequence[str]) -> None:
        """Have the server running and ready, with its role and `databases`.

        Raises Fault with the end of its log.
        """
        if not self._wait_until_settled():
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            self.account.own(self.sockets)
            self._discard_stale_pid_files()
            self._pg_ctl("start", "-w", "-t", str(START_SECONDS), "-l", self.log, "-o", self._options())
        self._make_databases(databases)

    def put_aside(self, database: str, new_name: str) -> None:
        """Rename `database` to `new_name`, and make an empty one in its place. Raises Fault if somebody uses it."""
        self._psql(f"ALTER DATABASE {database} RENAME TO {new_name}", f"{database} could not be put aside.")
        self._make_databases([database])

    def stop(self) -> None:
        """Stop the server if it runs; its clients are cut off."""
        if not self.process.runs():
            return
        try:
            self._pg_ctl("stop", "-w", "-t", "20", "-m", "fast")
        except Fault:
            self._pg_ctl("stop", "-w", "-t", "20", "-m", "immediate")

    def retire(self) -> None:
        """Stop the server; of a throw-away one, delete all files too."""
        self.stop()
        if not self.durable:
            shutil.rmtree(self.home, ignore_errors=True)

    def _initialise(self) -> None:
        """Make the data folder, whole or not at all: initdb works in a folder beside it."""
        self.account.own(self.own_folder)
        unfinished = self.data.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        command: list[str | Path] = [
            self.binaries.program("initdb"),
            "--pgdata",
            unfinished,
            "--username",
            SUPERUSER,
        ]
        command += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        if self.binaries.major >= BUILTIN_LOCALE:  # the same order, and the letter case of all letters
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        # Only the owner of the socket's folder and root can connect.
        command += ["--auth=trust"]
        command += [] if self.durable else ["--no-sync"]
        answer = self.account.run(command)
        if answer.returncode != 0:
            raise Fault(f"PostgreSQL's initdb failed:\n{answer.stdout.strip()}")
        unfinished.rename(self.data)

    def _options(self) -> str:
        settings = SETTINGS | ({} if self.durable or self.fsync else CARELESS_SETTINGS)
        words = ["-k", str(self.sockets)]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        return shlex.join(words)  # pg_ctl hands them to a shell

    def _pg_ctl(self, action: str, *words: str | Path) -> None:
        answer = self.account.run([self.binaries.program("pg_ctl"), action, "-D", self.data, *words])
        if answer.returncode != 0:
            raise Fault("\n".join([f"PostgreSQL: pg_ctl {action} failed.", answer.stdout.strip(), *self._log_tail()]))

    def _log_tail(self) -> Iterator[str]:
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return
        yield f"The end of {self.log}:"
        yield from lines[-15:]

    def _wait_until_settled(self) -> bool:
        """True when the server takes connections, False when it does not run; waits as it comes or goes."""
        deadline = time.monotonic() + START_SECONDS
        while self.process.runs():
            if self.process.is_ready():
                return True
            if time.monotonic() > deadline:
                raise Fault("\n".join(["PostgreSQL neither starts nor stops.", *self._log_tail()]))
            time.sleep(0.05)
        return False

    def _discard_stale_pid_files(self) -> None:
        """Remove the files of a dead server if its process number now belongs to another program.

        PostgreSQL would give up then. If no process has the number, the files stay: PostgreSQL itself
        checks that no orphan uses the data.
        """
        if self.process.noted_pid_is_taken():
            for path in (self.process.file, *self.sockets.glob(".s.PGSQL.*.lock")):
                path.unlink(missing_ok=True)

    def _make_databases(self, databases: Sequence[str]) -> None:
        names = ", ".join(f"'{name}'" for name in databases)
        script = (  # nothing but names of ours in it
            f"SELECT 'CREATE ROLE {ROLE} LOGIN CREATEDB'"  # noqa: S608
            f" WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') \\gexec\n"
            f"SELECT format('CREATE DATABASE %I OWNER {ROLE}', name) FROM unnest(ARRAY[{names}]::text[]) name"
            " WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \\gexec\n"
        )
        self._psql(script, "PostgreSQL made no databases.")

    def _psql(self, script: str, failure: str) -> None:
        """Run a script as the superuser. If it fails, raise Fault with `failure` and the reason."""
        psql: list[str | Path] = [self.binaries.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
        psql += ["-h", self.sockets, "-U", SUPERUSER, "-d", "postgres"]
        answer = subprocess.run(psql, input=script, capture_output=True, text=True, env=_environment_of_clients())
        if answer.returncode != 0:
            raise Fault("\n".join([failure, answer.stderr.strip(), *self._log_tail()]))


def _environment_of_clients() -> dict[str, str]:
    """Ours without PGHOST and the like, which would lead psql astray."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}

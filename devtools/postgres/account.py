"""The account under which PostgreSQL runs: it refuses root, so root lends it another one."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.faults import Fault


@dataclass(frozen=True)
class Account:
    """The account that runs the server. `uid` is None if that is the caller's own account."""

    uid: int | None
    gid: int | None

    def run(self, command: Sequence[str | Path], **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL to its end as this account; both of its streams come back as text."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(
            command,
            env=environment | {"LC_ALL": "C"} | extra,
            cwd="/",  # the account may not be allowed in our own working directory
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def reaches(self, path: Path) -> bool:
        """Whether the account may pass all folders down to `path` and enter or run it.

        Asked of the kernel by trying, so that access lists count too.
        """
        return self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", path]).returncode == 0

    def own(self, folder: Path) -> None:
        """Make `folder` where it is missing, for this account (and root) alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
        folder.chmod(0o700)


def server_account(data: Path) -> Account:
    """The caller, unless that is root: then the owner of `data`, else `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return Account(None, None)
    if data.is_dir() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise Fault("PostgreSQL does not run as root, and this machine has no account `postgres` or `nobody` to lend it.")

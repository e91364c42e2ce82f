"""Where a server's files lie: beside the checkout's other state, or where its account can reach them."""

import os
import stat
import tempfile
from pathlib import Path

from devtools.checkout import Checkout
from devtools.faults import Fault, say
from devtools.postgres.account import Account, server_account
from devtools.postgres.binaries import find_binaries, make_reachable
from devtools.postgres.cluster import Cluster

# For a checkout in a closed folder (a 0700 /root, say), when root runs us. Data must survive a restart: not
# in /tmp.
REFUGE = Path("/var/lib/core-identity-dev")
SHORT = Path("/tmp")  # noqa: S108  (every name in it is checked by _own_short_folder)
# sun_path holds 108 bytes on Linux and 104 on macOS.
LONGEST_SOCKET_PATH = 100


def durable_cluster(checkout: Checkout) -> Cluster:
    """The server of this checkout, whose data survives."""
    inside = checkout.make_state_folder("postgres")
    refuge = REFUGE / checkout.fingerprint
    account = server_account(inside / "server")
    home = inside
    if not account.reaches(inside):
        home = refuge
        account = server_account(home / "server")
        if not home.exists():
            say(f"PostgreSQL's data goes to {home}: {checkout.root} is closed to the account that runs it.")
        _make_open_folder(home)
    binaries = make_reachable(find_binaries(checkout), account, refuge)
    sockets = home / "sockets"
    if not _fits_a_socket(sockets):
        sockets = _own_short_folder(f"core-identity-{checkout.fingerprint}", account)
    return Cluster(binaries, account, home, sockets, durable=True)


def throwaway_cluster(checkout: Checkout, *, fsync: bool = False) -> Cluster:
    """Return a new server in the temporary folder; `retire()` deletes all its files."""
    account = server_account(Path())
    home = Path(tempfile.mkdtemp(prefix="core-identity-test-"))
    home.chmod(0o711)
    if not account.reaches(home) or not _fits_a_socket(home / "sockets"):
        home.rmdir()
        home = Path(tempfile.mkdtemp(prefix="core-identity-test-", dir=SHORT))
        home.chmod(0o711)
    binaries = make_reachable(find_binaries(checkout), account, REFUGE / checkout.fingerprint)
    return Cluster(binaries, account, home, home / "sockets", durable=False, fsync=fsync)


def _make_open_folder(folder: Path) -> None:
    """0755 down from REFUGE, whatever the umask: the server's account must pass."""
    for part in (REFUGE, folder):
        part.mkdir(parents=True, exist_ok=True)
        part.chmod(0o755)


def _fits_a_socket(folder: Path) -> bool:
    """Whether the socket's path is short enough, and not read by libpq as a list of hosts."""
    return len(os.fsencode(folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH and "," not in str(folder)


def _own_short_folder(name: str, account: Account) -> Path:
    """A folder in /tmp that only `account` may use.

    Everybody may write /tmp: one laid there by another is refused.
    """
    owner = os.geteuid() if account.uid is None else account.uid
    folder = SHORT / f"{name}-{owner}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner, os.geteuid()):
            raise Fault(
                f"{folder} was made by somebody else. Remove it, or move the checkout to a shorter path."
            ) from None
    account.own(folder)
    return folder

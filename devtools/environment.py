"""`.venv`: made from the Python that runs us, with what requirements-dev.txt pins by hash."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from devtools.checkout import Checkout
from devtools.faults import Fault, say
from devtools.file_lock import only_one


def ensure_environment(checkout: Checkout) -> None:
    """Make or renew `.venv` unless it already fits the lock. Several processes may call this at once.

    Raises Fault when the environment cannot be made.
    """
    if _fits(checkout):
        return
    lock = checkout.make_state_folder() / "setup.lock"
    with only_one(lock, "Waiting for another ./dev that is installing packages …"):
        if _fits(checkout):
            return
        _stamp_file(checkout).unlink(missing_ok=True)
        say(f"Installing packages into {checkout.venv} …")
        if not _install_with_uv(checkout):
            _install_with_pip(checkout)
        _compile(checkout)
        _stamp_file(checkout).write_text(_wanted_stamp(checkout))
        say("Environment ready.")


def _stamp_file(checkout: Checkout) -> Path:
    return checkout.venv / "installed-lock"


def _wanted_stamp(checkout: Checkout) -> str:
    """Changes with the lock, and with the checkout's place: installed programs hold its path."""
    content = checkout.dev_lock.read_bytes() + os.fsencode(checkout.root)
    return hashlib.sha256(content).hexdigest()


def _has_python(checkout: Checkout) -> bool:
    """False too when `.venv/bin/python` points to an interpreter that was removed."""
    return os.access(checkout.python, os.X_OK)


def _fits(checkout: Checkout) -> bool:
    if not _has_python(checkout):
        return False
    try:
        return _stamp_file(checkout).read_text() == _wanted_stamp(checkout)
    except OSError:
        return False


def _base_python() -> str:
    """The interpreter itself, also when we run inside a virtual environment."""
    return getattr(sys, "_base_executable", sys.executable) or sys.executable


def _install_with_uv(checkout: Checkout) -> bool:
    """True when uv did it; uv may be missing, or lack the index settings that pip has here."""
    uv = shutil.which("uv")
    if uv is None:
        return False
    make = [uv, "venv", "--quiet", "--clear", "--python", _base_python(), str(checkout.venv)]
    if not _has_python(checkout) and _run(checkout, make) != 0:
        return False
    sync = [uv, "pip", "sync", "--python", str(checkout.python), "--require-hashes", str(checkout.dev_lock)]
    if _run(checkout, sync) == 0:
        return True
    say("uv could not do it; trying pip.")
    return False


def _install_with_pip(checkout: Checkout) -> None:
    pip = [str(checkout.python), "-m", "pip"]
    if not _has_python(checkout) or _run(checkout, [*pip, "--version"], quiet=True) != 0:
        make = [_base_python(), "-m", "venv", "--clear", str(checkout.venv)]
        if _run(checkout, make) != 0:
            raise Fault(
                "A virtual environment could not be made. Debian and Ubuntu: apt-get install python3-venv; "
                "or install uv, which needs nothing else."
            )
    install = [*pip, "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--no-compile"]
    # The lock is complete, so nothing is left to resolve: what is not in it is not installed.
    install += ["--require-hashes", "--no-deps", "--requirement", str(checkout.dev_lock)]
    if _run_telling_downloads(checkout, install) != 0:
        raise Fault("The packages could not be installed; pip said why above. ./dev setup tries again.")


def _compile(checkout: Checkout) -> None:
    """Compile the packages on all cores: pip uses one core, and uv does not compile. Some files are templates and do not compile."""
    say("  Compiling …")
    _run(checkout, [str(checkout.python), "-m", "compileall", "-q", "-j", "0", str(checkout.venv / "lib")], quiet=True)


def _run(checkout: Checkout, command: list[str], *, quiet: bool = False) -> int:
    """Run to the end, with its words on our stderr: stdout belongs to the answer of the command."""
    output = subprocess.DEVNULL if quiet else sys.stderr
    return subprocess.run(command, cwd=checkout.root, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode


def _run_telling_downloads(checkout: Checkout, command: list[str]) -> int:
    """Of pip's many words on stdout, show what it downloads and when it begins to install."""
    with subprocess.Popen(
        command,
        cwd=checkout.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
    ) as pip:
        for line in pip.stdout or ():
            if line.startswith("  Downloading"):
                say(line.rstrip())
            elif line.startswith("Installing"):
                say("  Installing …")
    return pip.returncode

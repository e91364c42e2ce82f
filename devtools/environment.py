"""`.venv`: made from the Python that runs us, with what a lock pins by hash.

There are two sizes. `run` is what the product, its demo and PostgreSQL need. `dev` contains `run` and the developers' tools.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from devtools.checkout import Checkout
from devtools.faults import Fault, say
from devtools.file_lock import only_one
from devtools.progress import megabytes, reporting_growth

RUN, DEV = "run", "dev"


def ensure_environment(checkout: Checkout) -> None:
    """Make or renew `.venv` unless it already has what `./dev run` needs. Several processes may call this at once.

    An environment that has the developers' tools keeps them. Raises Fault if the environment cannot be created.
    """
    _ensure(checkout, RUN)


def ensure_tools(checkout: Checkout) -> None:
    """Like `ensure_environment`, with the developers' tools: for tests, checks, documentation and locks."""
    _ensure(checkout, DEV)


def _ensure(checkout: Checkout, size: str) -> None:
    if _fits(checkout, size):
        return
    lock = checkout.make_state_folder() / "setup.lock"
    with only_one(lock, "Waiting for another ./dev that is installing packages …"):
        if _fits(checkout, size):
            return
        size = DEV if _stamp_file(checkout, DEV).exists() else size
        _install(checkout, size)


def _install(checkout: Checkout, size: str) -> None:
    for stale in (RUN, DEV):
        _stamp_file(checkout, stale).unlink(missing_ok=True)
    started = time.monotonic()
    packages = len(re.findall(r"^[\w.-]+(?:\[.*?\])?==", _lock(checkout, size).read_text(), re.MULTILINE))
    kind = "packages and developers' tools" if size == DEV else "packages"
    say(f"Installing {packages} {kind} into {checkout.venv} …")
    if not _install_with_uv(checkout, size):
        _install_with_pip(checkout, size)
    _compile(checkout)
    for fitting in (RUN, DEV) if size == DEV else (RUN,):
        _stamp_file(checkout, fitting).write_text(_wanted_stamp(checkout, fitting))
    say(f"Environment ready: {megabytes(checkout.venv)} MB in {time.monotonic() - started:.0f} s.")
    if size == RUN:
        say("./dev test, lint and setup add the developers' tools when you use them.")


def _lock(checkout: Checkout, size: str) -> Path:
    return checkout.dev_lock if size == DEV else checkout.run_lock


def _stamp_file(checkout: Checkout, size: str) -> Path:
    return checkout.venv / f"installed-lock-{size}"


def _wanted_stamp(checkout: Checkout, size: str) -> str:
    """Changes with the lock, and with the checkout's place: installed programs hold its path."""
    content = _lock(checkout, size).read_bytes() + os.fsencode(checkout.root)
    return hashlib.sha256(content).hexdigest()


def _has_python(checkout: Checkout) -> bool:
    """False too when `.venv/bin/python` points to an interpreter that was removed."""
    return os.access(checkout.python, os.X_OK)


def _fits(checkout: Checkout, size: str) -> bool:
    if not _has_python(checkout):
        return False
    try:
        return _stamp_file(checkout, size).read_text() == _wanted_stamp(checkout, size)
    except OSError:
        return False


def _base_python() -> str:
    """The interpreter itself, also when we run inside a virtual environment."""
    return getattr(sys, "_base_executable", sys.executable) or sys.executable


def _install_with_uv(checkout: Checkout, size: str) -> bool:
    """True when uv did it. uv is on PATH, or pip installs the one that the lock of the developers' tools names."""
    uv = shutil.which("uv") or (_uv_of_the_lock(checkout) if size == DEV else None)
    if uv is None:
        return False
    make = [uv, "venv", "--quiet", "--clear", "--python", _base_python(), str(checkout.venv)]
    if not _has_python(checkout) and _run(checkout, make) != 0:
        return False
    sync = [uv, "pip", "sync", "--quiet", "--python", str(checkout.python), "--require-hashes"]
    with reporting_growth(checkout.venv, "Installing"):
        if _run(checkout, [*sync, str(_lock(checkout, size))]) == 0:
            return True
    say("uv could not do it; trying pip.")
    return False


def _uv_of_the_lock(checkout: Checkout) -> str | None:
    """Install uv alone: with its download it takes pip two seconds, and then installs the others in a quarter of the time that pip needs.

    None if pip has an index of its own, which uv does not know, or no such uv.
    """
    _make_environment_with_pip(checkout)
    pin = re.search(r"^uv==(?:.*\\\n)+.*\n", checkout.dev_lock.read_text(), re.MULTILINE)
    index = [*_pip(checkout), "config", "get", "global.index-url"]
    if pin is None or "PIP_INDEX_URL" in os.environ or _run(checkout, index, quiet=True) == 0:
        return None
    requirements = checkout.make_state_folder() / "uv.txt"
    requirements.write_text(pin[0])
    return str(checkout.tool("uv")) if _run(checkout, _pip_install(checkout, requirements), quiet=True) == 0 else None


def _install_with_pip(checkout: Checkout, size: str) -> None:
    _make_environment_with_pip(checkout)
    if _run_showing_downloads(checkout, _pip_install(checkout, _lock(checkout, size))) != 0:
        raise Fault(
            "The packages could not be installed; pip's output above gives the reason. ./dev setup tries again."
        )


def _make_environment_with_pip(checkout: Checkout) -> None:
    if not _has_python(checkout) or _run(checkout, [*_pip(checkout), "--version"], quiet=True) != 0:
        make = [_base_python(), "-m", "venv", "--clear", str(checkout.venv)]
        if _run(checkout, make) != 0:
            raise Fault(
                "A virtual environment could not be created. Debian and Ubuntu: apt-get install python3-venv; "
                "or install uv, which needs nothing else."
            )


def _pip(checkout: Checkout) -> list[str]:
    return [str(checkout.python), "-m", "pip"]


def _pip_install(checkout: Checkout, requirements: Path) -> list[str]:
    """The lock is complete, so nothing is left to resolve: what is not in it is not installed."""
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--no-compile"]
    options += ["--require-hashes", "--no-deps"]
    return [*_pip(checkout), "install", *options, "--requirement", str(requirements)]


def _compile(checkout: Checkout) -> None:
    """Compile the packages on all cores: pip uses one core, and uv does not compile. Some files are templates and do not compile."""
    compileall = [str(checkout.python), "-m", "compileall", "-q", "-j", "0", str(checkout.venv / "lib")]
    with reporting_growth(checkout.venv, "Compiling"):
        _run(checkout, compileall, quiet=True)


def _run(checkout: Checkout, command: list[str], *, quiet: bool = False) -> int:
    """Run to the end, with its words on our stderr: stdout belongs to the answer of the command."""
    output = subprocess.DEVNULL if quiet else sys.stderr
    return subprocess.run(command, cwd=checkout.root, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode


def _run_showing_downloads(checkout: Checkout, command: list[str]) -> int:
    """Of pip's many words on stdout, show the downloads of a megabyte and more. Then show how the environment grows."""
    with (
        subprocess.Popen(
            command,
            cwd=checkout.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        ) as pip,
        ExitStack() as meanwhile,
    ):
        for line in pip.stdout or ():
            if line.startswith("  Downloading") and " MB)" in line:
                say(line.rstrip())
            elif line.startswith("Installing"):
                meanwhile.enter_context(reporting_growth(checkout.venv, "Installing"))
    return pip.returncode

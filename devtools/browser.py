"""A Chromium for the browser tests: one that is here, else one that can be installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from devtools.checkout import Checkout
from devtools.faults import Fault, say

ON_PATH = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first one is Chromium without the windows around its pages: the same pages with a fifth less work for the processors."""
HOW_TO_GET_ONE = """No Chromium was found, and none could be installed. Type one of:
    apt-get install chromium-headless-shell           (as root; then ./dev test again)
    .venv/bin/playwright install --with-deps chromium
or set CHROMIUM to its path. ./dev test --no-browser runs all the other tests."""
# This runs in the environment that has Playwright: devtools itself uses only the standard library.
ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def find_or_install_browser(checkout: Checkout) -> Path:
    """The executable. Raises Fault when $CHROMIUM does not run, or when there is none and none can be had."""
    named = os.environ.get("CHROMIUM")
    if named:
        found = shutil.which(named)
        if found is None or not _runs(Path(found)):
            raise Fault(f"CHROMIUM={named} is not a browser that runs here.")
        return Path(found).absolute()
    browser = browser_of_the_system() or _of_playwright(checkout) or _from_playwright(checkout)
    if browser is None:
        raise Fault(HOW_TO_GET_ONE)
    return browser


@cache
def browser_of_the_system() -> Path | None:
    """Find or install a browser that does not need the environment, so that this can run beside its installation."""
    return None if os.environ.get("CHROMIUM") else _on_path() or _from_debian()


def _on_path() -> Path | None:
    for name in ON_PATH:
        found = shutil.which(name)
        if found is not None and _runs(Path(found)):
            return Path(found).absolute()
    return None


def _of_playwright(checkout: Checkout) -> Path | None:
    answer = subprocess.run([checkout.python, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True)
    path = Path(answer.stdout.strip())
    return path if answer.returncode == 0 and path.is_file() and _runs(path) else None


def _from_debian() -> Path | None:
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists() or shutil.which("apt-get") is None:
        return None
    say("Installing Chromium with apt-get …")
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]
    if not _install([*apt, "update"]):
        return None
    for package in ON_PATH[:2]:  # older releases have no package of the first one
        if _install([*apt, "install", "--no-install-recommends", package, "fonts-liberation"]):
            return _on_path()
    return None


def _from_playwright(checkout: Checkout) -> Path | None:
    say("Installing Chromium with Playwright …")
    if not _install([checkout.tool("playwright"), "install", "chromium"]):
        return None
    return _of_playwright(checkout)


def _install(command: Sequence[str]) -> bool:
    """Run an installer; its words are shown only when it fails."""
    answer = subprocess.run(
        command,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if answer.returncode != 0:
        print("\n".join(answer.stdout.splitlines()[-15:]), file=sys.stderr)
    return answer.returncode == 0


def _runs(browser: Path) -> bool:
    """Some systems have a stub with this name, which only prints how to install the browser."""
    try:
        answer = subprocess.run([browser, "--version"], capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0

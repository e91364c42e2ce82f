"""Build the documentation site. `./dev docs` calls `build`; `./dev lint` runs ``python -m devtools.site`` as a check.

Sphinx keeps the parsed pages below `.dev/docs`, so that it reads only the changed ones. It reports the faults of a page only when it reads the page.
So a build with faults deletes the parsed pages, and the next build finds the same faults again.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from devtools.checkout import Checkout, this_checkout


def build(checkout: Checkout, builder: str) -> tuple[int, Path]:
    """Run Sphinx with warnings as errors. Return its exit status, and the folder of the result.

    The builder ``html`` makes the site. ``dummy`` resolves all links and writes nothing.
    """
    state = checkout.make_state_folder("docs")
    parsed, result = state / f"doctrees-{builder}", state / builder
    command: list[str | Path] = [checkout.tool("sphinx-build"), "--builder", builder, "--fail-on-warning", "--quiet"]
    command += ["--jobs", str(min(4, os.cpu_count() or 1)), "--conf-dir", checkout.root / "docs"]
    command += ["--doctree-dir", parsed, checkout.root, result]
    status = subprocess.run(command, cwd=checkout.root, stdin=subprocess.DEVNULL).returncode
    if status != 0:
        shutil.rmtree(parsed, ignore_errors=True)
    return status, result


if __name__ == "__main__":
    sys.exit(build(this_checkout(), "dummy")[0])

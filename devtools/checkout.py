"""The folders and files of one checkout that `./dev` makes or reads."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from devtools.faults import Fault


@dataclass(frozen=True)
class Checkout:
    """One clone of the repository; `root` is absolute and without symbolic links."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment, there or not."""
        return self.venv / "bin" / "python"

    @property
    def runtime_lock(self) -> Path:
        return self.root / "requirements.txt"

    @property
    def run_lock(self) -> Path:
        """The runtime lock, and what a local server needs: the programs of PostgreSQL."""
        return self.root / "requirements-run.txt"

    @property
    def dev_lock(self) -> Path:
        return self.root / "requirements-dev.txt"

    @property
    def state(self) -> Path:
        return self.root / ".dev"

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that tell this checkout from others on the machine."""
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]

    def tool(self, name: str) -> str:
        """The path of a program that the environment brings."""
        return str(self.venv / "bin" / name)

    def make_state_folder(self, name: str = "") -> Path:
        """Make `.dev/NAME` where it is missing and return it.

        0711: PostgreSQL's own account must pass through when root runs us, but nobody else may list it.
        """
        folder = self.state
        try:
            for part in ["", *Path(name).parts]:
                folder = folder / part
                if not folder.is_dir():
                    folder.mkdir(exist_ok=True)
                    folder.chmod(0o711)
        except PermissionError as error:
            raise Fault(
                f"{error.filename} cannot be created: {self.state} belongs to another user. "
                "Run ./dev as that user, or give the folder to yourself."
            ) from error
        return folder


def this_checkout() -> Checkout:
    """The checkout that this very file lies in."""
    return Checkout(Path(__file__).resolve().parent.parent)

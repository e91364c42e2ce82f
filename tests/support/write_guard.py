"""Raise where the product writes its models outside of a service. A test itself may write rows, to set up what no service makes."""

import sys
from pathlib import Path

from core_identity import write_guard

ROOT = Path(__file__).resolve().parent.parent.parent
MAY_WRITE = str(ROOT / "tests")
LIBRARIES = str(ROOT / ".venv")


class WrittenOutsideOfAService(AssertionError):
    """The message names the model and the method."""


def raise_unless_a_test_writes(write: str) -> None:
    """Raise unless the code that writes, beside Django and the guard, belongs to the tests."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        name = frame.f_code.co_filename
        if name != write_guard.__file__ and not name.startswith(LIBRARIES) and name != __file__:
            break
    if not frame.f_code.co_filename.startswith(MAY_WRITE):
        raise WrittenOutsideOfAService(f"{write} by {frame.f_code.co_filename}:{frame.f_lineno}")

"""How long the random tests search. `./dev test --nightly` sets NIGHTLY=1: the same tests, with many more examples."""

import os
from typing import Final

NIGHTLY: Final = os.environ.get("NIGHTLY") == "1"


def examples(daily: int, nightly: int) -> int:
    """Return the number of examples for this run. Each test states both numbers, so nothing is left out in silence."""
    return nightly if NIGHTLY else daily

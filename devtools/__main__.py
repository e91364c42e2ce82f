"""Entry of `./dev`, started as `python devtools …`, so from any working directory."""

import sys
from pathlib import Path

# Python put this folder first; the package's parent is what imports need.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from devtools.cli import main  # noqa: E402  (see above)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

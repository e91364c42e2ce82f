"""How a command of `./dev` gives up, and how it speaks while it works."""

import sys


class Fault(Exception):
    """The command cannot continue.

    Its text explains what is wrong and what to do. It is shown without a traceback.
    """


def say(text: str) -> None:
    """Report progress on stderr; stdout belongs to the answer of the command."""
    print(text, file=sys.stderr, flush=True)

"""A web server that loads while its database is prepared, and answers nobody before that is done.

gunicorn reads this module as its configuration. Its workers load the product and take connections into the queue of their socket. They answer
when this process closes its end of a pipe.
"""

import os
import select
from collections.abc import Sequence
from typing import Any

_END = "GATE"
"""The variable with the workers' end of the pipe."""


class Gate:
    """Closed until `open` is called. The web server inherits the descriptor `end`."""

    def __init__(self) -> None:
        self.end, self._ours = os.pipe()

    @property
    def options(self) -> Sequence[str]:
        """The words that gunicorn's command line needs."""
        return ["--config", f"python:{__name__}", "--env", f"{_END}={self.end}"]

    def open(self) -> None:
        os.close(self._ours)


def post_worker_init(worker: Any) -> None:
    """Wait at the gate. Meanwhile report to gunicorn's parent, which kills silent workers."""
    end = int(os.environ[_END])
    while worker.alive and not select.select([end], [], [], 1)[0]:
        worker.notify()

"""A line to PostgreSQL that a test can cut: always, or in the middle of a COMMIT."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

COMMIT = b"COMMIT\0"
"""How a simple query for it ends (PostgreSQL protocol, 55.7)."""

Cut = Literal["before", "after"]


@dataclass
class Line:
    """``cut_commit``: cut the next COMMIT *before* the server gets it, or *after* the server has done it and before the answer arrives;
    let ``commits_before`` of them pass.
    """

    server: Path
    port: int = 0
    is_open: bool = True
    cut_commit: Cut | None = None
    commits_before: int = 0
    _ends: set[socket.socket] = field(default_factory=set)

    def url(self, role: str, database: str) -> str:
        return f"postgres://{role}@127.0.0.1:{self.port}/{database}"

    def cut(self) -> None:
        """Cut all connections, and accept none until `restore`."""
        self.is_open = False
        for end in list(self._ends):
            _close(end)

    def has_cut(self) -> bool:
        """Whether the COMMIT that was to be cut has come."""
        return self.cut_commit is None

    def restore(self) -> None:
        self.is_open = True

    def serve(self, door: socket.socket) -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return  # the door was closed: the end
            if not self.is_open:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.server))
            except OSError:
                client.close()
                server.close()
                continue
            self._ends |= {client, server}
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, target, source is client), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if from_client and self.cut_commit and data.endswith(COMMIT) and self.commits_before:
                    self.commits_before -= 1
                elif from_client and self.cut_commit and data.endswith(COMMIT):
                    cut, self.cut_commit = self.cut_commit, None
                    if cut == "after":
                        source.shutdown(socket.SHUT_RDWR)  # the answer cannot pass any more
                        target.sendall(data)
                        while target.recv(65536):  # PostgreSQL answers when the transaction is saved
                            break
                    break
                target.sendall(data)
        for end in (source, target):
            _close(end)
            self._ends.discard(end)


@contextmanager
def line_to(server: Path) -> Iterator[Line]:
    """Open a line to the socket of a PostgreSQL server."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        line = Line(server, door.getsockname()[1])
        threading.Thread(target=line.serve, args=(door,), daemon=True).start()
        yield line
        line.cut()


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

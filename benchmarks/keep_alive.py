"""A client that keeps its connection, as an IdP does."""

import http.client
import json
from typing import Any


class KeepAlive:
    """One connection to a server on this machine. ``headers`` are sent with every request."""

    def __init__(self, port: int, **headers: str) -> None:
        self._headers = {"Host": f"localhost:{port}", **headers}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def send(self, method: str, path: str, body: Any = None, *, expect: int = 200, **headers: str) -> bytes:
        """Return the body of the answer. ``body`` is sent as it is if it is bytes, else as JSON. Raises RuntimeError for another status."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {**self._headers, **headers}
        try:
            self._connection.request(method, path, content, sent)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server closed a connection that was idle. The request did not reach it.
            self._connection.close()
            self._connection.request(method, path, content, sent)
            answer = self._connection.getresponse()
        received = answer.read()
        if answer.status != expect:
            raise RuntimeError(f"{method} {path}: {answer.status} instead of {expect}: {received[:500]!r}")
        return received

    def close(self) -> None:
        self._connection.close()

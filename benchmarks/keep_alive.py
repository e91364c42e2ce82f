"""A client that keeps its connection, as an IdP does."""

import http.client
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def cookie(self, name: str) -> str:
        """Return the value that the answer gives to a cookie. Raises RuntimeError if it sets none of this name."""
        for line in self.headers.get_all("Set-Cookie", []):
            key, _, value = line.partition(";")[0].partition("=")
            if key == name:
                return value
        raise RuntimeError(f"The answer sets no cookie {name}.")


class Refused(Exception):
    """The server answered with a status of 400 or more."""

    def __init__(self, request: str, answer: Answer) -> None:
        super().__init__(f"{request}: {answer.status} {answer.body[:500]!r}")
        self.busy = answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        """Whether the same request may be sent again in a moment."""


class KeepAlive:
    """One connection to a server on this machine. ``headers`` are sent with every request."""

    def __init__(self, port: int, **headers: str) -> None:
        self._headers = {"Host": f"localhost:{port}", **headers}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Return the answer. ``body`` is sent as it is if it is bytes, else as JSON. Raises `Refused`."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {**self._headers, **headers}
        try:
            self._connection.request(method, path, content, sent)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server closed a connection that was idle. The request did not reach it.
            self._connection.close()
            self._connection.request(method, path, content, sent)
            response = self._connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(f"{method} {path}", answer)
        return answer

    def close(self) -> None:
        self._connection.close()

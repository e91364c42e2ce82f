"""The consent of an administrator whose browser lets Okta in: authorize URL, sign-in, consent, code."""

import hmac
import http.server
import secrets
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from demo.simulate.connection import DemoConnection, Unusable
from demo.simulate.tokens import Tokens
from demo.simulate.transcript import Transcript

PATIENCE_SECONDS: Final = 300
CALLBACK_PATH: Final = "/callback"


@dataclass(frozen=True, slots=True)
class ConsentAttempt:
    """One attempt. Only the browser that began it can return ``state`` (RFC 6749 section 10.12)."""

    connection: DemoConnection
    redirect_uri: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    @property
    def url(self) -> str:
        """Where the administrator has to go; the authorize URL as Okta's article has it brings ``scope=offline_access`` along."""
        address = self.connection.authorize_url
        query = {
            "response_type": "code",
            "client_id": self.connection.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
        }
        if "scope=" not in address:
            query["scope"] = "offline_access"
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query, quote_via=quote)}"

    def code_of(self, query: str) -> str:
        """Return the code that came back; raise `Unusable` with a sentence where none did."""
        answer = {name: values[0] for name, values in parse_qs(query).items()}
        if not hmac.compare_digest(answer.get("state", "").encode(), self.state.encode()):
            raise Unusable("The answer does not belong to this attempt (the state differs).")
        if "code" not in answer:
            reason = answer.get("error_description") or answer.get("error") or "no reason given"
            raise Unusable(f"The administrator's consent was not given: {reason}.")
        return answer["code"]


def authorize(connection: DemoConnection, tokens: Tokens, transcript: Transcript, *, port: int) -> None:
    """Print the address to open, wait for the administrator, and get the tokens. Raises `Unusable`."""
    try:
        server = _Callback(port)
    except OSError as error:
        raise Unusable(
            f"Port {port} cannot be used for the answer ({error}). Choose another: --callback-port."
        ) from error
    with server:
        attempt = ConsentAttempt(connection, f"http://127.0.0.1:{server.server_port}{CALLBACK_PATH}")
        transcript.say("Open this address in a browser, sign in as an administrator of CORE, and allow it:\n")
        transcript.say(f"  {attempt.url}\n")
        code = attempt.code_of(server.wait())
    tokens.exchange(code, attempt.redirect_uri)


class _Callback(http.server.HTTPServer):
    """Where the browser comes back to. Bound to 127.0.0.1: nobody else is waited for."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.query: str | None = None
        self.timeout = 1.0

    def wait(self) -> str:
        """Return the query with which the browser came. Raises `Unusable` after five minutes."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.query is None:
            if time.monotonic() > end:
                raise Unusable("Nobody came back within five minutes. Start again when the administrator is there.")
            self.handle_request()
        return self.query


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Callback
    timeout = 10

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        found = address.path == CALLBACK_PATH
        if found:
            self.server.query = address.query
        page = b"<!doctype html><title>Demo Okta</title><p>Thank you. Everything else is in the terminal.</p>"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Nothing: the line would hold the code."""

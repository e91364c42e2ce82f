"""The addresses of the demo IdP."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from demo.idp import pages
from demo.idp.authn_request import Refused, request_id_of
from demo.idp.form import MAX_BYTES, fields_of, going_along
from demo.idp.metadata import idp_metadata
from demo.idp.parties import Parties
from demo.idp.response import signed_response
from demo.idp.signing_key import SigningKey
from demo.people import PEOPLE, person_called


class DemoIdp(ThreadingHTTPServer):
    """Bound to 127.0.0.1: it signs in anybody as anybody. Port 0 takes a free one. Raises `OSError` if the port is taken."""

    def __init__(self, port: int, *, sp_url: str, connection: str, key: SigningKey) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.parties = Parties(f"http://127.0.0.1:{self.server_port}", sp_url.rstrip("/"), connection)
        self.key = key


class Handler(BaseHTTPRequestHandler):
    server: DemoIdp
    timeout = 10
    path = ""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        match path:
            case "/":
                self._send_page(pages.welcome_page(self.server.parties.sp_url))
            case "/metadata":
                self._send(idp_metadata(self.server.parties, self.server.key), "application/samlmetadata+xml")
            case "/sso":
                self._answer(self._ask_who, query)
            case _:
                self._send_missing()

    def do_POST(self) -> None:
        if self.path != "/sso":
            self._send_missing()
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            self._send_page(pages.refusal_page("The form is too large, or its length is missing."), 400)
            return
        self._answer(self._hand_over, self.rfile.read(int(length)).decode("ascii", "replace"))

    def _answer(self, page: Callable[[dict[str, str]], str], encoded: str) -> None:
        try:
            self._send_page(page(fields_of(encoded)))
        except Refused as refusal:
            self._send_page(pages.refusal_page(str(refusal)), HTTPStatus.BAD_REQUEST)

    def _ask_who(self, fields: dict[str, str]) -> str:
        message = fields.get("SAMLRequest", "")
        request_id_of(message, self.server.parties)
        return pages.sign_in_page(PEOPLE, {"SAMLRequest": message, **going_along(fields)})

    def _hand_over(self, fields: dict[str, str]) -> str:
        parties = self.server.parties
        request_id = request_id_of(fields.get("SAMLRequest", ""), parties)
        person = person_called(fields.get("person", ""))
        if person is None:
            raise Refused("Nobody of that name is known here. Go back and choose one of the people.")
        xml = signed_response(
            person, parties=parties, key=self.server.key, in_response_to=request_id, now=datetime.now(UTC)
        )
        message = base64.b64encode(xml).decode("ascii")
        return pages.hand_over_page(parties.acs_url, {"SAMLResponse": message, **going_along(fields)})

    def _send_missing(self) -> None:
        self._send_page(pages.refusal_page("There is nothing at this address."), HTTPStatus.NOT_FOUND)

    def _send_page(self, page: str, status: int = HTTPStatus.OK) -> None:
        self._send(page.encode(), "text/html; charset=utf-8", status)

    def _send(self, content: bytes, media_type: str, status: int = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", pages.CONTENT_SECURITY_POLICY)
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """One line, without the query: it holds the message."""
        status = code.value if isinstance(code, HTTPStatus) else code
        self.log_message("%s %s %s", self.command, self.path.partition("?")[0], status)

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Nothing: the line of the request says it, and this one would hold the query."""

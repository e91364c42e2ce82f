"""The form of each answer of the demo's Okta: its headers, and its line in the log."""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from demo.idp import pages


class Answers(BaseHTTPRequestHandler):
    timeout = 10
    path = ""

    def send_missing(self) -> None:
        self.send_page(pages.refusal_page("There is nothing at this address."), HTTPStatus.NOT_FOUND)

    def send_refusal(self, reason: Exception | str) -> None:
        self.send_page(pages.refusal_page(str(reason)), HTTPStatus.BAD_REQUEST)

    def send_page(self, page: str, status: int = HTTPStatus.OK, policy: str = pages.CONTENT_SECURITY_POLICY) -> None:
        self.send_content(page.encode(), "text/html; charset=utf-8", status, policy)

    def redirect(self, url: str) -> None:
        self.send_content(b"", "text/plain", HTTPStatus.SEE_OTHER, headers={"Location": url})

    def send_content(
        self,
        content: bytes,
        media_type: str,
        status: int = HTTPStatus.OK,
        policy: str = "default-src 'none'",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", policy)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write a line for a failure only, so that the terminal keeps the password in sight. Without the query: it contains the message."""
        status = code.value if isinstance(code, HTTPStatus) else code
        if str(status) >= "400":
            self.log_message("%s %s %s", self.command, self.path.partition("?")[0], status)

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Log nothing: the line of the request has the same facts, and this one would contain the query."""

"""The addresses of the demo's Okta: the IdP's own, and the start page of the demo."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from demo.dashboard import pages as dashboard_pages
from demo.dashboard.app_page import app_page
from demo.dashboard.dashboard import CALLBACK_PATH, Dashboard
from demo.dashboard.frame import CONTENT_SECURITY_POLICY
from demo.idp import pages
from demo.idp.apps import SLUG, App, Apps
from demo.idp.authn_request import Refused, request_id_of
from demo.idp.encryption import certificate_at
from demo.idp.form import MAX_BYTES, fields_of, going_along
from demo.idp.habits import habits_of
from demo.idp.logout import Session, answer_to, read, request_to_end
from demo.idp.metadata import idp_metadata
from demo.idp.names import SAMLP, SUCCESS
from demo.idp.parties import Parties, path_of
from demo.idp.response import name_id_of, new_id, signed_response
from demo.idp.signing_key import SigningKeys
from demo.simulate.connection import Unusable


class DemoIdp(ThreadingHTTPServer):
    """Bound to 127.0.0.1: it signs in anybody as anybody. Port 0 chooses a free one. Raises `OSError` if the port is taken."""

    daemon_threads = True

    def __init__(
        self,
        port: int,
        *,
        sp_url: str,
        connection: str,
        keys: SigningKeys,
        connection_file: Path,
        reset_core: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.parties = Parties(f"http://127.0.0.1:{self.server_port}", sp_url.rstrip("/"), connection)
        self.keys = keys
        self.dashboard = Dashboard(connection_file, self.parties.idp_url, reset_core)
        self.apps = Apps(App(self.parties, self.dashboard.people), connection_file.with_name("apps"))


class Handler(BaseHTTPRequestHandler):
    server: DemoIdp
    app: App
    timeout = 10
    path = ""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if not (inside := self._enter(path)):
            return
        match inside:
            case "/metadata":
                self._send(idp_metadata(self.app.parties, self.server.keys), "application/samlmetadata+xml")
            case "/sso":
                self._answer(lambda: self._ask_who(fields_of(query)))
            case "/" if self.headers.get("Host") == f"localhost:{self.server.server_port}":
                self._redirect(f"{self.server.parties.idp_url}/")
            case _ if not self._is_for_us():
                self._send_missing()
            case "/" if self.app.customer is not None:
                self._send_dashboard(app_page(self.app.customer.view(), self.app.parties))
            case _ if self.app.customer is not None and inside not in {"/tile", "/sessions"}:
                self._send_missing()
            case "/":
                self._send_dashboard(dashboard_pages.start_page(self.server.dashboard.view(), self.server.parties))
            case "/live":
                self._send_dashboard(dashboard_pages.living_part(self.server.dashboard.view(), self.server.parties))
            case "/apps":
                self._answer_by_redirect(lambda: self._app_of(fields_of(query).get("connection", "").strip()))
            case "/tile":
                self._send_page(pages.tile_page(self.app.people(), self.app.parties))
            case "/sessions":
                self._send_page(pages.sessions_page(dict(self.app.sessions), self.app.parties))
            case _ if path == CALLBACK_PATH:
                self._go_home_after(lambda: self.server.dashboard.end_consent(query))
            case _:
                self._send_missing()

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            self._send_page(pages.refusal_page("The form is too large, or its length is missing."), 400)
            return
        encoded = self.rfile.read(int(length)).decode("ascii", "replace")
        if not (inside := self._enter(self.path)):
            return
        match inside:
            case "/sso":
                self._answer(lambda: self._hand_over(fields_of(encoded)))
            case "/slo":
                self._answer(lambda: self._log_out(fields_of(encoded)))
            case _ if not self._is_for_us():
                self._send_missing()
            case "/tile":
                self._answer(lambda: self._hand_over(fields_of(encoded), asked=False))
            case "/leave":
                self._answer(lambda: self._leave(fields_of(encoded).get("session", "")))
            case "/test" | "/push" if self.app.customer is not None:
                self._go_home_after(lambda: self._provision(inside, fields_of(encoded).get("token", "")))
            case "/story":
                self._go_home_after(lambda: self._do_story(fields_of(encoded).get("step", "")))
            case "/oauth/begin":
                self._begin_consent()
            case _:
                self._send_missing()

    def _is_for_us(self) -> bool:
        """Whether the request is meant for this server and, if a page of another site sent it, not to act in our name."""
        own = self.server.parties.idp_url
        is_form_of_another = self.command == "POST" and self.headers.get("Origin", own) != own
        return self.headers.get("Host") == urlsplit(own).netloc and not is_form_of_another

    def _enter(self, path: str) -> str:
        """Find the app of an address. Return the path inside that app, or nothing if the request was refused."""
        try:
            self.app, inside = self.server.apps.at(path)
        except Refused as refusal:
            self._send_page(pages.refusal_page(str(refusal)), HTTPStatus.BAD_REQUEST)
            return ""
        return inside

    def _app_of(self, connection: str) -> str:
        if connection == self.server.parties.connection:
            return "/"
        if not SLUG.fullmatch(connection):
            raise Refused("Enter the slug of the connection, as CORE's page of the connection shows it.")
        return f"{path_of(connection)}/"

    def _provision(self, act: str, token: str) -> None:
        if self.app.customer is not None:
            self.app.customer.test(token) if act == "/test" else self.app.customer.push()

    def _do_story(self, step: str) -> None:
        match step:
            case "rest":
                self.server.dashboard.do_the_rest()
            case "again":
                self.server.dashboard.begin_again()
                self.server.apps.begin_again()
            case _ if step.isdecimal():
                self.server.dashboard.do_step(int(step[:9]))
            case _:
                raise Refused("There is no such step.")

    def _begin_consent(self) -> None:
        try:
            self._redirect(self.server.dashboard.begin_consent())
        except Unusable as error:
            self._send_page(pages.refusal_page(str(error)), HTTPStatus.BAD_REQUEST)

    def _go_home_after(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (Refused, Unusable) as error:
            self._send_page(pages.refusal_page(str(error)), HTTPStatus.BAD_REQUEST)
        else:
            self._redirect(f"{self.app.parties.path}/")

    def _answer_by_redirect(self, address: Callable[[], str]) -> None:
        try:
            self._redirect(address())
        except Refused as refusal:
            self._send_page(pages.refusal_page(str(refusal)), HTTPStatus.BAD_REQUEST)

    def _answer(self, page: Callable[[], str]) -> None:
        try:
            self._send_page(page())
        except Refused as refusal:
            self._send_page(pages.refusal_page(str(refusal)), HTTPStatus.BAD_REQUEST)

    def _ask_who(self, fields: dict[str, str]) -> str:
        message = fields.get("SAMLRequest", "")
        request_id_of(message, self.app.parties)
        going = {"SAMLRequest": message, **going_along(fields)}
        return pages.sign_in_page(self.app.people(), going, self.app.parties)

    def _hand_over(self, fields: dict[str, str], *, asked: bool = True) -> str:
        parties = self.app.parties
        request_id = request_id_of(fields.get("SAMLRequest", ""), parties) if asked else None
        chosen = fields.get("person", "")
        person = next((one for one in self.app.people() if one.login == chosen), None)
        if person is None:
            raise Refused("There is no person with that name. Go back and choose one of the people.")
        habits, index = habits_of(fields), new_id()
        xml = signed_response(
            person,
            parties=parties,
            keys=self.server.keys,
            in_response_to=request_id,
            now=datetime.now(UTC),
            habits=habits,
            recipient=certificate_at(parties.sp_entity_id, "encryption") if habits.encrypts else None,
            session_index=index,
        )
        known_as = name_id_of(person, habits.name_id_format)
        self.app.sessions[index] = Session(person.full_name, known_as, habits.name_id_format)
        return self._carry("Signing you in …", parties.acs_url, SAMLResponse=xml, **going_along(fields))

    def _log_out(self, fields: dict[str, str]) -> str:
        """Whichever of the two comes: CORE's wish to end a session here, or its answer to ours."""
        parties = self.app.parties
        signer = partial(certificate_at, parties.sp_entity_id, "signing")
        if "SAMLResponse" in fields:
            answer = read("LogoutResponse", fields["SAMLResponse"], parties, signer)
            status = answer.find(f"{SAMLP}Status/{SAMLP}StatusCode")
            return pages.signed_out_page(parties, done=status is not None and status.get("Value") == SUCCESS)
        asked = read("LogoutRequest", fields.get("SAMLRequest", ""), parties, signer)
        self.app.sessions.pop(asked.findtext(f"{SAMLP}SessionIndex", ""), None)
        message = answer_to(asked, parties=parties, key=self.server.keys["current"], now=datetime.now(UTC))
        return self._carry("Signing you out …", parties.logout_url, SAMLResponse=message, **going_along(fields))

    def _leave(self, index: str) -> str:
        parties, session = self.app.parties, self.app.sessions.pop(index, None)
        if session is None:
            raise Refused("This session does not exist. Go back and try again.")
        message = request_to_end(
            session, index, parties=parties, key=self.server.keys["current"], now=datetime.now(UTC)
        )
        return self._carry("Signing you out …", parties.logout_url, SAMLRequest=message)

    def _carry(self, title: str, url: str, **fields: bytes | str) -> str:
        """Return the page that takes a message (bytes, the XML) to CORE."""
        sent = {
            name: base64.b64encode(one).decode("ascii") if isinstance(one, bytes) else one
            for name, one in fields.items()
        }
        return pages.hand_over_page(title, url, sent)

    def _send_missing(self) -> None:
        self._send_page(pages.refusal_page("There is nothing at this address."), HTTPStatus.NOT_FOUND)

    def _send_page(self, page: str, status: int = HTTPStatus.OK) -> None:
        self._send(page.encode(), "text/html; charset=utf-8", status, pages.CONTENT_SECURITY_POLICY)

    def _send_dashboard(self, page: str) -> None:
        self._send(page.encode(), "text/html; charset=utf-8", policy=CONTENT_SECURITY_POLICY)

    def _redirect(self, url: str) -> None:
        self._send(b"", "text/plain", HTTPStatus.SEE_OTHER, headers={"Location": url})

    def _send(
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
        """Nothing: the line of the request says it, and this one would hold the query."""

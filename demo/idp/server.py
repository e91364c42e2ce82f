"""The addresses of the demo's Okta: the IdP's own, and the start page of the demo."""

from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from demo.dashboard import pages as dashboard_pages
from demo.dashboard.app_page import app_page
from demo.dashboard.dashboard import CALLBACK_PATH, Dashboard
from demo.dashboard.frame import CONTENT_SECURITY_POLICY
from demo.idp import pages, sign_ins
from demo.idp.answers import Answers
from demo.idp.apps import SLUG, App, Apps
from demo.idp.authn_request import Refused
from demo.idp.form import MAX_BYTES, fields_of
from demo.idp.metadata import idp_metadata
from demo.idp.parties import Parties, path_of
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


class Handler(Answers):
    server: DemoIdp
    app: App

    def do_GET(self) -> None:  # noqa: N802 - the name of the base class
        path, _, query = self.path.partition("?")
        if not (inside := self._enter(path)):
            return
        match inside:
            case "/metadata":
                self.send_content(idp_metadata(self.app.parties, self.server.keys), "application/samlmetadata+xml")
            case "/sso":
                self._answer(lambda: sign_ins.ask_who(self.app, fields_of(query)))
            case "/" if self.headers.get("Host") == f"localhost:{self.server.server_port}":
                self.redirect(f"{self.server.parties.idp_url}/")
            case _ if not self._is_for_us():
                self.send_missing()
            case "/" if self.app.customer is not None:
                self._send_dashboard(app_page(self.app.customer.view(), self.app.parties))
            case _ if self.app.customer is not None and inside not in {"/tile", "/sessions"}:
                self.send_missing()
            case "/":
                self._send_dashboard(dashboard_pages.start_page(self.server.dashboard.view(), self.server.parties))
            case "/live":
                self._send_dashboard(dashboard_pages.living_part(self.server.dashboard.view(), self.server.parties))
            case "/apps":
                self._answer_by_redirect(lambda: self._app_of(fields_of(query).get("connection", "").strip()))
            case "/tile":
                self.send_page(pages.tile_page(self.app.people(), self.app.parties))
            case "/sessions":
                self.send_page(pages.sessions_page(dict(self.app.sessions), self.app.parties))
            case _ if path == CALLBACK_PATH:
                self._go_home_after(lambda: self.server.dashboard.end_consent(query))
            case _:
                self.send_missing()

    def do_POST(self) -> None:  # noqa: N802 - the name of the base class
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            self.send_refusal("The form is too large, or its length is missing.")
            return
        encoded = self.rfile.read(int(length)).decode("ascii", "replace")
        if not (inside := self._enter(self.path)):
            return
        match inside:
            case "/sso":
                self._answer(lambda: sign_ins.hand_over(self.app, self.server.keys, fields_of(encoded)))
            case "/slo":
                self._answer(lambda: sign_ins.log_out(self.app, self.server.keys, fields_of(encoded)))
            case _ if not self._is_for_us():
                self.send_missing()
            case "/tile":
                self._answer(
                    lambda: sign_ins.hand_over(self.app, self.server.keys, fields_of(encoded), is_answer=False)
                )
            case "/leave":
                self._answer(lambda: sign_ins.leave(self.app, self.server.keys, fields_of(encoded).get("session", "")))
            case "/test" | "/push" if self.app.customer is not None:
                self._go_home_after(lambda: self._provision(inside, fields_of(encoded).get("token", "")))
            case "/story":
                self._go_home_after(lambda: self._do_story(fields_of(encoded).get("step", "")))
            case "/oauth/begin":
                self._answer_by_redirect(self.server.dashboard.begin_consent)
            case _:
                self.send_missing()

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
            self.send_refusal(refusal)
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

    def _go_home_after(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (Refused, Unusable) as error:
            self.send_refusal(error)
        else:
            self.redirect(f"{self.app.parties.path}/")

    def _answer_by_redirect(self, address: Callable[[], str]) -> None:
        try:
            self.redirect(address())
        except (Refused, Unusable) as error:
            self.send_refusal(error)

    def _answer(self, page: Callable[[], str]) -> None:
        try:
            self.send_page(page())
        except Refused as refusal:
            self.send_refusal(refusal)

    def _send_dashboard(self, page: str) -> None:
        self.send_page(page, policy=CONTENT_SECURITY_POLICY)

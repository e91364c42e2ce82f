"""A page has at most one prominent button, so nobody has to choose where to press first: pages of the portal and of end users."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client

import sso.settings.changes
from core_identity.models import Connection
from core_identity.values import Person
from sso.settings.email_domains import verify_domain
from tests.portal.conftest import HOST, Customer
from tests.sso.conftest import Browser
from tests.support.cast import COMMAND, JANE, ZOE, by_sso, make_connection
from tests.support.saml import TestIdp


class Prominent(HTMLParser):
    """The names of the buttons in the main part of a page that are filled with the brand's colour (`static/pages.css`, `static/portal.css`)."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self._is_main = self._is_next = self._is_named = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        classes = set((values.get("class") or "").split())
        self._is_main |= tag == "main"
        self._is_next = "core-step-next" in classes if tag == "li" else self._is_next
        is_button = (tag == "button" and "data-copy" not in values) or (tag == "a" and "button" in classes)
        is_next = tag == "a" and self._is_next and "href" in values and not classes
        self._is_next &= not is_next
        self._is_named = self._is_main and (is_next or (is_button and not classes & {"quiet", "core-button"}))
        if self._is_named:
            self.names.append("")

    def handle_data(self, data: str) -> None:
        if self._is_named:
            self.names[-1] += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._is_main &= tag != "main"
        self._is_named &= tag not in {"a", "button"}


def prominent(answer: Any) -> list[str]:
    assert answer.status_code in {200, 401, 403, 404, 405, 409, 429}, answer
    parser = Prominent()
    parser.feed(answer.content.decode())
    return parser.names


def test_each_page_of_the_portal_has_at_most_one_prominent_button(
    customer: Customer, globex: Connection, idp: TestIdp
) -> None:
    seen = {
        "the link, open elsewhere": prominent(Customer(customer.secret).http.get(f"/set-up/open/{customer.secret}"))
    }
    seen["first steps"] = prominent(customer.get())
    seen["metadata"] = prominent(customer.get("/metadata"))
    seen["preview"] = prominent(customer.post("/metadata", metadata=idp.metadata()))
    seen["metadata sent"] = prominent(customer.send(idp.metadata()))
    seen["credentials"] = prominent(customer.get("/credentials"))
    seen["domains"] = prominent(customer.get("/domains"))
    for number in range(3):
        customer.post("/domains", domain=f"globex-{number}.test", enter="1")
    seen["three domains"] = prominent(customer.get("/domains"))
    seen["a domain that is wrong"] = prominent(customer.post("/domains", domain="globex", enter="1"))
    verify_domain(actor=COMMAND, connection=globex, domain="globex-0.test")
    seen["the first is verified"] = prominent(customer.get("/domains"))
    for number in (1, 2):
        verify_domain(actor=COMMAND, connection=globex, domain=f"globex-{number}.test")
    seen["all are verified"] = prominent(customer.get("/domains"))
    seen["test"] = prominent(customer.get("/test"))
    seen["test begins"] = prominent(customer.post("/test"))
    seen["no result"] = prominent(customer.get("/tested"))
    seen["token"] = prominent(customer.post("/credentials", make_token="1", name="Entra"))
    seen["another token"] = prominent(customer.get("/credentials"))
    seen["later steps"] = prominent(customer.get())
    customer.post("/finish")
    seen["finished"] = prominent(customer.get())
    seen["left"] = prominent(customer.post("/leave"))
    seen["gone"] = prominent(customer.get())
    seen["the link"] = prominent(customer.http.get(f"/set-up/open/{customer.secret}"))
    assert {name: buttons for name, buttons in seen.items() if len(buttons) > 1} == {}
    domains = {name: buttons for name, buttons in seen.items() if "domain" in name or "verified" in name}
    assert domains == {
        "domains": ["Enter the domain"],
        "three domains": ["Look up the record"],
        "a domain that is wrong": ["Look up the record"],
        "the first is verified": ["Look up the record"],
        "all are verified": ["Enter the domain"],
    }
    assert seen["metadata sent"] == ["Test the sign-in"], "the reader of the page sees buttons at all"


def test_each_page_of_an_end_user_has_at_most_one_prominent_button(db: None, idp: TestIdp) -> None:
    acme = make_connection()
    seen = {"no connection": prominent(Client(headers={"host": HOST}).get("/sign-in"))}
    sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata()}, base_dir=None)
    acme.saml.idp_initiated = True
    acme.saml.save()
    browser = Browser(idp)

    def arrive(person: Person) -> Any:
        message = idp.response(idp.claims(person, acs_url=f"http://{HOST}/sso/acme/acs", request_id=None))
        return browser.follow(browser.post(message))

    seen["one connection"] = prominent(browser.http.get("/sign-in"))
    seen["me"] = prominent(browser.sign_in(by_sso(JANE)))
    seen["another user"] = prominent(arrive(by_sso(ZOE)))
    seen["sign out"] = prominent(browser.http.get("/sso/acme/logout"))
    seen["the ACS by a link"] = prominent(browser.http.get("/sso/acme/acs"))
    browser.http.post("/sign-out")
    seen["signed out"] = prominent(browser.http.get("/sso/acme/logout"))
    seen["one that is remembered"] = prominent(browser.http.get("/sign-in"))
    globex = make_connection("globex", customer="Globex")
    globex_2 = make_connection("globex-2", customer="Globex")
    for one in (globex, globex_2):
        sso.settings.changes.apply(one, {"idp_metadata": idp.metadata()}, base_dir=None)
    seen["several, and one is remembered"] = prominent(browser.http.get("/sign-in"))
    stranger = Client(headers={"host": HOST})
    seen["a name"] = prominent(stranger.get("/sign-in"))
    seen["several of one customer"] = prominent(stranger.post("/sign-in", {"connection": "Globex"}))
    seen["an unknown name"] = prominent(stranger.post("/sign-in", {"connection": "Hooli"}))
    seen["refused"] = prominent(browser.sign_in(by_sso(JANE, uid="somebody.else")))
    seen["nowhere"] = prominent(stranger.get("/nowhere"))
    seen["me without a session"] = prominent(stranger.get("/me"))
    assert {name: buttons for name, buttons in seen.items() if len(buttons) > 1} == {}
    assert seen["another user"][0].startswith("Continue as Zoë")
    assert seen["one that is remembered"] == ["Continue with Acme"]

"""The demo on one page, in Chromium, over the running product: what a newcomer clicks in the first five minutes."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from demo.idp.server import DemoIdp
from demo.idp.signing_key import load_or_make
from tests.journeys.conftest import Customer
from tests.support.clients import open_client
from tests.support.service import Service

pytestmark = pytest.mark.browser
SLUG = "demo"


@pytest.fixture(scope="module")
def demo(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoIdp]:
    """A demo IdP whose connection is known to the product, as `./dev run` makes it."""
    folder = tmp_path_factory.mktemp("demo")
    file = folder / "connection.json"
    keys = load_or_make(folder)
    with DemoIdp(0, sp_url=service.url, connection=SLUG, keys=keys, connection_file=file) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = server.parties.idp_url
        described = {
            "slug": SLUG,
            "name": "Acme Studios",
            "customer": SLUG,
            "roles": {"grantable": ["Editors", "Viewers"], "from": "push_groups"},
            "saml": {"idp_metadata": open_client(base_url=url).get("/metadata").text},
            "scim": {
                "grants": ["client_credentials", "authorization_code"],
                "redirect_uris": [f"{url}/oauth/callback"],
            },
        }
        setup = service.apply({"roles": ["Editors", "Viewers"], "connections": [described]})
        service.ask("connection", "saml-keys", SLUG, "create", "--reason", "as seed_demo does")
        file.write_text(json.dumps(setup))
        yield server
        server.shutdown()
        thread.join()


def sign_in(page: Page, demo: DemoIdp, person: str, **habits: str) -> None:
    page.goto(demo.parties.login_url)
    if habits:
        page.get_by_text("Choose another Okta").click()
    for name, value in habits.items():
        page.locator(f"input[name={name}][value={value}]").check()
    page.get_by_role("button", name=person).click()


def test_the_story_runs_by_buttons_and_the_table_lives(
    demo: DemoIdp, window: BrowserContext, picture: Callable[[Any, str], None]
) -> None:
    page = window.new_page()
    page.goto(demo.parties.idp_url)
    expect(page.get_by_text("not assigned")).to_have_count(10)
    page.get_by_role("button", name="Next step").click()
    page.get_by_role("button", name="▷ Hire Jane Doe").click()
    jane = page.get_by_role("row", name="Jane Doe")
    expect(jane).to_contain_text("may sign in")
    # Changes by another program appear without a click.
    page.get_by_role("button", name="All other steps").click()
    expect(page.get_by_role("row", name="Zoë Haddad")).to_contain_text("zoe.mueller@acme.test")
    expect(page.get_by_role("row", name="Sam Lee")).to_contain_text("expired")
    expect(page.get_by_text("reactivation requested: the user stays expired")).to_be_visible()
    expect(page.get_by_role("button", name="✓ Unlink the group Reviewers")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 720})
    picture(page, "demo")
    # Zoë, who married in the story, signs in under the new name and is still the same user.
    married = window.new_page()
    sign_in(married, demo, "Zoë Haddad")
    expect(married.get_by_text("You are signed in with")).to_be_visible()
    expect(married.get_by_text("zoe.mueller@acme.test").first).to_be_visible()
    other = window.new_page()
    other.goto(demo.parties.idp_url)
    other.get_by_role("button", name="Begin again").click()
    expect(page.get_by_role("button", name="▷ Unlink the group Reviewers")).to_be_visible()


def test_an_administrator_consents_from_the_page_R14(
    demo: DemoIdp, service: Service, window: BrowserContext, picture: Callable[[Any, str], None]
) -> None:
    password = service.add_administrator("demo-chief")
    page = window.new_page()
    page.goto(demo.parties.idp_url)
    page.get_by_role("button", name="Ask for consent").click()
    page.get_by_label("Username").fill("demo-chief")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    allow = page.get_by_role("button", name="Allow", exact=True)
    expect(allow).to_be_visible()  # Chromium cannot photograph a page that it is leaving
    picture(page, "consent")
    allow.click()
    expect(page.get_by_text("An administrator of CORE consented")).to_be_visible()
    page.get_by_role("button", name="▷ Test the connection").or_(page.get_by_role("button", name="✓ Test")).click()
    expect(page.locator("#log")).to_contain_text("200 OK")


@pytest.mark.parametrize(
    ("mistake", "sentence", "code"),
    [
        ("audience", "The audience set at the identity provider is not ours.", "audience"),
        ("no_uid", "These attributes are missing: UID", "missing_attributes"),
        ("old_certificate", "not signed with the certificate that is set up here", "signature"),
        ("clock", "The clocks of your identity provider and of this service disagree.", "not_yet"),
        ("attribute_name", "employeeNumber", "missing_attributes"),
    ],
)
def test_a_mistake_in_okta_is_named_and_opens_nothing(
    demo: DemoIdp, window: BrowserContext, mistake: str, sentence: str, code: str
) -> None:
    page = window.new_page()
    sign_in(page, demo, "Omar Haddad", mistake=mistake)
    expect(page.get_by_role("heading", name="You could not be signed in")).to_be_visible()
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_text("Reference:")).to_contain_text(f"({code})")
    refused = page.goto(f"{demo.parties.sp_url}/me")
    assert refused is not None
    assert refused.status == httpx.codes.UNAUTHORIZED


def test_one_uid_for_two_people_lets_only_the_first_in_R9(
    demo: DemoIdp, window: BrowserContext, picture: Callable[[Any, str], None]
) -> None:
    page = window.new_page()
    page.goto(demo.parties.login_url)
    page.get_by_text("Choose another Okta").click()
    picture(page, "idp")
    sign_in(page, demo, "Jane Doe", mistake="same_uid")
    expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()
    window.clear_cookies()
    sign_in(page, demo, "Lars Berg", mistake="same_uid")
    expect(page.get_by_text("CORE cannot be sure who you are")).to_be_visible()
    picture(page, "in-doubt")


@pytest.mark.parametrize(
    "habits",
    [{"name_id": "email"}, {"name_id": "persistent"}, {"certificate": "second"}],
    ids=str,
)
def test_the_habits_of_other_oktas_are_understood(
    demo: DemoIdp, window: BrowserContext, habits: dict[str, str]
) -> None:
    page = window.new_page()
    sign_in(page, demo, "Niamh O'Neill", **habits)
    expect(page.get_by_role("heading", name="Niamh O'Neill")).to_be_visible()


def test_an_okta_that_signs_only_the_assertion_is_refused_where_both_are_demanded(
    demo: DemoIdp, window: BrowserContext
) -> None:
    page = window.new_page()
    sign_in(page, demo, "Niamh O'Neill", signed="assertion")
    expect(page.get_by_text("Reference:")).to_contain_text("(not_signed)")


def test_an_okta_that_encrypts_reads_our_certificate_from_our_metadata(demo: DemoIdp, window: BrowserContext) -> None:
    page = window.new_page()
    sign_in(page, demo, "Niamh O'Neill", encrypted="assertion")
    expect(page.get_by_role("heading", name="Niamh O'Neill")).to_be_visible()


def test_signing_out_of_core_signs_out_of_this_okta(demo: DemoIdp, window: BrowserContext) -> None:
    page = window.new_page()
    sign_in(page, demo, "Niamh O'Neill", encrypted="assertion")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("Your session at Acme Studios has ended too.")).to_be_visible()


def test_signing_out_of_this_okta_signs_out_of_core(demo: DemoIdp, window: BrowserContext) -> None:
    page = window.new_page()
    sign_in(page, demo, "Niamh O'Neill")
    expect(page.get_by_role("heading", name="Niamh O'Neill")).to_be_visible()
    page.goto(demo.parties.idp_url)
    page.get_by_role("link", name="Sign out of Okta").click()
    page.get_by_role("button", name="Niamh O'Neill").last.click()  # the latest of her sessions
    expect(page.get_by_text("CORE reports that the session there has ended.")).to_be_visible()
    gone = page.goto(f"{demo.parties.sp_url}/me")
    assert gone is not None
    assert gone.status == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("field", ["SAMLRequest", "SAMLResponse"])
def test_the_simulated_okta_refuses_an_unsigned_logout(demo: DemoIdp, field: str) -> None:
    sp, name = demo.parties, field.replace("SAML", "Logout")
    unsigned = (
        f'<samlp:{name} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0" Destination="{sp.slo_url}">'
        f'<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{sp.sp_entity_id}</saml:Issuer></samlp:{name}>'
    )
    http = open_client(base_url=sp.idp_url)
    for message in (base64.b64encode(unsigned.encode()).decode(), "bm8=", "!", ""):
        answer = http.post("/slo", data={field: message})
        assert answer.status_code == httpx.codes.BAD_REQUEST
    assert (
        "is not signed by the key" in http.post("/slo", data={field: base64.b64encode(unsigned.encode()).decode()}).text
    )


def test_a_click_on_the_tile_is_refused_until_the_connection_allows_it_R12(
    demo: DemoIdp, window: BrowserContext
) -> None:
    page = window.new_page()
    page.goto(demo.parties.idp_url)
    page.get_by_role("link", name="Open CORE from Okta's tile").click()
    page.get_by_role("button", name="Aiko Tanaka").click()
    expect(page.get_by_text("Sign-ins that start at the identity provider are not switched on here.")).to_be_visible()


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:8001"}], ids=["origin", "host"]
)
def test_a_page_of_another_site_presses_no_button(demo: DemoIdp, headers: dict[str, str]) -> None:
    http = open_client(base_url=demo.parties.idp_url)
    for path in ("/story", "/oauth/begin", "/tile", "/leave"):
        answer = http.post(path, data={"step": "again", "person": "jane.doe@acme.test"}, headers=headers)
        assert answer.status_code == httpx.codes.NOT_FOUND


def test_a_code_that_nobody_asked_for_is_not_taken(tmp_path: Path, customer: Customer) -> None:
    answer = asked_of_a_new_idp(tmp_path, customer, "/oauth/callback?code=x&state=y")
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "No consent was asked for" in answer.text


def test_the_page_shows_that_core_has_not_started_yet(tmp_path: Path, customer: Customer) -> None:
    answer = asked_of_a_new_idp(tmp_path, customer, "/")
    assert answer.status_code == httpx.codes.OK
    assert "Start ./dev run first" in answer.text


def asked_of_a_new_idp(folder: Path, customer: Customer, path: str) -> httpx.Response:
    """Return what a demo IdP answers that has no connection yet, and of which nobody has asked anything before."""
    file, keys = folder / "connection.json", load_or_make(folder)
    with DemoIdp(0, sp_url=customer.service.url, connection="x", keys=keys, connection_file=file) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        answer = open_client(base_url=server.parties.idp_url).get(path)
        server.shutdown()
        thread.join()
    return answer

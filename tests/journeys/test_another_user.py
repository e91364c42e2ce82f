"""Okta's tile is pressed in a browser in which a colleague is still signed in: the person at it decides who stays signed in."""

import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from core_identity.values import Person
from tests.journeys.conftest import named, new_customer
from tests.support.accessibility import assert_good_as_it_is
from tests.support.cast import by_sso
from tests.support.saml import TestIdp
from tests.support.service import Service, running_idp

pytestmark = pytest.mark.browser

POST: str = """([url, message]) => {
    const form = Object.assign(document.createElement("form"), {method: "post", action: url});
    form.append(Object.assign(document.createElement("input"), {name: "SAMLResponse", value: message}));
    document.body.append(form);
    form.submit();
}"""


def test_the_person_at_the_browser_decides_who_continues(
    service: Service, idp: TestIdp, window: BrowserContext, picture: Callable[[Any, str], None]
) -> None:
    setup = new_customer(service, idp, saml={"idp_metadata": idp.metadata(), "idp_initiated": True}).setup
    jane = named(setup["slug"])
    bob = replace(jane, uid=f"bob.{setup['slug']}", user_name=f"bob.{setup['slug']}@acme.test", email=None)
    bob = replace(bob, given_name="Bob", email=bob.user_name)
    page = window.new_page()

    def press_the_tile(person: Person) -> None:
        """From a page of another site, as the dashboard is: no Lax cookie comes along."""
        page.goto("about:blank")
        claims = idp.claims(by_sso(person), acs_url=setup["acs_url"], request_id=None)
        page.evaluate(POST, [setup["acs_url"], idp.response(claims)])

    press_the_tile(jane)
    expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()
    press_the_tile(bob)
    expect(page.get_by_role("heading", name="Somebody else is signed in here")).to_be_visible()
    assert_good_as_it_is(page)
    picture(page, "another-user")
    page.get_by_role("button", name="Stay signed in as Jane Doe").click()
    expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()
    press_the_tile(bob)
    page.get_by_role("button", name="Continue as Bob Doe").click()
    expect(page.get_by_role("heading", name="Bob Doe")).to_be_visible()
    page.go_back()  # in the history, the signed-in person meets their own page and no error
    page.wait_for_load_state()
    expect(page.get_by_text(str(bob.user_name)).first).to_be_visible()


def test_a_link_on_a_page_of_another_site_does_not_change_who_is_signed_in(
    service: Service, window: BrowserContext, tmp_path: Path
) -> None:
    with running_idp(service, tmp_path, "elsewhere") as url:
        with urllib.request.urlopen(f"{url}/metadata", timeout=10) as answer:
            section = {"idp_metadata": answer.read().decode()}
        described = {"slug": "elsewhere", "customer": "Elsewhere", "saml": section}
        login = service.apply({"connections": [described]})["login_url"]
        page = window.new_page()
        page.goto(login)
        page.get_by_role("button", name="Jane Doe").click()
        expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()

        page.goto(f"{url}/")  # on 127.0.0.1: another site than ours
        page.set_content(f'<a href="{login}">Kittens</a>')
        page.get_by_role("link", name="Kittens").click()
        page.get_by_role("button", name="Zoë Müller").click()
        page.get_by_role("button", name="Stay signed in as Jane Doe").click()
        expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()

        page.goto(login)  # as a bookmark of the browser
        page.get_by_role("button", name="Zoë Müller").click()
        expect(page.get_by_role("heading", name="Zoë Müller")).to_be_visible()

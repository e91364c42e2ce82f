"""Deactivated by Okta → out on the next click → active again changes nothing → an administrator unexpires → in again (R20-R24)."""

import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core_identity.values import Person
from tests.support.okta import Okta
from tests.support.service import Service, running_idp

pytestmark = pytest.mark.browser

JANE = "jane.doe@acme.test"


@pytest.fixture(scope="module")
def setup(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A customer whose IdP is the demo's, with pages of its own."""
    with running_idp(service, tmp_path_factory.mktemp("idp"), "acme") as url:
        with urllib.request.urlopen(f"{url}/metadata", timeout=10) as answer:
            metadata = answer.read().decode()
        described = {
            "slug": "acme",
            "name": "Acme Studios",
            "customer": "Acme",
            "roles": {"grantable": ["Editors", "Viewers"], "from": "push_groups"},
            "saml": {"idp_metadata": metadata},
            "scim": {"grants": ["client_credentials"]},
        }
        yield service.apply({"roles": ["Editors", "Viewers"], "connections": [described]})


def sign_in(page: Page, setup: dict[str, Any], person: str = "Jane Doe") -> None:
    page.goto(f"/sign-in?connection={setup['slug']}")
    page.get_by_role("button", name=person).click()


def test_the_whole_life_of_an_access(
    service: Service, setup: dict[str, Any], window: BrowserContext, chromium: Any, picture: Callable[[Any, str], None]
) -> None:
    okta = Okta(setup)
    page = window.new_page()
    sign_in(page, setup)
    expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()
    assert page.url == f"{service.url}/me"
    # SSO came first; the push finds the same user.
    found = service.ask("user", "show", JANE, "--connection", setup["slug"])
    uid = found["identities"][0]["uid"]
    pushed = okta.push(person_of(found, uid))
    editors = okta.push_group("Editors", pushed["id"])
    page.reload()
    expect(page.get_by_role("rowheader", name="Editors")).to_be_visible()
    picture(page, "me")

    # Deactivated by Okta: the open session is out on the next click.
    assert okta.set_active(pushed["id"], active=False)["active"] is False
    page.reload()
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
    sign_in(page, setup)
    expect(page.get_by_text("You no longer have access to CORE.")).to_be_visible()
    picture(page, "refused")

    # Active again at the IdP changes nothing for the user.
    assert okta.set_active(pushed["id"], active=True)["active"] is True
    sign_in(page, setup)
    expect(page.get_by_text("You no longer have access to CORE.")).to_be_visible()

    # An administrator looks, and unexpires.
    password = service.add_administrator("boss")
    desk = chromium.new_context(base_url=service.url, viewport={"width": 1280, "height": 900}).new_page()
    desk.goto("/admin/")
    desk.get_by_label("Username").fill("boss")
    desk.get_by_label("Password").fill(password)
    desk.get_by_role("button", name="Sign in").click()
    desk.goto(f"/admin/core_identity/user/{found['id']}/change/")
    expect(desk.get_by_text("expired").first).to_be_visible()
    picture(desk, "admin-user-expired")
    desk.get_by_role("link", name="Unexpire").first.click()
    desk.get_by_label("Reason").fill("Came back from leave")
    picture(desk, "admin-unexpire")
    desk.get_by_role("button", name="Unexpire", exact=True).click()
    expect(desk.get_by_text("Came back from leave").first).to_be_visible()
    picture(desk, "admin-user")

    sign_in(page, setup)
    expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Editors")).to_be_visible()
    assert okta.http.delete(f"/Groups/{editors}").status_code == 204

    # And leaves by herself.
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out of CORE.")).to_be_visible()
    user = service.ask("user", "show", JANE, "--connection", setup["slug"])
    assert user["id"] == found["id"]
    assert len(user["identities"]) == 1
    kinds = [event["kind"] for event in user["events"]]
    assert [kinds.count(kind) for kind in ("user.created", "user.expired", "user.unexpired")] == [1, 1, 1]
    (unexpired,) = [event for event in user["events"] if event["kind"] == "user.unexpired"]
    assert unexpired["actor"] == "boss"


def person_of(found: dict[str, Any], uid: str) -> Person:
    return Person(
        uid=uid,
        external_id="00u1jane",
        user_name=JANE,
        active=True,
        given_name=found["first_name"],
        family_name=found["last_name"],
        email=found["email"],
        title="Editor",
        organization="Acme Studios",
        department="Press",
    )

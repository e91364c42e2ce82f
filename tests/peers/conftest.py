"""Fixtures of the peers in Chromium: pysaml2 as IdP on another site than the service, and Jane's browser."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core_identity.values import Person
from tests.support.cast import JANE
from tests.support.pysaml2_idp import Manner, Pysaml2Idp, running_pysaml2
from tests.support.service import Service

POST_A_FORM: Final = """([url, fields]) => {
    const form = Object.assign(document.createElement("form"), {method: "post", action: url});
    for (const [name, value] of Object.entries(fields))
        form.append(Object.assign(document.createElement("input"), {name, value}));
    document.body.append(form);
    form.submit();
}"""

Setups = dict[str, dict[str, Any]]
"""The setups of the customers' administrators, by slug."""


@pytest.fixture(scope="module")
def module_idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pysaml2Idp]:
    with running_pysaml2(tmp_path_factory.mktemp("pysaml2")) as idp:
        yield idp


@pytest.fixture
def idp(module_idp: Pysaml2Idp) -> Pysaml2Idp:
    module_idp.manner = Manner()
    module_idp.heard.clear()
    return module_idp


@pytest.fixture
def jane(idp: Pysaml2Idp) -> Person:
    """Jane as a person of one test only, and the only one at the IdP."""
    mark = secrets.token_hex(3)
    address = f"jane.{mark}@acme.test"
    jane = replace(
        JANE,
        uid=f"jane.doe.{mark}",
        external_id=f"00u-{mark}",
        user_name=address,
        email=address,
        groups=("Editors", "Viewers"),
    )
    idp.people = (jane,)
    return jane


@pytest.fixture
def page(window: BrowserContext) -> Page:
    return window.new_page()


def introduce(service: Service, idp: Pysaml2Idp, connections: dict[str, dict[str, Any]]) -> Setups:
    described = [
        {
            "name": "Acme Studios",
            "customer": slug,
            "roles": {"grantable": ["Editors", "Viewers"], "from": "both"},
            "scim": {"grants": ["client_credentials"]},
        }
        | special
        | {"slug": slug, "saml": {"idp_metadata": idp.metadata()} | special.get("saml", {})}
        for slug, special in connections.items()
    ]
    document = {"roles": ["Editors", "Viewers"], "connections": described}
    answer = service.ask("connection", "apply", "-", stdin=json.dumps(document))
    for one in answer["connections"]:
        idp.meet(metadata_of(service, one))
    return {one["slug"]: one for one in answer["connections"]}


def metadata_of(service: Service, setup: dict[str, Any]) -> str:
    answer = service.http().get(setup["metadata_url"])
    assert answer.status_code == 200
    return answer.text


def user_of(service: Service, slug: str, person: Person) -> dict[str, Any]:
    found = service.ask("user", "show", str(person.email), "--connection", slug)
    assert isinstance(found, dict)
    return found


def sign_in(page: Page, setup: dict[str, Any], person: str = "Jane Doe", *, going_on: str = "") -> None:
    page.goto(setup["login_url"] + going_on)
    page.get_by_role("button", name=person).click()


def expect_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()


def expect_refused(page: Page, code: str) -> None:
    """She reads the reason in words, and a reference that her administrator finds in the log. She is not signed in."""
    expect(page.get_by_role("heading", name="You could not be signed in")).to_be_visible()
    expect(page.locator(".code")).to_have_text(f"({code})")
    assert len(page.locator(".reference").inner_text()) >= 8
    page.goto("/me")
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()

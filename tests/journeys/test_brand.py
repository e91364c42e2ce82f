"""An installation with a name of its own: no page and no message calls it CORE."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

import httpx
import pytest

from tests.journeys.conftest import Customer, named, new_customer
from tests.support.clients import open_client
from tests.support.saml import TestIdp
from tests.support.service import Service, running_service

BRAND: Final = "Initech <Keys>"
OURS: Final = re.compile(r"\bCORE\b")
ENDS: Final = ("logout", "export", "jsi18n", ".csv")
ENOUGH: Final = 40


@pytest.fixture(scope="module")
def branded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("branded"), workers=1, BRAND_NAME=BRAND) as service:
        yield service


@pytest.fixture(scope="module")
def initech(branded: Service, idp: TestIdp) -> Customer:
    """A customer with a person, a waiting group, drift, a conflict, and a refused push and sign-in."""
    customer = new_customer(branded, idp)
    okta, person = customer.okta(), named("initech")
    pushed = okta.push(person)
    okta.push_group("Archivists", pushed["id"])
    assert customer.sign_in(person).status_code == httpx.codes.OK
    email = [{"value": person.email, "primary": True}]
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "zoe", "emails": email}
    refused = okta.http.post("/Users", json=body)
    assert refused.status_code == httpx.codes.CONFLICT
    assert f"in {BRAND}." in refused.json()["detail"]
    return customer


def administrator(service: Service) -> httpx.Client:
    password = service.add_administrator("chief")
    http = open_client(base_url=service.url, follow_redirects=True)
    page = http.get("/admin/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token is not None
    form = {"csrfmiddlewaretoken": token[1], "username": "chief", "password": password, "next": "/admin/"}
    # httpx keeps no Secure cookie on http; Chromium, for localhost, does.
    assert http.post("/admin/login/", data=form).status_code == httpx.codes.OK
    return http


def test_no_page_of_the_administration_says_core(branded: Service, initech: Customer) -> None:
    http = administrator(branded)
    seen: set[str] = set()
    waiting = ["/admin/"]
    while waiting:
        address = waiting.pop()
        path = address.partition("?")[0]
        if path in seen or any(end in path for end in ENDS):
            continue
        seen.add(path)
        page = http.get(address)
        assert page.status_code == httpx.codes.OK, address
        assert OURS.search(page.text) is None, address
        waiting += map(unescape, re.findall(r'href="(/admin/[^"#]*)', page.text))
    assert len(seen) > ENOUGH
    assert "Initech &lt;Keys&gt;" in http.get("/admin/").text


def test_no_page_of_an_end_user_says_core(branded: Service, initech: Customer) -> None:
    http = branded.http()
    for path in ("/sign-in", "/me", "/nowhere", "/set-up", f"/sso/{initech.slug}/acs", "/sso/unknown/login"):
        page = http.get(path)
        assert OURS.search(page.text) is None, path
    refused = http.post(initech.setup["acs_url"], data={"SAMLResponse": "bm8="})
    assert refused.status_code >= httpx.codes.BAD_REQUEST
    assert OURS.search(refused.text) is None


def test_no_answer_of_scim_says_core(initech: Customer) -> None:
    okta = initech.okta().http
    answers = [okta.get(path) for path in ("/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Users/none")]
    answers += [okta.post("/Users", json={}), okta.get("/Users", params={"filter": "x"})]
    assert [answer.text for answer in answers if OURS.search(answer.text)] == []
    assert BRAND in answers[1].text

"""Two who may be one: refused, found by the reference, decided by an administrator, and the next attempt goes through (R9, R11)."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core_identity.values import Person
from tests.journeys.conftest import Customer, named, new_customer
from tests.support.saml import TestIdp
from tests.support.service import Service


def desk_of(chromium: Browser, service: Service, customer: Customer) -> Page:
    """An administrator who has signed in."""
    name = f"boss-{customer.slug}"
    password = service.add_administrator(name)
    page = chromium.new_context(base_url=service.url, viewport={"width": 1280, "height": 1000}).new_page()
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    return page


def decide(page: Page, reference: str, answer: str, reason: str) -> None:
    page.goto(f"/admin/core_identity/conflict/?q={reference}")
    page.locator("#result_list tbody a").first.click()
    page.get_by_label(re.compile(answer)).check()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("repeat the same push or sign-in")).to_be_visible()


def reference_in(text: str) -> str:
    found = re.search(r"[Rr]eference:\D*?<strong[^>]*>([A-Z0-9]+)|Reference: ([A-Z0-9]+)", text)
    assert found is not None, text
    return found[1] or found[2]


@pytest.mark.browser
def test_a_second_person_with_the_same_address_is_let_in(
    service: Service, customer: Customer, jane: Person, chromium: Browser, picture: Callable[[Any, str], None]
) -> None:
    okta = customer.okta()
    okta.push(jane)
    twin = replace(
        jane,
        uid=f"twin.{customer.slug}",
        external_id="00u-twin",
        user_name=f"twin.{customer.slug}@acme.test",
        given_name="Jill",
    )
    for _ in range(3):
        refused = okta.create(twin)
        assert refused.status_code == 409
        assert refused.json()["scimType"] == "uniqueness"
    assert "under Conflicts in the administration" in refused.json()["detail"]
    page = desk_of(chromium, service, customer)
    page.goto("/admin/")
    page.get_by_role("navigation").get_by_role("link", name="Conflicts").click()
    page.goto(f"/admin/core_identity/conflict/?q={reference_in(refused.json()['detail'])}")
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_text("Received 3 times")).to_be_visible()
    picture(page, "conflict")
    decide(page, reference_in(refused.json()["detail"]), "different people", "Twins, says their manager")
    created = okta.create(twin)
    assert created.status_code == 201, created.text
    assert customer.user(str(twin.uid))["id"] != customer.user(str(jane.uid))["id"]
    assert customer.sign_in(twin).status_code == 200


@pytest.mark.browser
def test_a_new_name_at_the_idp_is_confirmed_once(
    service: Service, customer: Customer, jane: Person, chromium: Browser
) -> None:
    customer.okta().push(jane)
    married = replace(jane, user_name=f"roe.{customer.slug}@acme.test", email=f"roe.{customer.slug}@acme.test")
    refused = customer.sign_in(married)
    assert refused.status_code == 403
    assert "An administrator must decide" in refused.text
    page = desk_of(chromium, service, customer)
    decide(page, reference_in(refused.text), "the same person", "Married, called her")
    assert customer.sign_in(married).status_code == 200
    assert len(customer.user(str(jane.uid))["identities"]) == 1


def test_a_stranger_with_her_uid_never_opens_her_account(customer: Customer, jane: Person) -> None:
    customer.okta().push(jane)
    eve = replace(jane, user_name=f"eve.{customer.slug}@acme.test", email=f"eve.{customer.slug}@acme.test")
    for _ in range(3):
        assert customer.sign_in(eve).status_code == 403
    assert customer.sign_in(jane).status_code == 200
    (conflict,) = customer.service.ask("conflict", "list", "--connection", customer.slug)["conflicts"]
    assert (conflict["cause"], conflict["count"], conflict["state"]) == ("no_mark", 3, "open")


def test_two_accounts_of_one_human_become_one(customer: Customer, jane: Person) -> None:
    okta = customer.okta()
    kept = okta.push(jane)
    second = replace(
        jane,
        uid=f"jd.{customer.slug}",
        external_id="00u-second",
        user_name=f"jd.{customer.slug}@acme.test",
        email="jd@x.test",
    )
    gone = okta.push(second)
    group = okta.push_group("Editors", kept["id"], gone["id"])
    customer.service.ask("user", "merge", str(jane.uid), str(second.uid), "--reason", "one human")
    assert okta.http.get(f"/Users/{gone['id']}").status_code == 404
    assert [one["value"] for one in okta.http.get(f"/Groups/{group}").json()["members"]] == [kept["id"]]
    assert customer.sign_in(second).status_code == 200
    user = customer.user(str(second.uid))
    assert user["username"] == jane.user_name
    assert [role["name"] for role in user["roles"]] == ["Editors"]


def test_a_copied_app_takes_over_its_people(service: Service, idp: TestIdp, customer: Customer, jane: Person) -> None:
    pushed = customer.okta().push(jane)
    copied = new_customer(service, idp, customer=customer.slug)
    service.ask("connection", "succeed", customer.slug, copied.slug, "--reason", "a new app in Okta")
    okta = copied.okta()
    assert okta.push(jane)["id"] == pushed["id"]
    assert copied.sign_in(jane).status_code == 200
    assert customer.service.http().get(customer.setup["login_url"]).status_code == 404
    assert okta.push(named(copied.slug))["id"] != pushed["id"]

"""Somebody who knows only their email address finds the way to their identity provider, and leaves no trace of the address."""

import pytest
from playwright.sync_api import BrowserContext, Request

from tests.journeys.conftest import new_customer
from tests.support.saml import TestIdp
from tests.support.service import Service

pytestmark = pytest.mark.browser


def test_an_address_leads_to_the_identity_provider_and_never_appears_in_a_url(
    service: Service, idp: TestIdp, window: BrowserContext
) -> None:
    new_customer(service, idp)
    slug = new_customer(service, idp).slug
    domain = f"{slug}.example"
    section = {"idp_metadata": idp.metadata(), "email_domains": [{"domain": domain, "verified": True}]}
    service.apply({"connections": [{"slug": slug, "name": "Acme Studios", "customer": slug, "saml": section}]})
    page = window.new_page()
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    page.goto("/sign-in?next=/me")
    field = page.get_by_label("Your work email address")
    field.fill("jane@nowhere.example")
    page.get_by_role("button", name="Continue").click()
    field.fill(f"Jane@{domain.upper()}")
    with page.expect_request(f"{idp.sso_url}*"):
        page.get_by_role("button", name="Continue").click()
    assert [one.url for one in requests if one.url.endswith(f"/sso/{slug}/login?next=%2Fme")]
    addresses = [one.url + one.headers.get("referer", "") for one in requests]
    assert not [one for one in addresses if "jane" in one.lower()]

"""Okta's whole dance by an OAuth client that we did not write (authlib): consent in Chromium, code, token, refresh."""

import pytest
from authlib.integrations.httpx_client import OAuth2Client
from playwright.sync_api import BrowserContext, expect

from tests.journeys.conftest import Callback, Customer, new_customer
from tests.support.accessibility import assert_good_as_it_is
from tests.support.saml import TestIdp
from tests.support.service import Service

pytestmark = pytest.mark.browser


def test_an_administrator_consents_and_okta_provisions_by_the_code(
    service: Service, idp: TestIdp, callback: Callback, window: BrowserContext
) -> None:
    redirect_uri = f"http://127.0.0.1:{callback.server_port}/callback"
    grants = ["authorization_code", "client_credentials"]
    customer: Customer = new_customer(service, idp, scim={"redirect_uris": [redirect_uri], "grants": grants})
    setup = customer.setup
    password = service.add_administrator(f"chief-{customer.slug}")
    with OAuth2Client(
        setup["client_id"], setup["client_secret"], redirect_uri=redirect_uri, scope="offline_access", trust_env=False
    ) as okta:
        url, state = okta.create_authorization_url(setup["authorize_url"])
        page = window.new_page()
        page.goto(url)
        page.get_by_label("Username").fill(f"chief-{customer.slug}")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Let Acme Studios provision people?")).to_be_visible()
        assert_good_as_it_is(page)
        page.goto(url.replace(setup["client_id"], "nobody"))
        expect(page.get_by_role("button", name="Allow", exact=True)).to_have_count(0)
        assert_good_as_it_is(page)
        page.goto(url)
        page.get_by_role("button", name="Allow", exact=True).click()
        expect(page.get_by_role("heading", name="Authenticated")).to_be_visible()
        back = f"http://127.0.0.1:{callback.server_port}{callback.first_path}"
        token = okta.fetch_token(setup["token_url"], authorization_response=back, state=state)
        assert set(token["scope"].split()) == {"scim", "offline_access"}
        assert okta.get(f"{setup['scim_base_url']}/Users").json()["totalResults"] == 0
        first = token["access_token"]
        renewed = okta.refresh_token(setup["token_url"], refresh_token=token["refresh_token"])
        assert renewed["access_token"] != first
        assert okta.get(f"{setup['scim_base_url']}/Users").status_code == 200
        introspection = setup["token_url"].replace("/token/", "/introspect/")
        assert okta.introspect_token(introspection, token=renewed["access_token"]).json()["active"]
        assert okta.introspect_token(introspection, token=renewed["refresh_token"]).json()["active"]
        revocation = setup["token_url"].replace("/token/", "/revoke_token/")
        assert okta.revoke_token(revocation, token=renewed["refresh_token"]).status_code == 200
        assert okta.introspect_token(introspection, token=renewed["access_token"]).json() == {"active": False}
        assert okta.get(f"{setup['scim_base_url']}/Users").status_code == 401

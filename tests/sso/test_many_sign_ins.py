"""Strangers who begin sign-ins without end cannot fill the table of sign-ins in progress, and keep no office out."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

import sso.settings.changes
from core_identity.models import Connection
from sso.models import SignInState
from tests.sso.conftest import ACS, Browser
from tests.support.cast import JANE, by_sso, make_connection
from tests.support.clock import travel
from tests.support.saml import TestIdp, now

LOGIN = "/sso/acme/login"


@pytest.fixture(autouse=True)
def _one_minute(acme: Connection) -> Iterator[None]:
    with travel(now(), tick=False):
        yield


def begin(network: str = "192.0.2.1", path: str = LOGIN, http: Client | None = None) -> Any:
    return (http or Client(headers={"host": "localhost:8000"})).get(path, REMOTE_ADDR=network)


def test_one_network_stores_no_more_sign_ins_than_its_limit(acme: Connection, settings: LazySettings) -> None:
    settings.SIGN_INS_PER_MINUTE = 3
    answers = [begin() for _ in range(8)]
    assert [one.status_code for one in answers] == [302] * 3 + [429] * 5
    assert SignInState.objects.count() == 3
    refused = answers[-1]
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused["X-Request-Id"] in refused.content.decode()
    assert "__Host-sign-in" not in refused.cookies
    assert begin("192.0.2.2").status_code == 302, "another network is not affected"
    assert [begin(f"2001:db8::{n}").status_code for n in range(1, 5)] == [302] * 3 + [429], "one /64 is one network"


def test_many_networks_store_no_more_sign_ins_than_the_limit_of_the_connection(
    acme: Connection, idp: TestIdp, settings: LazySettings
) -> None:
    globex = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(globex, {"idp_metadata": idp.metadata()}, base_dir=None)
    settings.SIGN_INS_OF_A_CONNECTION_PER_MINUTE = 5
    answers = [begin(f"192.0.2.{n}") for n in range(20)]
    assert [one.status_code for one in answers] == [302] * 5 + [429] * 15
    assert SignInState.objects.count() == 5
    assert int(answers[-1]["Retry-After"]) >= 1
    assert begin("192.0.2.1", "/sso/globex/login").status_code == 302, "another customer is not affected"


@pytest.mark.parametrize(
    ("mode", "destination"), [("no-cors", "empty"), ("cors", "empty"), ("no-cors", "image"), ("navigate", "iframe")]
)
def test_a_page_in_the_browser_of_a_visitor_begins_no_sign_ins_behind_their_back(
    acme: Connection, settings: LazySettings, mode: str, destination: str
) -> None:
    """Otherwise one open page would spend the limit of the visitor's whole office."""
    settings.SIGN_INS_PER_MINUTE = 1
    http = Client(headers={"host": "localhost:8000", "sec-fetch-mode": mode, "sec-fetch-dest": destination})
    assert [begin(http=http).status_code for _ in range(3)] == [403] * 3
    assert not SignInState.objects.exists()
    person = Client(headers={"host": "localhost:8000", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"})
    assert begin(http=person).status_code == 302


def test_a_flood_does_not_keep_out_people_who_have_signed_in_here_before(
    acme: Connection, browser: Browser, settings: LazySettings
) -> None:
    assert browser.sign_in(by_sso(JANE)).status_code == 200
    browser.http.post("/sign-out")
    settings.SIGN_INS_OF_A_CONNECTION_PER_MINUTE = 5
    for n in range(8):
        begin(f"192.0.2.{n}")
    assert begin("192.0.2.99").status_code == 429
    assert browser.sign_in(by_sso(JANE)).status_code == 200
    assert browser.me().status_code == 200
    settings.SIGN_INS_PER_MINUTE = 1
    assert [begin("192.0.2.100", http=browser.http).status_code for _ in range(2)] == [302, 429]


def test_a_flood_does_not_stop_sign_ins_that_begin_at_the_identity_provider(
    acme: Connection, browser: Browser, settings: LazySettings
) -> None:
    acme.saml.idp_initiated = True
    acme.saml.save()
    settings.SIGN_INS_OF_A_CONNECTION_PER_MINUTE = settings.SIGN_INS_PER_MINUTE = 1
    assert [begin(n).status_code for n in ("192.0.2.1", "192.0.2.1", "192.0.2.2")] == [302, 429, 429]
    message = browser.idp.response(browser.idp.claims(by_sso(JANE), acs_url=ACS, request_id=None))
    assert browser.follow(browser.post(message)).status_code == 200
    assert browser.me().status_code == 200


def test_a_whole_office_behind_one_address_begins_within_a_minute(acme: Connection, settings: LazySettings) -> None:
    assert settings.SIGN_INS_PER_MINUTE >= 1000
    assert settings.SIGN_INS_OF_A_CONNECTION_PER_MINUTE > settings.SIGN_INS_PER_MINUTE
    assert {begin().status_code for _ in range(500)} == {302}


def test_the_page_of_a_refused_start_leads_to_where_the_person_wanted_to_go(
    acme: Connection, settings: LazySettings
) -> None:
    settings.SIGN_INS_PER_MINUTE = 1
    begin()
    page = begin(path=f"{LOGIN}?next=/me%3Fx=1").content.decode()
    assert "Too many sign-ins were started within a minute" in page
    assert f'href="{LOGIN}?next=%2Fme%3Fx%3D1"' in page
    assert "//evil.test" not in begin(path=f"{LOGIN}?next=//evil.test").content.decode()


def test_a_limit_of_0_means_no_limit(acme: Connection, settings: LazySettings) -> None:
    settings.SIGN_INS_PER_MINUTE = settings.SIGN_INS_OF_A_CONNECTION_PER_MINUTE = 0
    assert {begin().status_code for _ in range(10)} == {302}

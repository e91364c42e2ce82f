"""The first page of a connection: its state in words, its failures, what ends soon, and one primary button (R37)."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

import sso.settings.changes
from core_identity.admin_kit.health import MOST, end_row, failures_row
from core_identity.models import Connection
from core_identity.services.connections import switch_off
from core_identity.services.push.provisioning import create_person
from scim.models import ProvisioningRecord
from scim.oauth.bearer_tokens import make_token
from sso.settings.keys import make_key
from tests.admin.conftest import browser_of, staff
from tests.admin.test_home import sign_in
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso
from tests.support.saml import TestIdp
from tests.support.sign_in import sign_in as enter_by_sso

NOW = timezone.now()


def overview(http: Client, connection: Connection) -> str:
    page = http.get(f"/admin/core_identity/connection/{connection.pk}/overview/").content.decode()
    return re.sub(r"\s+", " ", page)  # also the space that never breaks


def calls(connection: Connection, *statuses: int) -> None:
    ProvisioningRecord.objects.bulk_create(
        ProvisioningRecord(
            at=timezone.now(),
            method="GET",
            status=status,
            duration_ms=1,
            connection_slug=connection.slug,
            connection_id=connection.pk,
        )
        for status in statuses
    )


def test_a_new_connection_can_be_shared_and_not_be_tested_yet(as_root: Client, acme: Connection) -> None:
    page = overview(as_root, acme)
    assert '<span class="core-chip fine">On</span>' in page
    assert "Set-up: 1 of 10" in page
    assert "Share with Acme's IT" in page
    assert "Test sign-in</a>" not in page
    assert page.count("none yet") == 2
    assert page.count("core-button primary") == 1
    assert "Enter the metadata</a>" in page


def test_the_test_sign_in_is_the_one_primary_button(as_root: Client, acme: Connection) -> None:
    sso.settings.changes.apply(acme, {"idp_metadata": TestIdp().metadata()}, base_dir=None)
    assert overview(as_root, acme).count("core-button primary") == 1


def test_values_that_arrived_are_folded_until_somebody_asks_for_them_R37(as_root: Client, acme: Connection) -> None:
    assert "Entered already" not in overview(as_root, acme)
    sign_in(timezone.now(), acme)
    page = overview(as_root, acme)
    needed, _, entered = page.partition("Entered already: SAML app: Configure SAML")
    assert "/sso/acme/acs" in entered
    assert "/sso/acme/acs" not in needed
    assert "/scim/acme/v2" in needed
    fold = '<details class="core-step-values" {}> <summary> Entered already'
    assert fold.format("") in page
    chosen = as_root.get(f"/admin/core_identity/connection/{acme.pk}/overview/?idp=okta").content.decode()
    assert fold.format("open") in re.sub(r"\s+", " ", chosen)


def test_last_use_and_failures_of_the_day_lead_to_their_lists(as_root: Client, acme: Connection) -> None:
    calls(acme, 200, 200, 200, 409)
    for code in ("signed_in", "audience", "signed_in"):
        sign_in(timezone.now(), acme, code)
    sign_in(timezone.now() - timedelta(days=2), acme, "audience")
    page = overview(as_root, acme)
    assert "connection=acme&amp;outcome=failed" in page
    assert "1 of 4 (25 %)" in page
    assert "1 of 3 (33 %)" in page
    assert page.count("just now</time>") >= 2


def test_the_part_that_renews_itself_is_the_same_as_on_the_page(as_root: Client, acme: Connection) -> None:
    """Chips, warnings, health and steps: each part of the answer replaces the part of the page with the same id."""
    address = f"/admin/core_identity/connection/{acme.pk}/"
    before = as_root.get(f"{address}overview/").content.decode()
    calls(acme, 200, 409)
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="sold")
    renewed = as_root.get(f"{address}steps/").content.decode()
    ids = re.findall(r'id="(live-[a-z_-]+)"', renewed)
    assert ids == sorted(set(ids), key=ids.index)
    assert set(ids) == set(re.findall(r'id="(live-[a-z_-]+)"', before))
    assert {"live-chips", "live-marks", "live-health", "live-progress"} < set(ids)
    for words in ("Switched off", "This connection is switched off", "1 of 2 (50"):
        assert words in renewed
        assert words not in before


def test_each_channel_has_an_example_of_its_uid_and_derived_ones_are_counted(as_root: Client, acme: Connection) -> None:
    assert "UID of the newest" not in overview(as_root, acme)
    create_person(actor=OKTA, connection=acme, person=replace(JANE, uid=None))
    assert "jane.doe@acme.test (the userName, because no UID was sent)" in overview(as_root, acme)
    create_person(actor=OKTA, connection=acme, person=ZOE)
    bob = replace(ZOE, uid="bob.ray", user_name="bob@acme.test", email="bob@acme.test", given_name="Bob")
    enter_by_sso(actor=BROWSER, connection=acme, person=by_sso(bob))
    page = overview(as_root, acme)
    for words in (
        "newest person by SSO</dt> <dd> bob.ray",
        "newest pushed person</dt> <dd> zoë.müller",
        "1 of the newest 2",
    ):
        assert words in page
    of_reader = overview(browser_of(staff("reader", "view_connection")), acme)
    assert "UID of the newest" not in of_reader


def test_a_token_that_ends_soon_is_in_the_header(as_root: Client, acme: Connection) -> None:
    make_token(actor=COMMAND, connection=acme, name="Entra", lasts=timedelta(days=6, hours=1))
    assert '<span class="core-chip attention">The token Entra ends in 6 days</span>' in overview(as_root, acme)


def test_a_switched_off_connection_is_in_trouble_and_cannot_be_shared(as_root: Client, acme: Connection) -> None:
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="sold")
    page = overview(as_root, acme)
    assert '<span class="core-chip trouble">Switched off</span>' in page
    assert "Share with" not in page
    assert "/setup-link/" not in page


def test_a_reader_gets_no_button(acme: Connection) -> None:
    page = overview(browser_of(staff("reader", "view_connection")), acme)
    assert "Set-up: 1 of 10" in page
    assert "Share with" not in page
    assert "Test sign-in</a>" not in page


def test_a_reader_gets_facts_and_only_links_that_open(as_root: Client, acme: Connection) -> None:
    sso.settings.changes.apply(acme, {"idp_metadata": TestIdp().metadata()}, base_dir=None)
    make_key(actor=COMMAND, connection=acme)
    make_token(actor=COMMAND, connection=acme, name="Entra", lasts=timedelta(days=6, hours=1))
    sign_in(timezone.now(), acme, "signature")
    reader = browser_of(staff("reader", "view_connection"))
    of_reader, of_root = (overview(http, acme) for http in (reader, as_root))
    for name in ("Signing certificate", "Our active key", "The token Entra", "Unknown certificate"):
        assert name in of_reader
    cards = [page.partition('class="core-health"')[2].partition("</dl>")[0] for page in (of_reader, of_root)]
    links, more = (set(re.findall(r'href="(/[^"]*)"', card)) for card in cards)
    assert len(more) > len(links) > 0
    assert {link: reader.get(unescape(link)).status_code for link in links} == dict.fromkeys(links, 200)
    assert {link: as_root.get(unescape(link)).status_code for link in more} == dict.fromkeys(more, 200)


@pytest.mark.parametrize(
    ("bad", "total", "words", "tone"),
    [
        (0, 0, "none", ""),
        (0, 40, "0 of 40 (0 %)", ""),
        (1, 40, "1 of 40 (2 %)", ""),
        (4, 40, "4 of 40 (10 %)", "attention"),
        (1, 999, "1 of 999 (below 1 %)", ""),
        (MOST, MOST, "1,000 of the last 1,000 (100 %)", "attention"),
    ],
)
def test_failures_are_a_number_and_a_rate(bad: int, total: int, words: str, tone: str) -> None:
    row = failures_row("Failed calls", [(timezone.now(), number < bad) for number in range(total)], "/log")
    assert (str(row.value).replace("\u00a0", " "), row.tone) == (words, tone)


@pytest.mark.parametrize(
    ("left", "words", "tone"),
    [
        (timedelta(days=31), "until ", ""),
        (timedelta(days=30), "ends in 30 days", "attention"),
        (timedelta(days=1, hours=2), "ends in 1 day", "attention"),
        (timedelta(hours=2), "ends today", "attention"),
        (timedelta(0), "ended on ", "trouble"),
    ],
)
def test_an_end_is_announced_a_month_before(left: timedelta, words: str, tone: str) -> None:
    row = end_row("Token", NOW + left, "/tokens", NOW)
    assert str(row.value).startswith(words)
    assert (row.tone, row.ends_soon) == (tone, bool(tone))

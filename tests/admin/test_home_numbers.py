"""Each number on Home equals the number of rows of the list that it leads to, and no banner is hidden without a link to it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from html import unescape
from typing import Final

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import sso.settings.changes
from core_identity import errors
from core_identity.config.home import BANNERS_SHOWN, WAITING_SHOWN
from core_identity.config.looks import KINDS
from core_identity.event_kinds import EventKind
from core_identity.models import Burst, Conflict, Connection, Identity, PushGroup, SetupProposal, User
from core_identity.models.conflict import ConflictState
from core_identity.portal.trust import Proposed
from core_identity.selectors.attention import MOST
from core_identity.selectors.log_hours import full_hour
from core_identity.services import events
from core_identity.services.connections import switch_off
from core_identity.services.expiry import expire
from core_identity.services.merge import merge
from core_identity.services.push.provisioning import create_person
from core_identity.services.transactions import in_one_transaction
from scim.models import BearerToken
from sso.models import KeyState, SamlSettings, SignInRecord, SpKey
from tests.admin.conftest import browser_of, put, staff
from tests.admin.test_home import call
from tests.admin.test_home import sign_in as logged
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, make_connection
from tests.support.saml import TestIdp

LIST: Final = "/admin/core_identity/connection/need-a-look/"
LINK: Final = re.compile(r'<a(?: class="core-button")?\s+href="([^"]+)"\s*(?:aria-label="([^"]+)")?\s*>([^<]+)</a>')
NUMBERS: Final = {
    "Sign-ins in a day: #": 6,
    "# refused": 3,
    "SCIM requests in a day: #": 7,
    "# failed": 3,
    "Conflicts to decide: #": 1,
    "People who may sign in: #": 3,
    "# expired": 3,
    "Groups without a role (#)": 6,
    "Conflicts (#)": 1,
    "Reactivation requests (#)": 2,
    "Drift (#)": 2,
    "Set-ups by customers (#)": 1,
    "# connections need a look": 7,
    "All # connections": 10,
    "burst of deactivations (#)": 1,
    "certificate or metadata (#)": 2,
    "our SAML key (#)": 1,
    "token or secret (#)": 3,
    "silent (#)": 1,
}
"""Each number on Home in its words."""


@pytest.fixture
def plenty(acme: Connection, jane: Identity) -> dict[str, Connection]:
    """Something of each kind, and beside it rows that no number counts. The names of the connections contain no digit."""
    names = ("beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota")
    others = {name: make_connection(name, customer=name.capitalize()) for name in names}
    others |= {"acme": acme, "sister": make_connection("sister")}
    now = timezone.now()
    fill_logs(acme, now)
    fill_people(acme, others["sister"], jane)
    fill_lists(acme)
    fill_connections(others, now)
    return others


def fill_logs(acme: Connection, now: datetime) -> None:
    uncounted = full_hour(now - timedelta(hours=24)) + timedelta(minutes=59)
    for at in (uncounted, now - timedelta(hours=30)):
        logged(at, acme, "audience")
        logged(at, acme)
        call(at, 409)
    for hours in (20, 3, 2):
        logged(now - timedelta(hours=hours), acme)
        call(now - timedelta(hours=hours))
    for code in ("audience", "expired", "signature"):
        logged(now, acme, code)
    for code, is_test in (("logout_refused", False), ("signed_out", False), ("audience", True), ("signed_in", True)):
        logged(now, acme, code, is_test=is_test)
    SignInRecord.objects.create(at=now, code="password_refused", kind="password_refused")
    for status in (500, 409, 200):
        call(now, status)


def fill_people(acme: Connection, sister: Connection, jane: Identity) -> None:
    def person(name: str, connection: Connection = acme, *, active: bool = True) -> Identity:
        names = {"uid": name, "external_id": name, "user_name": f"{name}@acme.test", "email": f"{name}@acme.test"}
        return create_person(actor=OKTA, connection=connection, person=replace(JANE, **names, active=active)).identity  # type: ignore[arg-type]

    person("bob", active=False)
    eve, same, drifting = person("eve"), person("same", sister), person("ann")
    merge(actor=COMMAND, kept_id=eve.user_id, gone_id=same.user_id, reason="the same")
    for identity in (eve, same):
        sent = replace(JANE, uid=None, external_id=None, user_name=None, email=None)
        put(identity, replace(sent, active=False))
        put(identity, sent)
    for name in ("max", "kim"):
        expire(actor=ADMIN, user_id=person(name).user_id, reason="left")
    put(drifting, replace(JANE, uid="ann", external_id="ann", user_name="ann@acme.test", email="other@acme.test"))


def fill_lists(acme: Connection) -> None:
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email))
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, user_name=JANE.user_name, external_id="x"))
    Conflict.objects.filter(cause="user_name").update(state=ConflictState.DISMISSED)
    PushGroup.objects.bulk_create(
        PushGroup(connection=acme, display_name=name, name_key=name) for name in ("a", "b", "c", "d", "e", "f")
    )
    SetupProposal.objects.create(connection=acme, kind=Proposed.TOKEN, proposed_by="contact")


def fill_connections(named: dict[str, Connection], now: datetime) -> None:
    Burst.objects.bulk_create(Burst(connection=named["acme"], began_at=now, last_at=now) for _ in range(2))
    for name in ("beta", "beta", "eta", "theta"):
        give_token(named[name], now + timedelta(days=5))
    trust(named["gamma"], days=5)
    give_ending_key(named["delta"])
    call(now, 401, "epsilon")
    give_token(named["epsilon"], now - timedelta(days=5))
    logged(now - timedelta(days=9), named["zeta"])
    logged(now - timedelta(days=9), named["theta"])
    switch_off(actor=ADMIN, connection_id=named["theta"].pk, reason="test")


def give_token(connection: Connection, ends: datetime) -> None:
    number = BearerToken.objects.count()
    BearerToken.objects.create(connection=connection, name=f"entra {number}", token_hash=f"{number}", expires_at=ends)


@cache
def idp_until(days: int) -> TestIdp:
    return TestIdp(ends=timedelta(days=days))


def trust(connection: Connection, days: int) -> None:
    sso.settings.changes.apply(connection, {"idp_metadata": idp_until(900).metadata()}, base_dir=None)
    SamlSettings.objects.filter(connection=connection).update(certificates=[idp_until(days).pem])


def give_ending_key(connection: Connection) -> None:
    trust(connection, days=900)
    SpKey.objects.create(connection=connection, state=KeyState.ACTIVE, certificate=idp_until(5).pem, sealed_key="")


def text_at(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return re.sub(r"\s+", " ", answer.content.decode())


def numbers_on(page: str) -> dict[str, tuple[int, str]]:
    """Return each number of a page that is a link, by its words, with the address."""
    found = {}
    for address, label, text in LINK.findall(page.partition('id="content-main"')[2]):
        words = unescape(label or text).strip().replace("24 hours", "a day")
        number = re.search(r"\d[\d,]*", words)
        if number:
            found[words.replace(number[0], "#")] = (int(number[0].replace(",", "")), unescape(address))
    return found


def rows_of(browser: Client, address: str) -> int:
    """Return the number of rows of a list, on all of its pages. A row that continues another one begins with an empty cell."""
    page = text_at(browser, address)
    counted = re.search(r'<p class="paginator">.*?(\d[\d,]*) [a-z]', page)
    if counted:
        return int(counted[1])
    rows = sum(len(re.findall(r"<tr> <t[dh][^>]*[^>]>(?! ?</td>)", body)) for body in bodies(page))
    following = re.search(r'href="([^"]+)">Next</a>', page)
    return rows + (rows_of(browser, address.partition("?")[0] + unescape(following[1])) if following else 0)


def bodies(page: str) -> Iterator[str]:
    yield from re.findall(r'<table class="core-table core-fold">.*?<tbody>(.*?)</tbody>', page)


@pytest.mark.parametrize("words", NUMBERS)
def test_a_number_on_home_is_that_of_its_list(words: str, as_root: Client, plenty: dict[str, Connection]) -> None:
    number, address = numbers_on(text_at(as_root, "/admin/"))[words]
    assert (number, rows_of(as_root, address)) == (NUMBERS[words], NUMBERS[words])


def test_each_number_on_home_that_is_a_link_is_compared_with_its_list(
    as_root: Client, plenty: dict[str, Connection]
) -> None:
    assert set(numbers_on(text_at(as_root, "/admin/"))) == set(NUMBERS)


def test_the_numbers_of_a_reader_are_those_of_the_lists_that_the_reader_sees(plenty: dict[str, Connection]) -> None:
    """A burst is for administrators who may settle it."""
    reader = browser_of(staff("reader", "view_connection"))
    found = numbers_on(text_at(reader, "/admin/"))
    assert found.keys() < NUMBERS.keys() - {"burst of deactivations (#)"}
    for words, (number, address) in found.items():
        assert number == rows_of(reader, address), words
    assert "deactivated" not in text_at(reader, LIST)


def test_more_things_wait_than_home_shows(as_root: Client, acme: Connection) -> None:
    def wait(name: str) -> str:
        PushGroup.objects.create(connection=acme, display_name=name, name_key=name)
        return text_at(as_root, "/admin/")

    more = "The oldest are shown. The links below lead to all of them."
    for name in ("a", "b", "c", "d"):
        page = wait(name)
    assert page.count('<td data-label="What">A group gives no role') == 4
    assert "4 things need a decision." in page
    assert more not in page
    page = wait("e")
    assert page.count('<td data-label="What">A group gives no role') == 4
    assert "5 things need a decision." in page
    assert more in page
    assert "No decision is pending." in text_at(browser_of(staff("few", "view_event")), "/admin/")
    of_roles = text_at(browser_of(staff("roles", "view_role")), "/admin/")
    assert "Groups without a role (5)" in of_roles
    assert "No decision is pending." not in of_roles


def test_many_decisions_of_one_kind_hide_no_other(as_root: Client, plenty: dict[str, Connection]) -> None:
    acme, now = plenty["acme"], timezone.now()
    SetupProposal.objects.bulk_create(
        SetupProposal(connection=one, kind=Proposed.TOKEN, proposed_by="contact")
        for one in (plenty["beta"], plenty["eta"], plenty["iota"])
    )
    PushGroup.objects.update(created_at=now - timedelta(days=9))
    waiting = as_root.get("/admin/").context["waiting"]
    assert len(waiting) == WAITING_SHOWN
    assert [one.since for one in waiting] == sorted(one.since for one in waiting)
    assert Counter(one.action for one in waiting) == {"Map to a role": 4, "Decide": 1, "Review": 3}
    assert acme.name in {one.detail for one in waiting}


def test_a_bounded_count_of_decisions_is_shown_as_a_lower_bound(as_root: Client, acme: Connection) -> None:
    PushGroup.objects.bulk_create(
        PushGroup(connection=acme, display_name=f"G{n}", name_key=f"g{n}") for n in range(MOST + 1)
    )
    assert f"At least {MOST} things need a decision." in text_at(as_root, "/admin/")


def banners_on(page: str) -> list[str]:
    return re.findall(r'<div class="core-banner \w+"> <p>(.*?)</p>', page)


def test_each_hidden_banner_is_in_the_list_that_home_leads_to(as_root: Client, db: None) -> None:
    names = [f"{letter}corp" for letter in "abcdefgh"]
    for name in names[:BANNERS_SHOWN]:
        give_token(make_connection(name, customer=name), timezone.now() + timedelta(days=5))
    page = text_at(as_root, "/admin/")
    assert len([one for one in banners_on(page) if "corp: The token" in one]) == BANNERS_SHOWN
    assert f'<a href="{LIST}">{BANNERS_SHOWN} connections need a look</a>' in page
    for name in names[BANNERS_SHOWN:]:
        give_token(make_connection(name, customer=name), timezone.now() + timedelta(days=5))
    page = text_at(as_root, "/admin/")
    assert len([one for one in banners_on(page) if "corp: The token" in one]) == BANNERS_SHOWN
    assert f'<a href="{LIST}">8 connections need a look</a>' in page
    listed = text_at(as_root, LIST)
    assert [name for name in names if f">{name}</a>" in listed] == names


def test_trouble_goes_before_attention_in_the_banners_and_in_the_list(
    as_root: Client, plenty: dict[str, Connection]
) -> None:
    trust(plenty["iota"], days=-1)
    of_connections = [one for one in banners_on(text_at(as_root, "/admin/")) if "SAML key" not in one and ": " in one]
    assert sorted(one.partition(":")[0] for one in of_connections) == ["Acme", "Epsilon", "Iota"]
    rows = re.findall(r'<span class="core-chip (\w+)">', text_at(as_root, LIST))
    assert rows[0] == "trouble"
    names = re.findall(r'data-label="Connection"> <span> <a href="[^"]+">([^<]+)</a>', text_at(as_root, LIST))
    assert sorted(names[:3]) == ["Acme", "Epsilon", "Iota"]
    assert len(names) == 8


def test_banners_about_no_connection_are_never_left_out(as_root: Client, root: User, db: None) -> None:
    for name in ("acorp", "bcorp", "ccorp", "dcorp"):
        connection = make_connection(name, customer=name)
        trust(connection, days=-1)
        if name in {"ccorp", "dcorp"}:
            SpKey.objects.create(
                connection=connection, state=KeyState.ACTIVE, certificate=idp_until(5).pem, sealed_key=""
            )
    raise_alarm(root)
    page = text_at(as_root, "/admin/")
    banners = banners_on(page)
    assert len(banners) == 3 + BANNERS_SHOWN
    assert any(one.startswith("There is no break-glass administrator.") for one in banners)
    assert "Passwords for root were refused from many networks within an hour." in banners
    assert "Our SAML keys of 2 connections end soon, or have ended." in banners
    assert f'<a class="core-button" href="{LIST}?kind=key">See the connections</a>' in page
    assert rows_of(as_root, f"{LIST}?kind=key") == 2
    raise_alarm(root)
    page = text_at(as_root, "/admin/")
    shared = "Passwords of administrators were refused from many networks: 2 alarms within 24 hours."
    assert [one for one in banners_on(page) if "networks" in one] == [shared]
    address = re.findall(r'href="([^"]+)">See the events', page)
    assert rows_of(as_root, unescape(address[0])) == 2


@in_one_transaction
def raise_alarm(user: User) -> None:
    reason = "Passwords for root were refused from many networks within an hour."
    events.record(actor=COMMAND, kind=EventKind.PASSWORD_ALARM, subject=user, reason=reason)


def test_the_table_of_connections_and_the_list_agree(as_root: Client, plenty: dict[str, Connection]) -> None:
    states = as_root.get("/admin/").context["connections"]
    needing = {state.connection.name for state in states if state.tone in {"attention", "trouble"}}
    assert needing == {state.connection.name for state in states if state.looks}
    assert {state.connection.slug: state.word for state in states if state.tone == "trouble"} == {
        "acme": "Burst of deactivations",
        "epsilon": "Token ended",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_list_shows_one_kind(kind: str, as_root: Client, plenty: dict[str, Connection]) -> None:
    words = KINDS[kind][0].upper() + KINDS[kind][1:]
    page = text_at(as_root, f"{LIST}?kind={kind}")
    assert set(re.findall(r'<span class="core-chip \w+">([^<]+)</span>', page)) == {words}


def test_the_list_costs_the_same_however_many_connections_need_a_look(
    as_root: Client, plenty: dict[str, Connection]
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            text_at(as_root, LIST)
        return len(queries)

    few = cost()
    for number in range(12):
        give_token(make_connection(f"more-{number}", customer=f"More {number}"), timezone.now() + timedelta(days=5))
    assert cost() == few < 20
    assert rows_of(as_root, LIST) == 7 + 12


def test_the_list_is_filtered_by_connection_and_customer_and_names_the_pages_to_look_at(
    as_root: Client, plenty: dict[str, Connection]
) -> None:
    assert rows_of(as_root, f"{LIST}?connection=beta") == rows_of(as_root, f"{LIST}?customer=Beta") == 1
    page = text_at(as_root, f"{LIST}?customer=Acme")
    for name in ("burst", "locked-out"):
        assert reverse(f"admin:core_identity_connection_{name}", args=[plenty["acme"].pk]) in page
    assert "A message with an unknown certificate was refused" in page
    assert re.search(r"The token entra \d ends in 4 days\. 1 more ends soon\.", text_at(as_root, f"{LIST}?kind=token"))
    for days in (-3, -2):
        give_token(plenty["beta"], timezone.now() + timedelta(days=days, hours=-1))
    page = text_at(as_root, f"{LIST}?kind=token")
    assert re.search(r"The token entra \d ended 3 days ago\. 1 more ended\. 2 more end soon\.", page)
    assert "No sign-in and no SCIM request for 9 days." in text_at(as_root, f"{LIST}?kind=silent")
    assert "No connection needs a look." in text_at(as_root, f"{LIST}?connection=iota")


def test_strangers_cannot_hide_a_banner_by_messages_with_an_unknown_certificate(as_root: Client, db: None) -> None:
    now = timezone.now()
    for name in ("acorp", "bcorp", "ccorp"):
        connection = make_connection(name, customer=name)
        logged(now - timedelta(hours=1), connection)
        logged(now, connection, "signature")
    give_token(make_connection("zcorp", customer="zcorp"), now + timedelta(days=5))
    of_connections = [one for one in banners_on(text_at(as_root, "/admin/")) if "corp: " in one]
    assert of_connections[0].startswith("zcorp: The token")
    assert len(of_connections) == BANNERS_SHOWN

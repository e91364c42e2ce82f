"""The lists over all connections that only read: groups without a role, people known twice, refused people (R29, R31, R37)."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core_identity import errors
from core_identity.models import Connection, Identity, PushGroup
from core_identity.selectors import across, mismatches
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

OF_CONNECTIONS, OF_USERS = "/admin/core_identity/connection/", "/admin/core_identity/user/"
WAITING, UNMAPPED = f"{OF_CONNECTIONS}waiting-groups/", f"{OF_CONNECTIONS}unmapped-groups/"
TWICE, REFUSED = f"{OF_USERS}mismatches/", f"{OF_USERS}refused/"


def text_at(browser: Client, address: str, **query: str) -> str:
    answer = browser.get(address, query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def named(page: str, cell: str) -> list[str]:
    """Return the texts of the links that begin the cells of a column."""
    return re.findall(rf'data-label="{cell}"> (?:<span> )?<a href="[^"]+">([^<]+)</a>', page)


def wait(connection: Connection, *names: str) -> None:
    PushGroup.objects.bulk_create(
        PushGroup(connection=connection, display_name=name, name_key=name.casefold(), member_count=7) for name in names
    )


def enter_in_groups(connection: Connection, number: int, *groups: str) -> None:
    name = f"person{number}@acme.test"
    person = by_sso(JANE, uid=name, name_id=name, email=name)
    sign_in(actor=BROWSER, connection=connection, person=replace(person, groups=groups))


def push_and_sign_in(connection: Connection, number: int) -> None:
    """Send one person by both channels, with two UIDs and one name."""
    name = f"person{number}@acme.test"
    create_person(
        actor=OKTA, connection=connection,
        person=replace(JANE, uid=f"{number}", external_id=name, user_name=name, email=f"pushed{number}@acme.test"),
    )  # fmt: skip
    Identity.objects.create(
        connection=connection, name_id=name, name_id_key=name, email=f"signed{number}@acme.test",
        email_key=f"signed{number}@acme.test",
        user=create_person(
            actor=OKTA, connection=make_connection(f"helper{number}", customer="Helper"),
            person=replace(JANE, uid=f"other{number}", external_id=None, user_name=f"other{number}", email=f"o{number}@acme.test"),
        ).identity.user,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "permissions", "status"),
    [
        (WAITING, ("view_connection",), 200),
        (WAITING, ("view_role",), 200),
        (WAITING, ("view_user", "view_event"), 403),
        (UNMAPPED, ("view_connection",), 200),
        (UNMAPPED, ("view_user", "view_role"), 403),
        (TWICE, ("view_user",), 200),
        (TWICE, ("view_connection", "view_event"), 403),
        (REFUSED, ("view_user", "view_event"), 200),
        (REFUSED, ("view_user",), 403),
        (REFUSED, ("view_event", "view_connection"), 403),
    ],
)
def test_each_list_takes_its_rights_and_changes_nothing(
    address: str, permissions: tuple[str, ...], status: int, db: None
) -> None:
    browser = browser_of(staff("somebody", *permissions))
    assert browser.get(address).status_code == status
    assert browser.post(address).status_code in {403, 405}
    assert (address in browser.get("/admin/").content.decode()) is (status == 200 and address != UNMAPPED)


def test_waiting_groups_of_all_connections_lead_to_a_role_R29(as_root: Client, acme: Connection) -> None:
    globex = make_connection("globex", customer="Globex")
    editors = create_role(actor=ADMIN, name="Editors", grantable_by=[])
    wait(acme, "Editors", "Authors & Co")
    wait(globex, "Readers")
    page = text_at(as_root, WAITING)
    assert named(page, "Group") == ["Editors", "Authors &amp; Co", "Readers"]
    group = PushGroup.objects.get(name_key="editors")
    assert f"{reverse('admin:core_identity_connection_group', args=[acme.pk])}?group={group.pk}" in page
    assert page.count("<small>a role has this name</small>") == 1
    assert named(text_at(as_root, WAITING, customer="globex"), "Group") == ["Readers"]
    assert named(text_at(as_root, WAITING, connection="acme", kind="named"), "Group") == ["Editors"]
    PushGroup.objects.filter(name_key="readers").update(role=editors)
    assert named(text_at(as_root, WAITING, kind="linked"), "Group") == ["Readers"]
    PushGroup.objects.filter(name_key="readers").update(role=None)
    assert named(text_at(as_root, WAITING, kind="unknown"), "Group") == ["Authors &amp; Co", "Readers"]
    assert "No push group was found" in text_at(as_root, WAITING, connection="nowhere")


def test_groups_of_sign_ins_are_counted_for_all_connections_R31(
    as_root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = make_connection(roles_from="sso_groups")
    globex = make_connection("globex", customer="Globex", roles_from="sso_groups")
    silent = make_connection("silent", customer="Silent")
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    for number in range(3):
        enter_in_groups(acme, number, "Editors", "Authors", *(["Readers"] if number else []))
    enter_in_groups(globex, 9, "Editors", "Authors")
    enter_in_groups(silent, 10, "Authors")
    page = text_at(as_root, UNMAPPED)
    assert named(page, "Group") == ["Authors", "Readers", "Authors", "Editors"]
    assert re.findall(r'data-label="People">(\d+)', page) == ["3", "2", "1", "1"]
    assert f"{reverse('admin:core_identity_connection_group', args=[globex.pk])}?name=Editors" in page
    assert named(text_at(as_root, UNMAPPED, connection="globex"), "Group") == ["Authors", "Editors"]
    monkeypatch.setattr(across, "_UNMAPPED", across._UNMAPPED.replace(f"LIMIT {across.SAMPLE}", "LIMIT 1"))
    assert re.findall(r'data-label="People">(\d+)', text_at(as_root, UNMAPPED, connection="acme"))[0] == "1"


def test_people_known_twice_are_listed_for_all_connections_R37(as_root: Client, acme: Connection) -> None:
    globex = make_connection("globex", customer="Globex")
    push_and_sign_in(acme, 1)
    push_and_sign_in(globex, 2)
    page = text_at(as_root, TWICE)
    assert sorted(named(page, "By SCIM")) == ["person1@acme.test", "person2@acme.test"]
    assert "SCIM sends a number" in page or "probable" in page.lower()
    assert reverse("admin:core_identity_connection_mismatches", args=[acme.pk]) in page
    assert named(text_at(as_root, TWICE, customer="Globex"), "By SCIM") == ["person2@acme.test"]
    assert len(named(text_at(as_root, TWICE, kind="0"), "By SCIM")) == 2
    assert "No likely duplicates" in text_at(as_root, TWICE, kind="1")


def test_the_list_finds_the_same_pairs_as_the_page_of_each_connection_R37(acme: Connection) -> None:
    """Each pair of values, and an address that an administrator permitted to share."""
    for pair, (by_sign_in, pushed) in enumerate(mismatches.PAIRS):
        for shared in (False, True):
            number = f"{pair}{shared}".casefold()
            text = f"same{number}@acme.test"
            sso = create_person(
                actor=OKTA, connection=make_connection(f"h{number}", customer=f"Helper {number}"),
                person=replace(JANE, uid=f"u{number}", external_id=None, user_name=f"u{number}", email=f"u{number}@x.test"),
            ).identity.user  # fmt: skip
            type(sso).objects.filter(pk=sso.pk).update(email_shared=shared)
            ours = {"name_id_key": f"n{number}", "email_key": f"e{number}", by_sign_in: text}
            Identity.objects.create(connection=acme, user=sso, **ours)
            theirs: dict[str, Any] = {
                "user_name": f"p{number}",
                "email": f"p{number}@acme.test",
                pushed.removesuffix("_key"): text,
            }
            create_person(
                actor=OKTA, connection=acme, person=replace(JANE, uid=f"s{number}", external_id=number, **theirs)
            )
    everybody = set(mismatches.perhaps_pushed_too(acme))
    assert len(everybody) == 2 * len(mismatches.PAIRS) - 1
    assert set(mismatches.newest_mismatches(None)) == everybody
    assert set(mismatches.newest_mismatches([acme])) == everybody
    assert set(mismatches.newest_mismatches([])) == set()
    of_each = [set(mismatches.newest_mismatches(None, pair)) for pair in range(len(mismatches.PAIRS))]
    assert set().union(*of_each) == everybody
    pairs = {pair.sso: pair.scim for pair in mismatches.mismatches_across(list(everybody))}
    assert pairs == {pair.sso: pair.scim for pair in mismatches.mismatches(acme, list(everybody))}


def test_refused_people_are_named_with_the_sentence_of_the_answer_R9(as_root: Client, acme: Connection) -> None:
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email))
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    with pytest.raises(errors.MayNotSignIn):
        sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    page = text_at(as_root, REFUSED)
    assert named(page, "Who") == [JANE.user_name, "zoë.müller@acme.test"]
    assert "conflict:" not in page
    assert named(text_at(as_root, REFUSED, kind="scim"), "Who") == ["zoë.müller@acme.test"]
    assert "Nothing was refused" in text_at(as_root, REFUSED, connection="nowhere")


@pytest.mark.parametrize("address", [WAITING, UNMAPPED, TWICE, REFUSED])
def test_the_cost_does_not_grow_with_the_list(address: str, as_root: Client) -> None:
    acme = make_connection(roles_from="both")

    def add(number: int) -> None:
        if address == WAITING:
            wait(acme, f"Group {number}")
        elif address == UNMAPPED:
            enter_in_groups(acme, number, f"Group {number}")
        elif address == TWICE:
            push_and_sign_in(acme, number)
        else:
            with pytest.raises(errors.Conflict):
                create_person(
                    actor=OKTA, connection=acme, person=replace(ZOE, external_id=f"z{number}", email=JANE.email)
                )

    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            text_at(as_root, address)
        return len(queries)

    if address == REFUSED:
        create_person(actor=OKTA, connection=acme, person=JANE)
    add(0)
    few = cost()
    for number in range(1, 52):
        add(number)
    assert cost() == few <= 20
    assert "Page 1" in text_at(as_root, address)
    assert "Page 2" in text_at(as_root, address, p="2")


@pytest.mark.parametrize("page_number", ["0", "-1", "x", "²", "99999999999", ""])
def test_a_strange_page_number_shows_a_page(page_number: str, as_root: Client) -> None:
    assert "No push group was found" in text_at(as_root, WAITING, p=page_number)


def hostile() -> dict[str, Any]:
    return {"connection": '"><b onx=1>', "customer": "'\x01{{ 7 }}", "kind": "nothing"}


@pytest.mark.parametrize("address", [WAITING, UNMAPPED, TWICE, REFUSED])
def test_hostile_filters_find_nothing_and_are_escaped(address: str, as_root: Client) -> None:
    assert "<b onx" not in text_at(as_root, address, **hostile())

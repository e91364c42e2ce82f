"""Pages at the end of a long day: with many rows, without rows, and with links to the permitted pages."""

import re
from dataclasses import replace

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core_identity import errors
from core_identity.models import Conflict, Connection, Event, Identity, PushGroup
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import ADMIN, JANE, OKTA, ZOE


def page_of(connection: Connection, what: str) -> str:
    return reverse(f"admin:core_identity_connection_{what}", args=[connection.pk])


def wait_for_a_role(connection: Connection, numbers: range) -> None:
    """Plain rows: how they came is of no interest here."""
    PushGroup.objects.bulk_create(
        PushGroup(connection=connection, display_name=f"Team & {n:03}", name_key=f"team & {n:03}") for n in numbers
    )


@pytest.fixture
def conflict(acme: Connection, jane: Identity) -> Conflict:
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email))
    return Conflict.objects.get()


def test_groups_come_in_pages_whose_cost_does_not_grow_R29(as_root: Client, acme: Connection) -> None:
    def cost(page: str = "1") -> int:
        with CaptureQueriesContext(database) as queries:
            assert as_root.get(page_of(acme, "groups"), {"p": page}).status_code == 200
        return len(queries)

    wait_for_a_role(acme, range(3))
    few = cost()
    wait_for_a_role(acme, range(3, 120))
    assert cost() == cost("2") == few
    shown = [as_root.get(page_of(acme, "groups"), {"p": page}).content.decode().count(">Team &amp;") for page in "1234"]
    assert shown == [30, 30, 30, 30]
    assert "p=2" in as_root.get(page_of(acme, "groups")).content.decode()


def test_a_group_is_found_by_a_part_of_its_name_in_all_pages_of_its_connection(
    as_root: Client, acme: Connection
) -> None:
    wait_for_a_role(acme, range(120))
    assert names_found(as_root, acme, q="TEAM & 11") == {f"Team & 11{n}" for n in range(10)}
    assert names_found(as_root, acme, q=" & 077 ", waiting="") == {"Team & 077"}
    assert names_found(as_root, acme, q="a\0b") == set()
    assert len(names_found(as_root, acme, q="")) == 30
    page = as_root.get(page_of(acme, "groups"), {"q": "team &", "waiting": "", "p": "2"}).content.decode()
    assert 'name="q" value="team &amp;"' in re.sub(r"\s+", " ", page)
    assert "?waiting=1&amp;q=team+%26&amp;p=3" in page
    nothing = as_root.get(page_of(acme, "groups"), {"q": "nobody"}).content.decode()
    assert "No push group has “nobody” in its name." in nothing


def names_found(browser: Client, connection: Connection, **query: str) -> set[str]:
    page = browser.get(page_of(connection, "groups"), query)
    return {group.display_name for group, _ in page.context["pushed_rows"]}


def test_only_waiting_groups_are_listed_where_asked_and_each_leads_to_its_role_R29(
    as_root: Client, acme: Connection
) -> None:
    wait_for_a_role(acme, range(2))
    role = create_role(actor=ADMIN, name="Editors")
    PushGroup.objects.filter(name_key="team & 001").update(role=role)
    everything = as_root.get(page_of(acme, "groups")).content.decode()
    assert reverse("admin:core_identity_role_change", args=[role.pk]) in everything
    waiting = as_root.get(page_of(acme, "groups"), {"waiting": ""}).content.decode()
    assert ("Team &amp; 000" in waiting, "Team &amp; 001" in waiting) == (True, False)
    form = as_root.get(reverse("admin:core_identity_role_add"), {"name": "Team & 000", "grantable_by": str(acme.pk)})
    assert 'value="Team &amp; 000"' in form.content.decode()
    group = PushGroup.objects.get(name_key="team & 000")
    assert f'{page_of(acme, "group")}?group={group.pk}"' in waiting


def test_without_permission_to_add_roles_there_is_no_link_to_add_one(acme: Connection) -> None:
    wait_for_a_role(acme, range(1))
    page = browser_of(staff("reader", "view_connection")).get(page_of(acme, "groups")).content.decode()
    assert "gives no role yet" in page
    assert "role/add/" not in page


@pytest.mark.parametrize(
    ("page", "query", "words"),
    [
        ("groups", {}, "Nothing was pushed yet."),
        ("groups", {"waiting": ""}, "There is no push group without a role."),
        ("drift", {}, "There is no drift"),
        ("mismatches", {}, "No likely duplicates."),
    ],
)
def test_a_page_with_nothing_on_it_says_so(
    page: str, query: dict[str, str], words: str, as_root: Client, acme: Connection
) -> None:
    assert words in as_root.get(page_of(acme, page), query).content.decode()


def test_accepting_a_value_is_offered_only_with_permission_R18(acme: Connection, jane: Identity) -> None:
    put(jane, replace(JANE, family_name="Roe"))
    reader = browser_of(staff("reader", "view_connection", "view_user"))
    writer = browser_of(staff("writer", "view_connection", "change_user"))
    pages = [browser.get(page_of(acme, "drift")).content.decode() for browser in (reader, writer)]
    assert ["Roe" in page for page in pages] == [True, True]
    assert ["Accept</a>" in page for page in pages] == [False, True]


def test_home_counts_waiting_groups_and_leads_to_them_R29(as_root: Client, acme: Connection) -> None:
    wait_for_a_role(acme, range(12))
    front = as_root.get("/admin/").content.decode()
    assert "12 things" in front
    group = PushGroup.objects.get(name_key="team & 000")
    assert f'<a href="{page_of(acme, "group")}?group={group.pk}">Team &amp; 000</a>' in front
    few = browser_of(staff("few", "view_role")).get("/admin/").content.decode()
    assert "12 things" in few
    assert page_of(acme, "group") not in few


def test_a_story_has_no_link_that_its_reader_may_not_follow_R36(jane: Identity, conflict: Conflict) -> None:
    page = reverse("admin:core_identity_user_change", args=[jane.user_id])
    links = ("core_identity/connection/", "core_identity/conflict/", "core_identity/event/")
    reader = browser_of(staff("reader", "view_user")).get(page).content.decode()
    assert [link in reader for link in links] == [False, False, False]
    assert "zoë" in reader
    assert "historylink" not in reader  # it leads to the events
    more = browser_of(staff("more", "view_user", "view_connection", "view_conflict", "view_event"))
    assert [link in more.get(page).content.decode() for link in links] == [True, True, True]
    assert "historylink" in more.get(page).content.decode()


def test_conflict_event_connection_and_user_lead_to_each_other(as_root: Client, conflict: Conflict) -> None:
    page = reverse("admin:core_identity_conflict_change", args=[conflict.pk])
    text = as_root.get(page).content.decode()
    for there, pk in (("connection", conflict.connection_id), ("user", conflict.other_id)):
        assert reverse(f"admin:core_identity_{there}_change", args=[pk]) in text
    refused = Event.objects.get(kind="scim.refused")
    event = as_root.get(reverse("admin:core_identity_event_change", args=[refused.pk])).content.decode()
    assert page in event
    assert reverse("admin:core_identity_connection_change", args=[conflict.connection_id]) in event


def test_tasks_without_an_action_have_no_button(as_root: Client, root: object) -> None:
    page = as_root.get(reverse("admin:core_identity_user_uids", args=[root.pk])).content.decode()  # type: ignore[attr-defined]
    assert "This person has no identity at an identity provider" in page
    assert 'name="reason"' not in page

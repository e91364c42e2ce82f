"""Events are read, filtered and found by their reference; nobody changes them, superusers neither (R34)."""

import csv
import io
import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from core_identity.models import Connection, Event, Identity
from core_identity.services.roles import create_role, delete_role
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, JANE

LIST = "/admin/core_identity/event/"


def found(browser: Client, **query: Any) -> set[str]:
    return {event.kind for event in browser.get(LIST, query).context["cl"].result_list}


def test_events_are_found_by_reference_and_by_subject(as_root: Client, jane: Identity) -> None:
    create_role(actor=ADMIN, name="Editors")
    assert found(as_root, q="reqscim") == {"user.created", "identity.created", "identity.uid_set"}
    assert found(as_root, q="editors") == {"role.created"}
    assert found(as_root, q="jane.doe") >= {"user.created", "identity.uid_set"}, "by any key of the person"
    assert found(as_root, q="nothing") == set()


def test_the_events_of_a_deleted_role_are_found_by_its_name(as_root: Client) -> None:
    role = create_role(actor=ADMIN, name="Editors")
    delete_role(actor=ADMIN, role_id=role.pk)
    assert found(as_root, q="editors") == {"role.created", "role.deleted"}


def test_an_event_is_listed_in_words_with_its_person_R34(as_root: Client, jane: Identity) -> None:
    page = as_root.get(LIST, {"kind": "user.created"}).content.decode()
    assert "A user was created." in page
    assert f'<a href="/admin/core_identity/user/{jane.user_id}/change/">' in page


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({"channel": "scim"}, {"user.created", "identity.created", "identity.uid_set"}),
        ({"about": "roles"}, {"role.created"}),
        ({"about": "connections", "channel": "admin"}, {"customer.created", "connection.created"}),
        ({"connection": "acme", "about": "people"}, {"user.created", "identity.created", "identity.uid_set"}),
        ({"connection": "elsewhere"}, set()),
        ({"kind": "role.created"}, {"role.created"}),
    ],
)
def test_events_are_filtered(query: dict[str, str], kinds: set[str], as_desk: Client, jane: Identity) -> None:
    create_role(actor=ADMIN, name="Editors")
    browser = browser_of(staff("auditor", "view_event"))
    assert found(browser, **query) - {"grant.added"} == kinds


def test_the_last_filter_is_titled_time(as_root: Client, acme: Connection) -> None:
    page = as_root.get(LIST)
    assert [one.title for one in page.context["cl"].filter_specs][-1] == "time"


def test_the_detail_shows_what_changed_from_what_to_what(as_root: Client, jane: Identity) -> None:
    event = Event.objects.get(kind="user.created", user_id=jane.user_id)
    page = as_root.get(f"{LIST}{event.pk}/change/").content.decode()
    assert f"<tr><td>username</td><td>–</td><td>{JANE.user_name}</td></tr>" in page
    assert "REQSCIM" in page
    assert f"/admin/core_identity/user/{jane.user_id}/change/" in page


def test_nobody_adds_changes_or_deletes_an_event(as_root: Client, acme: Connection) -> None:
    event = Event.objects.filter(subject_id=acme.pk).get()
    assert as_root.post(f"{LIST}add/", {"kind": "made.up"}).status_code == 403
    assert as_root.post(f"{LIST}{event.pk}/change/", {"kind": "made.up"}).status_code == 403
    assert as_root.post(f"{LIST}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "_save" not in as_root.get(f"{LIST}{event.pk}/change/").content.decode()


@pytest.mark.parametrize("way", ["csv", "jsonl"])
def test_the_shown_list_is_exported_as_a_stream_R34(way: str, jane: Identity) -> None:
    for number in range(120):
        create_role(actor=ADMIN, name=f"Part {number:03}")
    browser = browser_of(staff("auditor", "view_event"))
    page = browser.get(LIST, {"about": "roles", "q": "part 01", "o": "-1"}).content.decode()
    (address,) = re.findall(rf'href="({LIST}export.{way}[^"]*)"', page)
    answer = browser.get(unescape(address))
    assert answer.status_code == 200
    assert answer.streaming
    assert re.fullmatch(rf'attachment; filename="events-\d+-\d+\.{way}"', answer["Content-Disposition"])
    export = answer.getvalue().decode()
    listed = Event.objects.filter(kind__startswith="role.", subject__istartswith="part 01").order_by("pk")
    rows = (
        list(csv.DictReader(io.StringIO(export, newline="")))
        if way == "csv"
        else [json.loads(one) for one in export.splitlines()]
    )
    assert [row["uuid"] for row in rows] == [str(event.uuid) for event in listed]
    assert len(rows) == 10


def test_an_export_of_the_list_has_the_person_of_the_list_R34(as_root: Client, jane: Identity) -> None:
    query = {"kind": "user.created", "user_id": str(jane.user_id)}
    export = as_root.get(f"{LIST}export.jsonl", query).getvalue().decode()
    (listed,) = as_root.get(LIST, query).context["cl"].result_list
    assert json.loads(export)["person"] == listed.person == jane.user.username


def test_events_are_exported_only_to_people_who_may_see_them_R34(as_desk: Client, jane: Identity) -> None:
    assert as_desk.get(f"{LIST}export.csv").status_code == 403
    assert browser_of(jane.user).get(f"{LIST}export.csv").status_code == 302
    assert as_desk.post(f"{LIST}export.csv").status_code == 405


def test_an_invalid_filter_leads_back_to_the_list(as_root: Client) -> None:
    assert as_root.get(f"{LIST}export.csv", {"nonsense": "1"})["Location"] == LIST


def test_the_list_costs_the_same_for_few_and_many(as_root: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        create_role(actor=ADMIN, name=f"Role {number}")
    with django_assert_max_num_queries(8):
        as_root.get(LIST)

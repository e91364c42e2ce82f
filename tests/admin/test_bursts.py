"""R22a in the administration: the alarm, the preview, the two answers, and who may give them."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from core_identity.models import Connection, Event, Identity, User
from core_identity.selectors.bursts import open_bursts
from core_identity.services.push.provisioning import create_person
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import JANE, OKTA


@pytest.fixture
def gone(acme: Connection) -> list[Identity]:
    """Six of six, deactivated at once."""
    people = []
    for number in range(6):
        name = f"person{number}@acme.test"
        person = replace(JANE, uid=name, external_id=name, user_name=name, email=name)
        people.append(create_person(actor=OKTA, connection=acme, person=person).identity)
    for identity in people:
        put(identity, replace(JANE, uid=None, external_id=None, user_name=None, email=None, active=False))
    return people


def call_active(*identities: Identity) -> None:
    for identity in identities:
        put(identity, replace(JANE, uid=None, external_id=None, user_name=None, email=None, active=True))


def expired() -> int:
    return User.objects.filter(expired_at__isnull=False).count()


def page_of(connection: Connection) -> str:
    return reverse("admin:core_identity_connection_burst", args=[connection.pk])


def shown(browser: Client, connection: Connection) -> str:
    return str(browser.get(page_of(connection)).context["form"].preview_digest)


def test_a_burst_is_on_home_and_on_the_page_of_its_connection_R22a(
    as_root: Client, acme: Connection, gone: list[Identity]
) -> None:
    pages = [reverse(f"admin:core_identity_connection_{name}", args=[acme.pk]) for name in ("change", "overview")]
    for address in ("/admin/", *pages):
        assert page_of(acme) in as_root.get(address).content.decode()


def test_the_page_lists_the_users_to_unexpire_and_one_act_unexpires_them_R22a(
    as_root: Client, acme: Connection, gone: list[Identity]
) -> None:
    call_active(*gone[:4])
    page = as_root.get(page_of(acme)).content.decode()
    assert "Active again at the identity provider: can be unexpired: 4" in page
    assert "stay expired: 2" in page
    assert "unexpire the 4 people reactivated by the identity provider" in page
    decided = {"how": "unexpire", "reason": "a wrong filter", "shown": shown(as_root, acme)}
    as_root.post(page_of(acme), decided)
    assert expired() == 2
    assert set(Event.objects.filter(kind="user.unexpired").values_list("actor", "reason")) == {
        ("root", "a wrong filter")
    }


def test_a_user_who_was_not_shown_stays_expired_R22a(as_root: Client, acme: Connection, gone: list[Identity]) -> None:
    call_active(gone[0])
    digest = shown(as_root, acme)
    call_active(gone[1])
    answer = as_root.post(page_of(acme), {"how": "unexpire", "reason": "x", "shown": digest})
    assert "changed while this page was open" in answer.content.decode()
    assert expired() == 6


def test_a_settled_burst_leaves_the_pages_and_everybody_stays_expired_R22a(
    as_root: Client, acme: Connection, gone: list[Identity]
) -> None:
    as_root.post(page_of(acme), {"how": "settle", "reason": "the press office closed"})
    assert (open_bursts().exists(), expired()) == (False, 6)
    assert "Bursts of deactivations" not in as_root.get("/admin/").content.decode()
    assert "There is no burst" in as_root.get(page_of(acme), follow=True).content.decode()
    assert Event.objects.get(kind="connection.burst_settled").reason == "the press office closed"


def test_a_reason_is_asked_R22a(as_root: Client, acme: Connection, gone: list[Identity]) -> None:
    answer = as_root.post(page_of(acme), {"how": "settle", "reason": " "})
    assert "This field is required" in answer.content.decode()
    assert open_bursts().exists()


@pytest.mark.parametrize("permissions", [("change_connection",), ("change_user",), ("view_connection", "view_user")])
def test_settling_a_burst_needs_permission_to_change_connections_and_people_R22a(
    permissions: tuple[str, ...], acme: Connection, gone: list[Identity]
) -> None:
    browser = browser_of(staff("few", *permissions))
    assert "Bursts of deactivations" not in browser.get("/admin/").content.decode()
    assert browser.get(page_of(acme)).status_code == 403
    assert browser.post(page_of(acme), {"how": "settle", "reason": "x"}).status_code == 403
    assert open_bursts().exists()

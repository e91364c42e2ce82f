"""Expire and unexpire as an administrator does it (R24), and who may."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from core_identity.models import Connection, Event, Identity, User
from core_identity.selectors.roles import roles_of
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import create_user
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE

LIST = "/admin/core_identity/user/"
JANES, ZOES = "jane.doe@acme.test", "zoë.müller@acme.test"
EXPIRE, UNEXPIRE = f"{LIST}expire/", f"{LIST}unexpire/"


@pytest.fixture
def zoe(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=ZOE).identity


@pytest.fixture
def expired(jane: Identity) -> Identity:
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    return Identity.objects.get(pk=jane.pk)


def expired_users() -> set[str]:
    return set(User.objects.filter(expired_at__isnull=False).values_list("username", flat=True))


def choose(browser: Client, action: str, users: Iterable[User]) -> str:
    chosen = {"action": action, "_selected_action": [str(user.pk) for user in users]}
    return browser.post(LIST, chosen, follow=True).content.decode()


def test_many_are_expired_from_the_list_with_a_reason(
    as_desk: Client, desk: User, jane: Identity, zoe: Identity
) -> None:
    page = choose(as_desk, "expire_chosen", [jane.user, zoe.user])
    assert JANES in page
    assert ZOES in page
    assert expired_users() == set()
    people = [str(jane.user_id), str(zoe.user_id)]
    answer = as_desk.post(EXPIRE, {"user": people, "reason": "ticket 4711"})
    assert answer["Location"] == LIST
    assert expired_users() == {JANES, ZOES}
    events = Event.objects.filter(kind="user.expired")
    assert {(event.actor, event.actor_id, event.channel, event.reason) for event in events} == {
        ("desk", str(desk.pk), "admin", "ticket 4711")
    }
    assert {event.request_id for event in events} == {answer["X-Request-Id"]}


def test_one_is_expired_from_the_page_of_the_user(as_desk: Client, jane: Identity) -> None:
    own = reverse("admin:core_identity_user_change", args=[jane.user_id])
    assert f"{EXPIRE}?user={jane.user_id}" in as_desk.get(own).content.decode()
    assert JANES in as_desk.get(EXPIRE, {"user": str(jane.user_id)}).content.decode()
    answer = as_desk.post(EXPIRE, {"user": str(jane.user_id), "reason": "left"}, follow=True)
    assert answer.redirect_chain == [(own, 302)]
    assert f"{UNEXPIRE}?user={jane.user_id}" in answer.content.decode()
    assert "Reason: left" in answer.content.decode()


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_missing_reason_is_refused(reason: str, as_desk: Client, jane: Identity) -> None:
    answer = as_desk.post(EXPIRE, {"user": str(jane.user_id), "reason": reason})
    assert "This field is required" in answer.content.decode()
    assert expired_users() == set()


def test_a_view_only_administrator_cannot_expire(jane: Identity) -> None:
    browser = browser_of(staff("reader", "view_user"))
    assert "Expire…" not in browser.get(LIST).content.decode()
    choose(browser, "expire_chosen", [jane.user])
    assert browser.get(EXPIRE, {"user": str(jane.user_id)}).status_code == 403
    assert browser.post(EXPIRE, {"user": str(jane.user_id), "reason": "x"}).status_code == 403
    assert "user/expire" not in browser.get(f"{LIST}{jane.user_id}/change/").content.decode()
    assert expired_users() == set()


def test_a_post_from_another_site_does_nothing(desk: User, jane: Identity) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    browser.force_login(desk)
    assert browser.post(EXPIRE, {"user": str(jane.user_id), "reason": "x"}).status_code == 403
    assert expired_users() == set()


def test_only_a_superuser_expires_staff_superusers_and_holders_of_protected_roles(
    as_desk: Client, as_root: Client, root: User, jane: Identity, zoe: Identity
) -> None:
    auditor = create_user(actor=COMMAND, username="auditor", is_staff=True)
    vault = create_role(actor=COMMAND, name="Vault", marked_protected=True)
    grant_role(actor=COMMAND, user_id=zoe.user_id, role_id=vault.pk, reason="covers for Sam")
    for user in (root, auditor, zoe.user):
        people = [str(jane.user_id), str(user.pk)]
        answer = as_desk.post(EXPIRE, {"user": people, "reason": "x"}, follow=True)
        assert "Only a superuser may expire" in answer.content.decode()
        assert "Only a superuser may expire" in choose(as_desk, "expire_chosen", [user])
    assert expired_users() == set()
    as_root.post(EXPIRE, {"user": [str(auditor.pk), str(zoe.user_id)], "reason": "x"})
    assert expired_users() == {"auditor", ZOES}
    assert "Only a superuser may unexpire" in choose(as_desk, "unexpire_chosen", [auditor])


def test_nobody_expires_themself(as_root: Client, root: User) -> None:
    page = as_root.post(EXPIRE, {"user": str(root.pk), "reason": "x"}, follow=True).content.decode()
    assert "You cannot expire yourself" in page
    assert expired_users() == set()


@pytest.mark.parametrize("chosen", ["", "no-id", "00000000-0000-4000-8000-000000000000"])
def test_an_empty_choice_is_reported_and_harmless(chosen: str, as_desk: Client) -> None:
    page = as_desk.get(EXPIRE, {"user": chosen}, follow=True)
    assert "You cannot expire any of the selected people" in page.content.decode()


def test_the_unexpire_page_shows_what_changed_and_which_roles_come_back(as_desk: Client, expired: Identity) -> None:
    editors = create_role(actor=ADMIN, name="Editors")
    grant_role(actor=ADMIN, user_id=expired.user_id, role_id=editors.pk, reason="covers for Sam")
    renamed = replace(JANE, user_name="jane.roe@acme.test", active=None)
    put(expired, renamed)
    page = as_desk.get(UNEXPIRE, {"user": str(expired.user_id)}).content.decode()
    assert "jane.roe@acme.test" in page
    assert "<strong>Editors</strong>" in page
    assert "boss" in page
    assert "left" in page
    assert "This is another person" in page


@pytest.mark.parametrize(("how", "roles"), [("with_roles", ["Editors"]), ("without_roles", [])])
def test_unexpiring_gives_the_roles_back_only_if_asked(
    how: str, roles: list[str], as_desk: Client, expired: Identity
) -> None:
    editors = create_role(actor=ADMIN, name="Editors")
    grant_role(actor=ADMIN, user_id=expired.user_id, role_id=editors.pk, reason="covers for Sam")
    as_desk.post(UNEXPIRE, {"user": str(expired.user_id), "how": how, "reason": "came back"})
    user = User.objects.get(pk=expired.user_id)
    assert user.expired_at is None
    assert [grant.name for grant in roles_of(user)] == roles
    event = Event.objects.get(kind="user.unexpired")
    assert (event.actor, event.reason) == ("desk", "came back")


def test_this_is_another_person_gives_the_identity_a_user_of_its_own(as_desk: Client, expired: Identity) -> None:
    as_desk.post(UNEXPIRE, {"user": str(expired.user_id), "how": str(expired.pk), "reason": "a namesake"})
    identity = Identity.objects.select_related("user").get(pk=expired.pk)
    assert identity.user_id != expired.user_id
    assert identity.user.expired_at is None
    assert expired_users() == {JANES}


def test_this_is_another_person_is_offered_for_one_user_only(as_desk: Client, expired: Identity, zoe: Identity) -> None:
    expire(actor=ADMIN, user_id=zoe.user_id, reason="left")
    both = {"user": [str(expired.user_id), str(zoe.user_id)]}
    assert "This is another person" not in as_desk.get(UNEXPIRE, both).content.decode()
    as_desk.post(UNEXPIRE, {**both, "how": str(expired.pk), "reason": "x"})
    assert len(expired_users()) == 2


def test_the_identity_of_another_user_cannot_be_chosen(as_desk: Client, expired: Identity, zoe: Identity) -> None:
    expire(actor=ADMIN, user_id=zoe.user_id, reason="left")
    as_desk.post(UNEXPIRE, {"user": str(expired.user_id), "how": str(zoe.pk), "reason": "x"})
    assert Identity.objects.get(pk=zoe.pk).user_id == zoe.user_id

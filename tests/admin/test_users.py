"""People: found by every name they have, created beforehand, changed by services only, and shown with all their history (R36)."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core_identity.models import Connection, Event, Grant, Identity, Role, User
from core_identity.services.expiry import expire
from core_identity.services.groups import create_group
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import create_user
from core_identity.values import GroupChange
from tests.admin.conftest import browser_of, confirmed, put, staff
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, make_connection

LIST = "/admin/core_identity/user/"
PASSWORD = "correct horse battery staple"


def page_of(user: User, name: str = "change") -> str:
    return f"{LIST}{user.pk}/{name}/"


def people(connection: Connection, count: int, start: int = 0) -> list[Identity]:
    identities = []
    for number in range(start, start + count):
        name = f"p{number}@acme.test"
        person = replace(JANE, uid=f"p.{number}", external_id=f"00u{number}", user_name=name, email=name)
        identities.append(create_person(actor=OKTA, connection=connection, person=person).identity)
    return identities


def queries(browser: Client, path: str, **query: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path, query).status_code == 200
    return len(captured)


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    fields = ("email", "first_name", "last_name", "title", "company", "department")
    return {**{field: getattr(user, field) for field in fields}, **changes}


# The list


@pytest.mark.parametrize(
    "term", ["JANE.doe", "jane.doe@acme.test", "jane.roe@acme.test", "  00u1jane ", "jane doe", "former.uid"]
)
def test_a_person_is_found_by_every_name(term: str, as_root: Client, jane: Identity) -> None:
    create_person(actor=OKTA, connection=jane.connection, person=ZOE)
    before = replace(JANE, uid="former.uid", user_name="jane.roe@acme.test")
    for person in (before, replace(before, uid="jane.doe")):
        put(jane, person)
    listed = as_root.get(LIST, {"q": term}).content.decode()
    assert str(jane.user_id) in listed
    assert "zoë" not in listed


def test_a_person_is_found_by_id(as_root: Client, jane: Identity) -> None:
    for term in (str(jane.user_id), str(jane.scim_id)):
        assert page_of(jane.user) in as_root.get(LIST, {"q": term}).content.decode()


def test_names_are_compared_as_everywhere_R5(as_root: Client, acme: Connection) -> None:
    create_person(actor=OKTA, connection=acme, person=ZOE)
    assert "zoë.müller@acme.test" in as_root.get(LIST, {"q": "ZOE\u0308.MU\u0308LLER"}).content.decode()


def test_the_list_costs_the_same_for_five_and_for_twenty_five(as_root: Client, acme: Connection) -> None:
    people(acme, 5)
    few = queries(as_root, LIST)
    searched = queries(as_root, LIST, q="acme")
    people(acme, 20, start=5)
    assert queries(as_root, LIST) == few
    assert queries(as_root, LIST, q="acme") == searched


def test_the_filters_tell_the_states_apart(as_root: Client, acme: Connection) -> None:
    active, _, expired, requested = people(acme, 4)
    off = replace(ZOE, active=False)
    inactive = create_person(actor=OKTA, connection=acme, person=off).identity
    for identity in (expired, requested):
        expire(actor=ADMIN, user_id=identity.user_id, reason="left")
    for is_active in (False, True):
        put(requested, replace(JANE, uid=None, external_id=None, user_name=None, email=None, active=is_active))

    def listed(status: str) -> set[str]:
        rows = as_root.get(LIST, {"status": status}).context["cl"].result_list
        return {user.username for user in rows}

    assert listed("expired") == {expired.user.username, requested.user.username}
    assert listed("requested") == {requested.user.username}
    assert listed("inactive") == {inactive.user.username}
    assert {active.user.username, "root"} <= listed("active")
    assert len(as_root.get(LIST, {"connection": "acme"}).context["cl"].result_list) == 5


# The page of a user


def test_the_page_is_the_whole_story_R36(as_root: Client, acme: Connection, jane: Identity) -> None:
    editors = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    create_role(actor=COMMAND, name="Vault", grantable_by=[acme], marked_protected=True)
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=editors.pk, reason="covers for Sam")
    for name in ("Editors", "Vault", "Interns"):
        create_group(
            actor=OKTA, connection=acme, change=GroupChange(display_name=name, members=frozenset({jane.scim_id}))
        )
    person = replace(JANE, uid="jane.roe", email="jane.roe@acme.test", title="Chief")
    put(jane, person)
    page = " ".join(as_root.get(page_of(jane.user)).content.decode().split())
    for text in (
        "jane.roe",
        "jane.doe</span> (former, still finds this person)",
        "00u1jane",
        str(jane.scim_id),
        "<strong>jane.roe@acme.test</strong>",
        "given by boss",
        "Reason: covers for Sam",
        "push group Editors of Acme",
        "no effect: only an administrator can give a protected role",
        "Interns: gives no role yet",
        "The UID of an identity was set.",
        "The push group Editors of Acme gave the role Editors.",
    ):
        assert text in page


def test_the_page_costs_the_same_for_little_and_for_much(as_root: Client, acme: Connection) -> None:
    little, much = people(acme, 2)
    for number in range(8):
        create_role(actor=ADMIN, name=f"Role {number}", grantable_by=[acme])
        create_group(
            actor=OKTA,
            connection=acme,
            change=GroupChange(display_name=f"Role {number}", members=frozenset({much.scim_id})),
        )
    for number in range(4):
        person = replace(JANE, uid=f"much.{number}", external_id="00u1", user_name="p1@acme.test", email="x@acme.test")
        put(much, person)
    for identity in (little, much):
        expire(actor=ADMIN, user_id=identity.user_id, reason="left")
    assert queries(as_root, page_of(little.user)) == queries(as_root, page_of(much.user))


def test_a_name_of_a_person_cannot_become_html(as_root: Client, acme: Connection) -> None:
    nasty = replace(ZOE, given_name="<script>alert(1)</script>", title="<b>boss</b>")
    identity = create_person(actor=OKTA, connection=acme, person=nasty).identity
    for path in (page_of(identity.user), LIST, "/admin/core_identity/event/"):
        page = as_root.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<b>boss" not in page


# Making and changing


def test_a_user_is_made_beforehand(as_root: Client, acme: Connection) -> None:
    form_data = {"username": "new.hire", "email": "new@acme.test", "customer": str(acme.customer_id)}
    answer = as_root.post(f"{LIST}add/", form_data)
    user = User.objects.get(username="new.hire")
    assert (user.customer, user.email, user.has_usable_password()) == (acme.customer, "new@acme.test", False)
    event = Event.objects.get(kind="user.created", user_id=user.pk)
    assert (event.actor, event.request_id) == ("root", answer["X-Request-Id"])


def test_a_taken_username_is_an_error_of_the_form(as_root: Client, jane: Identity) -> None:
    answer = as_root.post(f"{LIST}add/", {"username": "JANE.doe@acme.test"})
    assert "is taken" in answer.content.decode()
    assert User.objects.filter(username="JANE.doe@acme.test").count() == 0


def test_a_weak_password_is_an_error_of_the_form(as_root: Client) -> None:
    answer = as_root.post(f"{LIST}add/", {"username": "weak", "password": "short"})
    assert "too short" in answer.content.decode()
    assert not User.objects.filter(username="weak").exists()


def test_a_change_goes_through_the_service_with_an_event(as_root: Client, jane: Identity) -> None:
    answer = as_root.post(page_of(jane.user), form_of(jane.user, email="jane@new.test", department="Sales"))
    user = User.objects.get(pk=jane.user_id)
    assert (user.email, user.email_key, user.department) == ("jane@new.test", "jane@new.test", "Sales")
    event = Event.objects.get(kind="user.changed")
    assert event.changes == {"email": ["jane.doe@acme.test", "jane@new.test"], "department": ["Press", "Sales"]}
    assert event.request_id == answer["X-Request-Id"]


def test_an_address_that_another_has_is_an_error_of_the_form(as_root: Client, acme: Connection) -> None:
    one, other = people(acme, 2)
    answer = as_root.post(page_of(one.user), form_of(one.user, email=other.user.email))
    assert "has the email address" in answer.content.decode()
    assert User.objects.get(pk=one.user_id).email == one.user.email


def test_username_and_customer_stay_R8(as_root: Client, jane: Identity) -> None:
    other = make_connection("other", customer="Other")
    as_root.post(page_of(jane.user), form_of(jane.user, username="boss", customer=str(other.customer_id)))
    user = User.objects.get(pk=jane.user_id)
    assert (user.username, user.customer_id) == (JANE.user_name, jane.connection.customer_id)


def test_only_a_superuser_makes_somebody_staff(as_root: Client, as_desk: Client, desk: User, jane: Identity) -> None:
    raised = {"is_staff": "on", "is_superuser": "on"}
    as_desk.post(page_of(jane.user), form_of(jane.user, **raised))
    assert as_desk.post(page_of(desk), form_of(desk, **raised)).status_code == 403
    browser = browser_of(staff("maker", "add_user", "view_user"))
    browser.post(f"{LIST}add/", {"username": "mole", **raised})
    assert User.objects.filter(username="mole", is_staff=False).exists()
    assert not User.objects.filter(is_superuser=True).exclude(username="root").exists()
    as_root.post(page_of(jane.user), form_of(jane.user, is_staff="on"))
    assert User.objects.get(pk=jane.user_id).is_staff


def test_permission_to_change_people_does_not_include_superusers(as_desk: Client, root: User) -> None:
    assert as_desk.get(page_of(root)).status_code == 200
    assert as_desk.post(page_of(root), form_of(root, email="mine@evil.test")).status_code == 403
    for page in ("roles", "password"):
        assert as_desk.post(page_of(root, page), {"password": PASSWORD, "again": PASSWORD}).status_code == 403
    assert User.objects.get(pk=root.pk).email == ""


# Roles by hand


def test_roles_are_given_and_taken_by_hand(as_desk: Client, jane: Identity) -> None:
    editors, viewers = (create_role(actor=ADMIN, name=name) for name in ("Editors", "Viewers"))
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=viewers.pk, reason="covers for Sam")
    chosen = {"roles": [str(editors.pk)], "reason": "covers for Sam"}
    page = as_desk.post(page_of(jane.user, "roles"), chosen)
    as_desk.post(page_of(jane.user, "roles"), {**chosen, "confirm_ended": confirmed(page)})
    assert set(Grant.objects.filter(user=jane.user).values_list("role__name", flat=True)) == {"Editors"}
    events = Event.objects.filter(actor="desk", user_id=jane.user_id).values_list("kind", "reason")
    assert sorted(events) == [("grant.added", "covers for Sam"), ("grant.removed", "covers for Sam")]


def test_a_grant_by_a_channel_survives_a_revocation_by_hand_R32(
    as_desk: Client, acme: Connection, jane: Identity
) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    change = GroupChange(display_name="Editors", members=frozenset({jane.scim_id}))
    create_group(actor=OKTA, connection=acme, change=change)
    as_desk.post(page_of(jane.user, "roles"), {"roles": [], "reason": "covers for Sam"})
    assert Grant.objects.filter(user=jane.user, role__name="Editors").exists()


def test_only_a_superuser_gives_protected_roles(as_desk: Client, as_root: Client, jane: Identity) -> None:
    vault = create_role(actor=COMMAND, name="Vault", marked_protected=True)
    desk_role = Role.objects.get(name="Role of desk")
    for role in (vault, desk_role):
        assert role.name not in as_desk.get(page_of(jane.user, "roles")).content.decode()
        as_desk.post(page_of(jane.user, "roles"), {"roles": [str(role.pk)], "reason": "covers for Sam"})
    assert not Grant.objects.filter(user=jane.user).exists()
    as_root.post(page_of(jane.user, "roles"), {"roles": [str(vault.pk)], "reason": "covers for Sam"})
    assert Grant.objects.filter(user=jane.user, role=vault).exists()


# Passwords


def test_a_password_is_set_by_the_service(as_root: Client, db: None) -> None:
    user = create_user(actor=COMMAND, username="second", is_staff=True)
    assert "too short" in as_root.post(page_of(user, "password"), {"password": "x", "again": "x"}).content.decode()
    differ = as_root.post(page_of(user, "password"), {"password": PASSWORD, "again": "x"})
    assert "differ" in differ.content.decode()
    as_root.post(page_of(user, "password"), {"password": PASSWORD, "again": PASSWORD})
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    (event,) = Event.objects.filter(kind="user.password_set", user_id=user.pk)
    assert PASSWORD not in str(event.changes)


def test_a_user_with_an_identity_gets_no_password(as_root: Client, jane: Identity) -> None:
    assert "/password/" not in as_root.get(page_of(jane.user)).content.decode()
    answer = as_root.post(page_of(jane.user, "password"), {"password": PASSWORD, "again": PASSWORD})
    assert "needs no password" in answer.content.decode()
    assert not User.objects.get(pk=jane.user_id).has_usable_password()


def test_one_s_own_password_leaves_an_event_and_keeps_the_session(db: None) -> None:
    user = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True, password=PASSWORD)
    browser = browser_of(user)
    new = "another horse battery staple"
    form_data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert browser.get("/admin/password_change/").status_code == 200
    assert browser.post("/admin/password_change/", form_data, follow=True).status_code == 200
    assert User.objects.get(pk=user.pk).check_password(new)
    assert Event.objects.filter(kind="user.password_set", actor="root").exists()
    assert browser.get("/admin/").status_code == 200
    assert browser.get(page_of(user, "password"))["Location"] == "/admin/password_change/"

"""R18 in the administration: a connection's drift as a list, a user's as tick boxes."""

from dataclasses import replace

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core_identity.models import Connection, Event, Identity, User
from core_identity.services.push.provisioning import create_person
from core_identity.services.users import change_user
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, make_connection

ROE = replace(JANE, family_name="Roe", email="jane.roe@acme.test", user_name="jane.roe@acme.test")


@pytest.fixture
def roe(jane: Identity) -> Identity:
    put(jane, ROE)
    return Identity.objects.get(pk=jane.pk)


def listed(connection: Connection) -> str:
    return reverse("admin:core_identity_connection_drift", args=[connection.pk])


def ticks_of(user: User) -> str:
    return reverse("admin:core_identity_user_drift", args=[user.pk])


def choice(browser: Client, user: User, field: str) -> str:
    form = browser.get(ticks_of(user)).context["form"]
    return next(str(name) for name, one in form.drift.items() if one.field == field)


def test_a_connection_lists_its_drift_with_a_button_each_R18(as_root: Client, acme: Connection, roe: Identity) -> None:
    groups_page = as_root.get(reverse("admin:core_identity_connection_groups", args=[acme.pk]))
    assert listed(acme) in groups_page.content.decode()
    page = as_root.get(listed(acme)).content.decode()
    assert page.count(">Accept</a>") == 3
    for word in ("1 person", "jane.roe@acme.test", "jane.doe@acme.test", "Roe", "Doe"):
        assert word in page


def test_the_list_is_filtered_by_field_R18(as_root: Client, acme: Connection, roe: Identity) -> None:
    page = as_root.get(listed(acme), {"field": "last_name"}).content.decode()
    assert (page.count(">Accept</a>"), "jane.roe@acme.test" in page) == (1, False)
    assert "0 people" in as_root.get(listed(acme), {"field": "title"}).content.decode()
    assert "1 person" in as_root.get(listed(acme), {"field": "password"}).content.decode()


def test_the_list_has_pages_and_a_constant_number_of_queries_R18(
    as_root: Client, acme: Connection, roe: Identity
) -> None:
    def cost(page: str) -> int:
        with CaptureQueriesContext(database) as queries:
            assert as_root.get(listed(acme), {"p": page}).status_code == 200
        return len(queries)

    few = cost("1")
    for number in range(60):
        name = f"person{number}@acme.test"
        person = replace(JANE, uid=name, external_id=name, user_name=name, email=name)
        identity = create_person(actor=OKTA, connection=acme, person=person).identity
        put(identity, replace(person, email=f"new.{name}"))
    assert cost("1") == cost("2") == few
    assert "Page 2 of 3" in as_root.get(listed(acme), {"p": "2"}).content.decode()
    assert "Page 3 of 3" in as_root.get(listed(acme), {"p": "99"}).content.decode()


def test_accept_on_the_users_page_opens_the_form_with_that_field_ticked_R18(as_desk: Client, roe: Identity) -> None:
    own = as_desk.get(reverse("admin:core_identity_user_change", args=[roe.user_id])).content.decode()
    link = f"{ticks_of(roe.user)}?take={roe.pk}%20email%20"
    assert link in own
    form = as_desk.get(link).context["form"]
    assert [name.split()[1] for name in form.initial["chosen"]] == ["email"]
    assert as_desk.get(ticks_of(roe.user)).context["form"].initial["chosen"] == []


def test_ticked_values_are_accepted_with_a_reason_R18(as_desk: Client, roe: Identity) -> None:
    chosen = [choice(as_desk, roe.user, field) for field in ("email", "last_name")]
    as_desk.post(ticks_of(roe.user), {"chosen": chosen, "reason": "married"})
    user = User.objects.get(pk=roe.user_id)
    assert (user.email, user.last_name, user.username) == ("jane.roe@acme.test", "Roe", "jane.doe@acme.test")
    event = Event.objects.get(kind="user.drift_accepted")
    assert (event.actor, event.reason, sorted(event.changes)) == ("desk", "married", ["email", "last_name"])


def test_two_idps_that_differ_about_the_same_field_are_not_both_right_R18(as_desk: Client, roe: Identity) -> None:
    entra = make_connection("acme-entra")
    Identity.objects.create(
        connection=entra,
        user=roe.user,
        pushed_at=roe.pushed_at,
        email="jd@acme.test",
        given_name="J",
        family_name="Doe",
    )
    form = as_desk.get(ticks_of(roe.user)).context["form"]
    both = [name for name, one in form.drift.items() if one.field == "email"]
    assert len(both) == 2
    answer = as_desk.post(ticks_of(roe.user), {"chosen": both, "reason": "x"})
    assert "Accept one of them" in answer.content.decode()
    assert User.objects.get(pk=roe.user_id).email == "jane.doe@acme.test"
    one_each = [both[1], next(name for name, one in form.drift.items() if one.field == "last_name")]
    as_desk.post(ticks_of(roe.user), {"chosen": one_each, "reason": "x"})
    user = User.objects.get(pk=roe.user_id)
    assert (user.email, user.last_name) == ("jd@acme.test", "Roe")
    assert Event.objects.filter(kind="user.drift_accepted").count() == 2, "one for each identity provider"


@pytest.mark.parametrize("posted", [{"reason": "x"}, {"reason": "", "chosen": "email"}], ids=["no tick", "no reason"])
def test_a_tick_and_a_reason_are_asked_R18(posted: dict[str, str], as_desk: Client, roe: Identity) -> None:
    if "chosen" in posted:
        posted = {**posted, "chosen": choice(as_desk, roe.user, posted["chosen"])}
    assert "This field is required" in as_desk.post(ticks_of(roe.user), posted).content.decode()
    assert User.objects.get(pk=roe.user_id).email == "jane.doe@acme.test"


def test_a_value_that_arrived_after_the_page_was_shown_is_not_accepted_R18(as_desk: Client, roe: Identity) -> None:
    shown = choice(as_desk, roe.user, "email")
    put(roe, replace(ROE, email="mallory@acme.test"))
    answer = as_desk.post(ticks_of(roe.user), {"chosen": shown, "reason": "married"})
    assert "changed while you were looking" in answer.content.decode()
    assert User.objects.get(pk=roe.user_id).email == "jane.doe@acme.test"


def test_a_refusal_is_shown_on_the_page_and_nothing_changes_R16(
    as_desk: Client, acme: Connection, roe: Identity
) -> None:
    other = replace(JANE, uid="o", external_id="o", user_name="o@acme.test", email="o@acme.test")
    holder = create_person(actor=OKTA, connection=acme, person=other).identity
    change_user(actor=ADMIN, user_id=holder.user_id, email="jane.roe@acme.test")
    chosen = [choice(as_desk, roe.user, field) for field in ("email", "last_name")]
    answer = as_desk.post(ticks_of(roe.user), {"chosen": chosen, "reason": "married"})
    assert "has the email address" in answer.content.decode()
    assert User.objects.get(pk=roe.user_id).last_name == "Doe"


def test_without_differences_there_is_nothing_to_tick(as_desk: Client, jane: Identity) -> None:
    page = as_desk.get(ticks_of(jane.user)).content.decode()
    assert "There is nothing to accept" in page
    assert 'name="reason"' not in page


def test_the_list_takes_the_right_to_see_connections_and_people_R18(acme: Connection, roe: Identity) -> None:
    for permissions, status in (
        (("view_connection", "view_user"), 200),
        (("view_connection",), 403),
        (("view_user",), 403),
    ):
        browser = browser_of(staff("-".join(permissions), *permissions))
        assert browser.get(listed(acme)).status_code == status


def test_accepting_values_needs_permission_and_for_staff_a_superuser_R26(
    as_desk: Client, as_root: Client, roe: Identity
) -> None:
    chosen = {"chosen": choice(as_root, roe.user, "email"), "reason": "married"}
    reader = browser_of(staff("reader", "view_user"))
    assert (
        "/drift/?take="
        not in reader.get(reverse("admin:core_identity_user_change", args=[roe.user_id])).content.decode()
    )
    assert reader.post(ticks_of(roe.user), chosen).status_code == 403
    change_user(actor=COMMAND, user_id=roe.user_id, is_staff=True)
    assert as_desk.post(ticks_of(roe.user), chosen).status_code == 403
    assert User.objects.get(pk=roe.user_id).email == "jane.doe@acme.test"
    as_root.post(ticks_of(roe.user), chosen)
    assert User.objects.get(pk=roe.user_id).email == "jane.roe@acme.test"

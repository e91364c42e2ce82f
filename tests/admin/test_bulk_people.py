"""Accept drift, expire and unexpire for many: a preview with a count, one event each, and refusals person by person (R18, R22, R24, R26)."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core_identity.admin_kit import bulk
from core_identity.admin_kit.bulk import Run
from core_identity.errors import Busy, NotAllowed
from core_identity.models import Connection, Event, Identity, User
from core_identity.services.expiry import expire
from core_identity.services.one_by_one import one_by_one
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import change_user, create_user
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, make_connection

LIST = "/admin/core_identity/user/"
DRIFT, ACCEPT = f"{LIST}all-drift/", f"{LIST}accept-drift/"
REQUESTS, UNEXPIRE_REQUESTED = f"{LIST}reactivations/", f"{LIST}unexpire-requested/"
EXPIRE_MANY, UNEXPIRE_MANY = f"{LIST}expire-many/", f"{LIST}unexpire-many/"


def people(connection: Connection, count: int) -> list[Identity]:
    identities = []
    for number in range(count):
        name = f"person{number}@acme.test"
        person = replace(JANE, uid=name, external_id=name, user_name=name, email=name)
        identities.append(create_person(actor=OKTA, connection=connection, person=person).identity)
    return identities


def drift(identity: Identity, **values: Any) -> None:
    values = values or {"email": f"new.{identity.user_name}"}
    person = replace(
        JANE, uid=identity.user_name, external_id=identity.external_id,
        user_name=identity.user_name, email=identity.email,
    )  # fmt: skip
    put(identity, replace(person, **values))


def request_again(identity: Identity) -> None:
    expire(actor=ADMIN, user_id=identity.user_id, reason="left")
    for active in (False, True):
        person = replace(
            JANE, uid=identity.user_name, external_id=identity.external_id,
            user_name=identity.user_name, email=identity.email, active=active,
        )  # fmt: skip
        put(identity, person)


def run_of(page: Any) -> str:
    return str(re.search(r'name="run" value="([^"]+)"', page.content.decode())[1])  # type: ignore[index]


def act(browser: Client, address: str, query: str = "", **posted: str) -> str:
    """Open the preview and press its button."""
    preview = browser.get(f"{address}?{query}")
    assert preview.status_code == 200
    answer = browser.post(address, {"run": run_of(preview), "reason": "ticket 4711", **posted}, follow=True)
    return re.sub(r"\s+", " ", answer.content.decode())


def protect(user: User) -> None:
    vault = create_role(actor=COMMAND, name="Vault", marked_protected=True)
    grant_role(actor=COMMAND, user_id=user.pk, role_id=vault.pk, reason="covers for Sam")


ATTACKED = pytest.mark.parametrize("address", [ACCEPT, UNEXPIRE_REQUESTED, EXPIRE_MANY, UNEXPIRE_MANY])


@ATTACKED
def test_a_view_only_administrator_gets_no_action(address: str, acme: Connection) -> None:
    (jane,) = people(acme, 1)
    drift(jane)
    reader = browser_of(staff("reader", "view_user"))
    assert "Accept all" not in reader.get(DRIFT).content.decode()
    assert "Unexpire all" not in reader.get(REQUESTS).content.decode()
    assert reader.get(address, {"user": str(jane.user_id)}).status_code == 403
    assert reader.post(address, {"user": str(jane.user_id), "reason": "x"}).status_code == 403


@pytest.mark.parametrize("address", [DRIFT, REQUESTS])
def test_without_permission_to_see_people_there_is_no_list(address: str, acme: Connection) -> None:
    stranger = browser_of(staff("stranger", "view_connection", "view_role", "view_event"))
    assert stranger.get(address).status_code == 403
    assert address not in stranger.get("/admin/").content.decode()


@ATTACKED
def test_a_post_without_a_preview_changes_nothing(address: str, as_root: Client, acme: Connection) -> None:
    (jane,) = people(acme, 1)
    drift(jane)
    before = Event.objects.count()
    for run in ("", "forged", str(Run(by="somebody else", query="", until="2999-01-01T00:00:00+00:00", total=1))):
        answer = as_root.post(address, {"run": run, "user": str(jane.user_id), "reason": "x"}, follow=True)
        assert "Nothing was changed" in answer.content.decode()
    assert Event.objects.count() == before


def test_all_drift_is_accepted_with_one_event_each_R18(as_desk: Client, acme: Connection) -> None:
    everybody = people(acme, 3)
    for identity in everybody:
        drift(identity)
    assert "3 people" in as_desk.get(ACCEPT).content.decode()
    assert "Done: 3." in act(as_desk, ACCEPT)
    events = Event.objects.filter(kind="user.drift_accepted")
    assert {(event.actor, event.reason) for event in events} == {("desk", "ticket 4711")}
    assert {event.user_id for event in events} == {identity.user_id for identity in everybody}
    assert "There is no drift" in as_desk.get(DRIFT).content.decode()


def test_only_the_field_and_the_connection_of_the_filters_are_accepted_R18(as_root: Client, acme: Connection) -> None:
    (jane,) = people(acme, 1)
    drift(jane, email="jane.roe@acme.test", family_name="Roe")
    (other,) = people(make_connection("other", customer="Other"), 1)
    drift(other, email="o@acme.test")
    assert "Done: 1." in act(as_root, ACCEPT, "kind=email&connection=acme")
    user = User.objects.get(pk=jane.user_id)
    assert (user.email, user.last_name) == ("jane.roe@acme.test", "Doe")
    assert User.objects.get(pk=other.user_id).email == "person0@acme.test"
    page = as_root.get(DRIFT, {"customer": "Other"}).content.decode()
    assert ("o@acme.test" in page, "Roe" in page) == (True, False)
    assert "There is no drift" in as_root.get(DRIFT, {"connection": "nowhere"}).content.decode()


def test_staff_and_holders_of_protected_roles_are_refused_one_by_one_R26_R33(
    as_desk: Client, as_root: Client, acme: Connection
) -> None:
    everybody = people(acme, 3)
    for identity in everybody:
        drift(identity)
    change_user(actor=COMMAND, user_id=everybody[0].user_id, is_staff=True)
    protect(everybody[1].user)
    assert "2 of them are refused" in re.sub(r"\s+", " ", as_desk.get(ACCEPT).content.decode())
    result = act(as_desk, ACCEPT)
    assert "Done: 1. Refused: 2. 2 people: Only a superuser may do this" in result
    assert [event.user_id for event in Event.objects.filter(kind="user.drift_accepted")] == [everybody[2].user_id]
    assert "Done: 2." in act(as_root, ACCEPT)


def test_a_value_that_came_after_the_preview_is_not_accepted_R18(as_root: Client, acme: Connection) -> None:
    (jane,) = people(acme, 1)
    drift(jane)
    run = run_of(as_root.get(ACCEPT))
    drift(jane, email="mallory@acme.test")
    assert "Done: 0." in as_root.post(ACCEPT, {"run": run, "reason": "x"}, follow=True).content.decode()
    assert User.objects.get(pk=jane.user_id).email == "person0@acme.test"


def test_two_idps_that_differ_about_one_field_are_left_to_a_person_R18(as_root: Client, acme: Connection) -> None:
    (jane,) = people(acme, 1)
    drift(jane)
    Identity.objects.create(
        connection=make_connection("acme-entra"), user=jane.user, pushed_at=jane.pushed_at, email="jd@acme.test",
        user_name=jane.user_name, given_name="Jane", family_name="Doe",
    )  # fmt: skip
    assert "Two identity providers send different values" in act(as_root, ACCEPT)
    assert User.objects.get(pk=jane.user_id).email == "person0@acme.test"


def test_requests_are_unexpired_together_except_changed_people_R22(as_desk: Client, acme: Connection) -> None:
    everybody = people(acme, 4)
    for identity in everybody:
        request_again(identity)
    drift(everybody[0], email="newcomer@acme.test")
    protect(everybody[1].user)
    page = re.sub(r"\s+", " ", as_desk.get(REQUESTS).content.decode())
    assert page.count(">Review</a>") == 4
    assert '<span class="core-chip attention">email</span>' in page
    result = act(as_desk, UNEXPIRE_REQUESTED, how="with_roles")
    assert "Done: 2. Refused: 2." in result
    assert "Unexpire this person on the page of the user" in result
    assert "Only a superuser may do this" in result
    back = set(User.objects.filter(expired_at__isnull=True, identities__isnull=False).values_list("pk", flat=True))
    assert back == {everybody[2].user_id, everybody[3].user_id}
    assert {event.user_id for event in Event.objects.filter(kind="user.unexpired")} == back


def test_requests_are_filtered_by_who_expired_them_R22(as_desk: Client, acme: Connection) -> None:
    by_administrator, by_channel = people(acme, 2)
    request_again(by_administrator)
    for active in (False, True):
        put(by_channel, replace(JANE, uid=None, external_id=by_channel.external_id, user_name=by_channel.user_name,
                                email=by_channel.email, active=active))  # fmt: skip
    for kind, shown in (("administrator", "person0"), ("channel", "person1")):
        page = as_desk.get(REQUESTS, {"kind": kind}).content.decode()
        assert re.findall(r">(person\d)@acme.test</a>", page) == [shown]


def choose_all(browser: Client, action: str, query: str = "") -> Any:
    first = str(User.objects.values_list("pk", flat=True)[0])
    return browser.post(f"{LIST}?{query}", {"action": action, "select_across": "1", "_selected_action": [first]})


def test_all_that_a_list_finds_are_expired_without_a_limit_and_unexpired_again(
    as_root: Client, root: User, acme: Connection
) -> None:
    everybody = people(acme, 105)
    preview = choose_all(as_root, "expire_chosen", "q=person")
    assert "Expire: 105 people" in preview.content.decode()
    assert "And 95 more" in preview.content.decode()
    answer = as_root.post(EXPIRE_MANY, {"run": run_of(preview), "reason": "closed"}, follow=True)
    assert "Done: 105." in answer.content.decode()
    assert Event.objects.filter(kind="user.expired", reason="closed").values("user_id").distinct().count() == len(
        everybody
    )
    assert User.objects.get(pk=root.pk).expired_at is None
    preview = choose_all(as_root, "unexpire_chosen", "status=expired")
    posted = {"run": run_of(preview), "reason": "a mistake", "how": "with_roles"}
    assert "Done: 105." in as_root.post(UNEXPIRE_MANY, posted, follow=True).content.decode()
    assert not User.objects.filter(expired_at__isnull=False).exists()


def test_nobody_expires_themself_staff_or_people_who_came_later_R26(
    as_desk: Client, desk: User, acme: Connection
) -> None:
    people(acme, 2)
    create_user(actor=COMMAND, username="auditor", is_staff=True)
    preview = choose_all(as_desk, "expire_chosen")
    late = create_person(actor=OKTA, connection=acme, person=JANE).identity
    answer = as_desk.post(EXPIRE_MANY, {"run": run_of(preview), "reason": "x"}, follow=True).content.decode()
    assert "Done: 2. Refused: 2." in answer
    assert "You cannot expire yourself" in answer
    expired = set(User.objects.filter(expired_at__isnull=False).values_list("username", flat=True))
    assert expired == {"person0@acme.test", "person1@acme.test"}
    assert User.objects.get(pk=late.user_id).expired_at is None


def test_an_address_without_people_opens_no_preview_of_everybody(as_root: Client, acme: Connection) -> None:
    people(acme, 1)
    assert "Nobody in the selection can be expired" in as_root.get(EXPIRE_MANY, follow=True).content.decode()


def test_the_work_is_done_in_portions_and_a_new_start_finds_those_who_are_left(
    as_root: Client, acme: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PORTION", 2)
    everybody = people(acme, 5)
    for identity in everybody:
        drift(identity)
    half = as_root.post(ACCEPT, {"run": run_of(as_root.get(ACCEPT)), "reason": "x"})
    page = re.sub(r"\s+", " ", half.content.decode())
    assert "2 of 5 tried: 2 done, 0 refused" in page
    assert "data-continue" in page
    assert '<progress class="core-progress-bar" max="5" value="2"' in page
    assert "3 people" in as_root.get(ACCEPT).content.decode(), "a new start finds those who are left"
    half = as_root.post(ACCEPT, {"run": run_of(half), "reason": "x"})
    last = as_root.post(ACCEPT, {"run": run_of(half), "reason": "x"}, follow=True)
    assert "Done: 5." in last.content.decode()
    assert Event.objects.filter(kind="user.drift_accepted").count() == 5


@pytest.mark.parametrize("address", [DRIFT, REQUESTS, ACCEPT, UNEXPIRE_REQUESTED])
def test_the_cost_does_not_grow_with_the_list(address: str, as_root: Client, acme: Connection) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            assert as_root.get(address).status_code == 200
        return len(queries)

    everybody = people(acme, 60)
    prepare: Callable[[Identity], None] = drift if address in {DRIFT, ACCEPT} else request_again
    prepare(everybody[0])
    few = cost()
    for identity in everybody[1:]:
        prepare(identity)
    assert cost() == few <= 20
    if address in {DRIFT, REQUESTS}:
        assert "Page 2" in as_root.get(address, {"p": "2"}).content.decode()


def test_one_refusal_stops_no_other_row_and_a_busy_customer_is_tried_again() -> None:
    rows = [UUID(int=number) for number in range(4)]

    def service(row: UUID) -> None:
        if row == rows[1]:
            raise NotAllowed("No.")
        if row == rows[3]:
            raise Busy("Later.")

    batch = one_by_one(rows, service, seconds=60)
    assert (batch.done, dict(batch.refused), batch.last, batch.is_complete) == (2, {"No.": 1}, rows[2], False)
    assert one_by_one(rows[:3], service, seconds=0).last == rows[0]
    with pytest.raises(Busy):
        one_by_one(rows[3:], service, seconds=60)

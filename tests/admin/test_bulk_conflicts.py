"""Many conflicts in one decision, and both sides of a conflict beside each other (R9)."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core_identity import errors
from core_identity.models import Conflict, Connection, Event, Identity, User
from core_identity.services.push.provisioning import create_person
from core_identity.services.users import change_user
from tests.admin.conftest import browser_of, staff
from tests.support.cast import COMMAND, JANE, OKTA, ZOE

INBOX = "/admin/core_identity/conflict/"
DECIDE = f"{INBOX}decide-many/"


def clash(connection: Connection, number: int, **values: Any) -> None:
    """Push somebody new with the email of Jane."""
    name = f"twin{number}@acme.test"
    person = replace(ZOE, uid=name, external_id=name, user_name=name, email=JANE.email)
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=connection, person=replace(person, **values))


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def run_of(page: Any) -> str:
    return str(re.search(r'name="run" value="([^"]+)"', page.content.decode())[1])  # type: ignore[index]


def decide(browser: Client, how: str, query: str = "all=1") -> str:
    posted = {"run": run_of(browser.get(f"{DECIDE}?{query}")), "how": how, "reason": "ticket 4711"}
    return text_of(browser.post(DECIDE, posted, follow=True))


def states() -> list[str]:
    return sorted(Conflict.objects.values_list("state", flat=True))


def test_a_view_only_administrator_gets_no_action(acme: Connection, jane: Identity) -> None:
    clash(acme, 1)
    looking = browser_of(staff("looking", "view_conflict"))
    page = text_of(looking.get(INBOX))
    assert ("Decide all" in page, "Decide…" in page) == (False, False)
    assert looking.get(DECIDE, {"all": "1"}).status_code == 403
    assert looking.post(DECIDE, {"all": "1", "how": "dismiss", "reason": "x"}).status_code == 403
    looking.post(INBOX, {"action": "decide_chosen", "_selected_action": [str(Conflict.objects.get().pk)]})
    assert states() == ["open"]


def test_forty_conflicts_of_one_cause_take_five_clicks_R9(as_root: Client, acme: Connection, jane: Identity) -> None:
    for number in range(40):
        clash(acme, number)
    clash(acme, 40, user_name=JANE.user_name, email="else@acme.test")
    home = text_of(as_root.get("/admin/"))
    assert f'href="{INBOX}"' in home  # 1: the navigation
    assert "?cause=email" in text_of(as_root.get(INBOX))  # 2: the filter
    inbox = text_of(as_root.get(INBOX, {"cause": "email"}))
    link = re.search(r'href="([^"]+)">Decide all of these', inbox)[1].replace("&amp;", "&")  # type: ignore[index]
    preview = as_root.get(link)  # 3: the button of the list
    page = text_of(preview)
    assert "Decide: 40 conflicts" in page
    assert "And 30 more" in page
    assert 'value="different_people"' in page  # 4: the decision
    posted = {"run": run_of(preview), "how": "different_people", "reason": "a shared mailbox"}
    assert "Done: 40." in text_of(as_root.post(DECIDE, posted, follow=True))  # 5: the button
    assert states() == ["different_people"] * 40 + ["open"]
    decisions = Event.objects.filter(kind="conflict.resolved", reason="a shared mailbox", actor="root")
    assert decisions.values("subject_id").distinct().count() == 40


def test_chosen_conflicts_are_dismissed_and_no_others_R9(as_root: Client, acme: Connection, jane: Identity) -> None:
    for number in range(3):
        clash(acme, number)
    chosen = [str(one.pk) for one in Conflict.objects.order_by("pk")[:2]]
    preview = as_root.post(INBOX, {"action": "decide_chosen", "_selected_action": chosen})
    assert "Decide: 2 conflicts" in text_of(preview)
    assert states() == ["open"] * 3
    as_root.post(DECIDE, {"run": run_of(preview), "how": "dismiss", "reason": "test users"})
    assert {str(one.pk) for one in Conflict.objects.filter(state="dismissed")} == set(chosen)


def test_conflicts_that_cannot_be_decided_stay_with_the_reason_R9(
    as_root: Client, acme: Connection, jane: Identity
) -> None:
    clash(acme, 1)
    clash(acme, 2, user_name=JANE.user_name, email="else@acme.test")
    page = decide(as_root, "different_people")
    assert "Done: 1. Refused: 1. 1 conflict: In one connection a userName belongs to one person" in page
    assert states() == ["different_people", "open"]


def test_staff_and_holders_of_protected_roles_are_refused_one_by_one_R11_R26(
    acme: Connection, jane: Identity, as_root: Client
) -> None:
    keeper = browser_of(staff("keeper", "view_conflict", "change_conflict"))
    clash(acme, 1)
    other = create_person(
        actor=OKTA, connection=acme, person=replace(ZOE, uid="o", external_id="o", user_name="o@acme.test", email="o@acme.test")
    ).identity  # fmt: skip
    clash(acme, 2, email="o@acme.test")
    change_user(actor=COMMAND, user_id=other.user_id, is_staff=True)
    assert "1 of them is refused" in text_of(keeper.get(DECIDE, {"all": "1"}))
    for how in ("dismiss", "different_people", "same_person"):
        assert "Only a superuser may do this" in decide(keeper, how)
    staff_s = Conflict.objects.get(other=other.user)
    assert staff_s.state == "open"


def test_the_same_person_in_many_conflicts_joins_each_pair_R11(
    as_root: Client, acme: Connection, jane: Identity
) -> None:
    clash(acme, 1)
    assert "Done: 1." in decide(as_root, "same_person")
    twin = replace(
        ZOE, uid="twin1@acme.test", external_id="twin1@acme.test", user_name="twin1@acme.test", email=JANE.email
    )
    assert create_person(actor=OKTA, connection=acme, person=twin).identity.user_id == jane.user_id
    assert User.objects.filter(identities__isnull=False).distinct().count() == 1


def test_a_conflict_that_came_after_the_preview_is_not_decided_R9(
    as_root: Client, acme: Connection, jane: Identity
) -> None:
    clash(acme, 1)
    run = run_of(as_root.get(DECIDE, {"all": "1"}))
    clash(acme, 2)
    as_root.post(DECIDE, {"run": run, "how": "dismiss", "reason": "x"})
    assert states() == ["dismissed", "open"]


def test_an_address_without_conflicts_opens_no_decision(as_root: Client, acme: Connection, jane: Identity) -> None:
    clash(acme, 1)
    for query in ("", "id=nothing", "all=1&cause=uid", "all=1&nothing=here"):
        assert "None of the selected conflicts is open or dismissed." in text_of(
            as_root.get(f"{DECIDE}?{query}", follow=True)
        )


def test_the_preview_costs_the_same_for_many(as_root: Client, acme: Connection, jane: Identity) -> None:
    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            assert as_root.get(DECIDE, {"all": "1"}).status_code == 200
        return len(queries)

    clash(acme, 0)
    few = cost()
    for number in range(1, 15):
        clash(acme, number)
    assert cost() == few <= 20


def test_both_sides_are_beside_each_other_and_the_same_values_are_marked_R9(
    as_root: Client, acme: Connection, jane: Identity
) -> None:
    clash(acme, 1, given_name="<b onx=1>")
    page = text_of(as_root.get(reverse("admin:core_identity_conflict_change", args=[Conflict.objects.get().pk])))
    assert re.findall(r'<th scope="col">([^<]+)</th>', page) == ["Value", "In the message", "In CORE", "From Acme"]
    email = re.search(r'<th scope="row">email</th>(.*?)</tr>', page)[1]  # type: ignore[index]
    assert email.count("the same") == 3
    name = re.search(r'<th scope="row">userName</th>(.*?)</tr>', page)[1]  # type: ignore[index]
    assert "twin1@acme.test" in name
    assert name.count("the same") == 2, "the email of the message is the userName of Jane"
    assert "<b onx" not in page

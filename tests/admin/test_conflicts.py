"""R9 in the administration: the inbox, the page of one conflict, and what each answer does."""

import re
from dataclasses import replace
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse

from core_identity import errors
from core_identity.models import Conflict, Connection, Event, Identity, User
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.values import Person
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import JANE, OKTA, ZOE

TWIN = replace(ZOE, email=JANE.email)
INBOX = "/admin/core_identity/conflict/"


@pytest.fixture
def conflict(acme: Connection, jane: Identity) -> Conflict:
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=TWIN)
    return Conflict.objects.get()


def page_of(conflict: Conflict) -> str:
    return reverse("admin:core_identity_conflict_change", args=[conflict.pk])


def text_of(answer: object) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())  # type: ignore[attr-defined]


def test_the_start_page_lists_pending_tasks_R9(as_root: Client, conflict: Conflict) -> None:
    page = text_of(as_root.get("/admin/"))
    assert "1 thing needs a decision." in page
    assert f'<a href="{page_of(conflict)}">zoë.müller@acme.test and jane.doe@acme.test</a>' in page


def test_the_inbox_lists_open_ones_and_finds_by_reference_R9(as_root: Client, conflict: Conflict) -> None:
    assert "email address of another user" in text_of(as_root.get(INBOX))
    assert "zoë.müller" in text_of(as_root.get(INBOX, {"q": "reqscim"}))
    assert "zoë.müller" not in text_of(as_root.get(INBOX, {"q": "nothing"}))


def test_the_filter_names_the_open_state_beside_another_filter_R9(as_root: Client, conflict: Conflict) -> None:
    page = text_of(as_root.get(INBOX, {"cause": conflict.cause}))
    assert re.search(r'<li class="selected">\s*<a href="\?cause=email"[^>]*>\s*open\s*</a>', page)


def test_the_page_shows_both_sides_and_what_each_answer_does_R9(as_root: Client, conflict: Conflict) -> None:
    page = text_of(as_root.get(page_of(conflict)))
    assert "zoë.müller" in page
    assert "jane.doe@acme.test" in page
    assert "may share the address" in page
    assert "REQSCIM" in page


def test_different_people_and_the_next_push_goes_through_R9(
    as_root: Client, conflict: Conflict, acme: Connection
) -> None:
    answer = as_root.post(page_of(conflict), {"how": "different_people", "reason": "twins"}, follow=True)
    assert "repeat the same push or sign-in" in text_of(answer)
    assert create_person(actor=OKTA, connection=acme, person=TWIN).created
    event = Event.objects.get(kind="conflict.resolved")
    assert (event.actor, event.reason) == ("root", "twins")


def test_the_same_person_is_one_user_R9_R11(as_root: Client, conflict: Conflict, acme: Connection) -> None:
    as_root.post(page_of(conflict), {"how": "same_person", "reason": "asked"})
    outcome = create_person(actor=OKTA, connection=acme, person=TWIN)
    assert outcome.identity.user == User.objects.get(username="jane.doe@acme.test")


def test_without_a_reason_nothing_happens_R9(as_root: Client, conflict: Conflict) -> None:
    answer = as_root.post(page_of(conflict), {"how": "dismiss", "reason": " "})
    assert "Nothing was changed" in text_of(answer)
    conflict.refresh_from_db()
    assert conflict.state == "open"


def test_a_view_only_administrator_cannot_decide(conflict: Conflict) -> None:
    looking = browser_of(staff("looking", "view_conflict"))
    assert 'value="Decide"' not in text_of(looking.get(page_of(conflict)))
    assert looking.post(page_of(conflict), {"how": "dismiss", "reason": "x"}).status_code == 403
    conflict.refresh_from_db()
    assert conflict.state == "open"


def test_a_person_without_permission_sees_nothing(as_desk: Client, conflict: Conflict) -> None:
    assert as_desk.get(INBOX).status_code == 403
    assert as_desk.get(page_of(conflict)).status_code == 403
    assert "Conflicts to decide" not in text_of(as_desk.get("/admin/"))


def test_an_empty_inbox_says_so(as_root: Client) -> None:
    assert "0 conflicts" in text_of(as_root.get(INBOX))


def test_a_closed_conflict_shows_its_reason(as_root: Client, conflict: Conflict) -> None:
    as_root.post(page_of(conflict), {"how": "dismiss", "reason": "a test account"})
    page = text_of(as_root.get(page_of(conflict)))
    assert "a test account" in page
    as_root.post(page_of(conflict), {"how": "different_people", "reason": "twins after all"})
    page = text_of(as_root.get(page_of(conflict)))
    assert "Different people, <time" in page
    assert 'value="Decide"' not in page


def test_the_story_of_the_other_user_links_to_the_conflict_R36(
    as_root: Client, conflict: Conflict, jane: Identity
) -> None:
    page = text_of(as_root.get(reverse("admin:core_identity_user_change", args=[jane.user_id])))
    assert page_of(conflict) in page


def test_exchanged_user_names_need_a_third_one_R9(as_root: Client, acme: Connection, jane: Identity) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    swaps = (
        (jane, replace(JANE, user_name=ZOE.user_name)),
        (zoe, replace(ZOE, user_name=JANE.user_name)),
    )
    pages = []
    for identity, person in swaps:
        with pytest.raises(errors.Conflict):
            put(identity, person)
        pages.append(page_of(Conflict.objects.latest("first_at")))
        hint = "Did these people exchange" if len(pages) == 1 else "These people exchanged their userNames"
        assert hint in text_of(as_root.get(pages[-1]))
    for page in pages:
        assert "These people exchanged their userNames" in text_of(as_root.get(page))
        assert "Give one of them a third userName" in text_of(as_root.get(page))
    # The advice is good: no answer of an administrator is needed.
    put(jane, replace(JANE, user_name="third@acme.test"))
    put(*swaps[1])
    put(*swaps[0])
    assert set(Conflict.objects.values_list("state", flat=True)) == {"gone"}
    assert "exchange" not in text_of(as_root.get(pages[0]))
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(TWIN, uid="x", external_id="x", user_name="x@x.test"))
    assert "exchange" not in text_of(as_root.get(page_of(Conflict.objects.latest("first_at"))))


def _as_sent(sent: Person, _: Identity) -> Person:
    return sent


def test_a_conflict_without_uid_and_user_name_is_shown_and_decided_R9(
    as_root: Client, acme: Connection, jane: Identity
) -> None:
    create_person(actor=OKTA, connection=acme, person=ZOE)
    for external_id in ("00u-nobody", ZOE.external_id):
        sent = Person(external_id=external_id)
        with pytest.raises(errors.Conflict):
            change_person(
                actor=OKTA,
                connection=acme,
                scim_id=jane.scim_id,
                read=partial(_as_sent, sent),
                deactivates=False,
                is_patch=True,
            )
        conflict = Conflict.objects.get(state="open")
        assert "the same person" in text_of(as_root.get(page_of(conflict)))
        answer = as_root.post(page_of(conflict), {"how": "same_person", "reason": "asked"}, follow=True)
        assert "repeat the same push or sign-in" in text_of(answer)
        assert Identity.objects.get(pk=jane.pk).external_id == external_id

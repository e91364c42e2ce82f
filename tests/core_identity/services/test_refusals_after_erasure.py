"""The event and the conflict of a refused message contain nothing of a person who was erased before they were written (R9, R34)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from core_identity.errors import Refusal
from core_identity.models import Conflict, Connection, Event, Identity
from core_identity.services import transactions
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.moments import Worker, elsewhere, uncommitted, until_one_waits
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
record = transactions._record_refusal
NEWCOMER = replace(JANE, uid="other", external_id="00u7", given_name="Joan", family_name="Roe")
REFUSED: dict[str, Callable[[Connection], object]] = {
    "her userName": lambda acme: push(acme, replace(NEWCOMER, email="joan@acme.test")),
    "her email": lambda acme: push(acme, replace(NEWCOMER, user_name="joan@acme.test")),
    "herself": lambda acme: push(acme, JANE),
    "her UID": lambda acme: sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE, uid=JANE.uid)),
}


def push(acme: Connection, person: Person) -> object:
    return create_person(actor=OKTA, connection=acme, person=person)


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def erase_jane(acme: Connection) -> Callable[[], object]:
    user_id = create_person(actor=OKTA, connection=acme, person=JANE).identity.user_id
    expire(actor=ADMIN, user_id=user_id, reason="left")
    return partial(erase, actor=COMMAND, user_id=user_id, reason="request 4711")


def assert_jane_is_gone(number_of_refusals: int) -> None:
    stored = str([*Event.objects.values(), *Conflict.objects.values()]).lower()
    assert [name for name in ("jane.doe@", "'jane", "00u1jane") if name in stored] == []
    assert Event.objects.filter(kind__in=("scim.refused", "sso.refused")).count() == number_of_refusals


@pytest.mark.parametrize("refused", REFUSED)
def test_a_refusal_that_is_recorded_after_an_erasure_names_nobody_R34(
    acme: Connection, erase_jane: Callable[[], object], monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    def record_later(**values: Any) -> None:
        elsewhere(erase_jane)
        record(**values)

    monkeypatch.setattr(transactions, "_record_refusal", record_later)
    with pytest.raises(Refusal):
        REFUSED[refused](acme)
    assert_jane_is_gone(1)


def test_a_refusal_that_is_recorded_during_an_erasure_waits_for_it_R34(
    acme: Connection, erase_jane: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def record_meanwhile(**values: Any) -> None:
        with uncommitted(erase_jane):
            recording = Worker(lambda: record(**values))
            until_one_waits()
        recording.result()

    monkeypatch.setattr(transactions, "_record_refusal", record_meanwhile)
    with pytest.raises(Refusal):
        REFUSED["her userName"](acme)
    assert_jane_is_gone(1)


def test_the_refusal_of_another_person_is_recorded_whole_R9(acme: Connection, erase_jane: Callable[[], object]) -> None:
    push(acme, ZOE)
    elsewhere(erase_jane)
    with pytest.raises(Refusal):
        push(acme, replace(NEWCOMER, user_name=ZOE.user_name, email="joan@acme.test"))
    assert str(ZOE.user_name) in Event.objects.get(kind="scim.refused").reason
    assert Conflict.objects.get().other == Identity.objects.get(user_name=ZOE.user_name).user

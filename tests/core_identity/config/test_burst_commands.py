"""R22a by script."""

from dataclasses import replace

import pytest

from core_identity.models import Identity, User
from core_identity.selectors.bursts import open_bursts
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.values import Person
from tests.core_identity.test_people_commands import WHY, run
from tests.support.cast import JANE, OKTA, make_connection

pytestmark = pytest.mark.django_db


def say(identity: Identity, *, active: bool) -> None:
    change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: Person(active=active),
        deactivates=not active,
    )


@pytest.fixture
def people() -> list[Identity]:
    """Five of five, deactivated at once, one of them active again."""
    connection = make_connection()
    found = []
    for number in range(5):
        name = f"person{number}@acme.test"
        person = replace(JANE, uid=name, external_id=name, user_name=name, email=name)
        found.append(create_person(actor=OKTA, connection=connection, person=person).identity)
    for identity in found:
        say(identity, active=False)
    say(found[0], active=True)
    return found


def test_bursts_are_listed_and_undone_R22a(people: list[Identity]) -> None:
    _, answer, _ = run("connection", "bursts", "acme")
    (burst,) = answer["bursts"]
    assert burst["active_again"] == ["person0@acme.test"]
    assert sorted(burst["inactive"]) == [f"person{number}@acme.test" for number in range(1, 5)]
    code, answer, _ = run("connection", "unexpire-burst", "acme", *WHY)
    assert (code, answer["active_again"]) == (0, ["person0@acme.test"])
    assert User.objects.get(pk=people[0].user_id).expired_at is None


def test_a_dry_run_answers_and_leaves_nothing_R22a(people: list[Identity]) -> None:
    code, answer, _ = run("connection", "unexpire-burst", "acme", *WHY, "--dry-run")
    assert (code, answer["active_again"]) == (0, ["person0@acme.test"])
    assert User.objects.filter(expired_at__isnull=False).count() == 5


def test_a_burst_is_settled_and_then_there_is_none_R22a(people: list[Identity]) -> None:
    assert run("connection", "settle-burst", "acme", *WHY)[0] == 0
    assert not open_bursts().exists()
    assert run("connection", "bursts", "acme")[1] == {"bursts": []}
    assert run("connection", "unexpire-burst", "acme", *WHY)[0] == 3

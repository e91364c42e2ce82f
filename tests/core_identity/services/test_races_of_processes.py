"""R7 and the lock order again, over processes: each act has its own interpreter, and they share only PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest
from django.db import connection as database

from core_identity.models import Connection, Event, Grant, Identity, IdentityUid, PushGroup, PushGroupMember, User
from core_identity.services.expiry import expire
from core_identity.services.groups import change_group, create_group
from core_identity.services.merge import merge
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.roles import change_role, create_role
from core_identity.values import ActorKind, GroupChange, Person
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.racing import Act, Race, racing
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
COMMAND = replace(ADMIN, kind=ActorKind.SYSTEM, label="command line")
AT_ONCE = 4
ROUNDS = 5


@pytest.fixture(scope="module")
def race(django_db_setup: None) -> Iterator[Race]:
    with racing(AT_ONCE, str(database.settings_dict["NAME"])) as running:
        yield running


@pytest.fixture
def acme() -> Connection:
    return make_connection()


def jane(number: int) -> Person:
    """Return one of several Janes. No two share a key."""
    mail = f"jane{number}@acme.test"
    return replace(JANE, uid=f"jane.{number}", external_id=f"00u{number}", user_name=mail, email=mail)


def push(acme: Connection, number: int) -> Outcome:
    return create_person(actor=OKTA, connection=acme, person=jane(number))


def enter(acme: Connection, number: int) -> Identity:
    return sign_in(actor=BROWSER, connection=acme, person=by_sso(jane(number)))


def deactivate(acme: Connection, number: int, scim_id: UUID) -> Outcome:
    person = replace(jane(number), active=False)
    return change_person(actor=OKTA, connection=acme, scim_id=scim_id, read=lambda _: person, deactivates=True)


def end_access(user_id: UUID) -> User:
    return expire(actor=ADMIN, user_id=user_id, reason="left")


def put(acme: Connection, scim_id: UUID, name: str, *members: UUID) -> PushGroup:
    changes = GroupChange(display_name=name, members=frozenset(members))
    return change_group(actor=OKTA, connection=acme, scim_id=scim_id, read=lambda _: changes)


def rename(role_id: UUID, name: str) -> object:
    return change_role(actor=ADMIN, role_id=role_id, name=name)


def change(acme: Connection, number: int, scim_id: UUID) -> Outcome:
    person = replace(jane(number), title="Chief")
    return change_person(actor=OKTA, connection=acme, scim_id=scim_id, read=lambda _: person, deactivates=False)


def join(kept_id: UUID, gone_id: UUID) -> User:
    return merge(actor=COMMAND, kept_id=kept_id, gone_id=gone_id, reason="one human")


def test_creates_at_once_are_one_user_R7(race: Race, acme: Connection) -> None:
    for number in range(ROUNDS):
        answers = race([partial(push, acme, number)] * AT_ONCE)
        assert sorted(answers) == ["Duplicate"] * (AT_ONCE - 1) + ["Outcome"]
    assert {model.objects.count() for model in (User, Identity, IdentityUid)} == {ROUNDS}
    assert Event.objects.filter(kind="user.created").count() == ROUNDS


def test_a_create_and_sign_ins_at_once_are_one_user_R7(race: Race, acme: Connection) -> None:
    for number in range(ROUNDS):
        answers = race([partial(push, acme, number), *[partial(enter, acme, number)] * (AT_ONCE - 1)])
        assert answers == ["Outcome"] + ["Identity"] * (AT_ONCE - 1), "every one is taken, whichever was first"
    assert {model.objects.count() for model in (User, Identity, IdentityUid)} == {ROUNDS}
    assert set(Identity.objects.values_list("external_id", flat=True)) == {f"00u{number}" for number in range(ROUNDS)}


def test_an_expiry_during_sign_ins_leaves_no_session_R21(race: Race, acme: Connection) -> None:
    for number in range(ROUNDS):
        identity = push(acme, number).identity
        ends: list[Act] = [partial(end_access, identity.user_id), partial(deactivate, acme, number, identity.scim_id)]
        answers = race([*ends, *[partial(enter, acme, number)] * (AT_ONCE - 2)])
        assert answers[:2] == ["User", "Outcome"], "an expiry is never refused"
        assert set(answers[2:]) <= {"Identity", "MayNotSignIn"}
        assert race([partial(enter, acme, number)] * AT_ONCE) == ["MayNotSignIn"] * AT_ONCE
    assert not User.objects.filter(expired_at__isnull=True).exists()
    assert Event.objects.filter(kind="user.expired").count() == ROUNDS, "one fact has one event (R24)"


def test_a_merge_during_pushes_and_sign_ins_of_both_people_leaves_one_user_R11(race: Race, acme: Connection) -> None:
    for number in range(ROUNDS):
        kept, gone = push(acme, 2 * number).identity, push(acme, 2 * number + 1).identity
        answers = race(
            [
                partial(join, kept.user_id, gone.user_id),
                partial(change, acme, 2 * number, kept.scim_id),
                partial(change, acme, 2 * number + 1, gone.scim_id),
                partial(enter, acme, 2 * number + 1),
            ]
        )
        assert answers[:2] == ["User", "Outcome"], "the merge and a push of the one kept are never refused"
        assert answers[2] in {"Outcome", "NotFound"}, "before the merge, or after it"
        assert answers[3] == "Identity"
        tombstone = User.objects.get(pk=gone.user_id)
        assert (tombstone.merged_into_id, tombstone.expired_at is None) == (kept.user_id, False)
        # The connection knows one NameID of them, the last: who comes by the other name is asked about, and opens nobody else (R8b).
        again = [partial(enter, acme, 2 * number), partial(enter, acme, 2 * number + 1)]
        assert set(race([*again, *again])) <= {"Identity", "NoMark"}
        found = IdentityUid.objects.filter(uid_key__in=[f"jane.{2 * number}", f"jane.{2 * number + 1}"])
        assert set(found.values_list("identity__user_id", flat=True)) == {kept.user_id}
    assert Event.objects.filter(kind="user.merged").count() == ROUNDS
    assert User.objects.count() == 2 * ROUNDS, "no third user"


def test_puts_of_one_group_at_once_leave_the_members_of_one_put_R32(race: Race, acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    people = [push(acme, number).identity for number in range(3)]
    group = create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Editors"))
    member_sets = [{one.scim_id for one in some} for some in (people[:1], people[1:], people, [])]
    for _ in range(ROUNDS):
        answers = race([partial(put, acme, group.scim_id, "Editors", *members) for members in member_sets])
        assert answers == ["PushGroup"] * AT_ONCE
        assert set(PushGroupMember.objects.values_list("identity__scim_id", flat=True)) in member_sets
        assert members_of(group) == holders()


def test_a_put_of_a_group_during_a_rename_of_its_role_leaves_grants_of_the_right_role_R28(
    race: Race, acme: Connection
) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    ids = [create_person(actor=OKTA, connection=acme, person=one).identity.scim_id for one in (JANE, ZOE)]
    group = create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Editors"))
    for number in range(ROUNDS):
        there, back = ("Authors", "Editors") if number % 2 == 0 else ("Editors", "Authors")
        acts: list[Act] = [partial(put, acme, group.scim_id, there, *ids), partial(rename, role.pk, there)]
        acts += [partial(put, acme, group.scim_id, back, ids[0]), partial(rename, role.pk, back)]
        assert race(acts) == ["PushGroup", "Role", "PushGroup", "Role"]
        group.refresh_from_db()
        assert holders() == (members_of(group) if group.role_id else set())


def members_of(group: PushGroup) -> set[UUID]:
    return set(PushGroupMember.objects.filter(group=group).values_list("identity__user_id", flat=True))


def holders() -> set[UUID]:
    return set(Grant.objects.values_list("user_id", flat=True))

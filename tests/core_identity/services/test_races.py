"""R7 and the lock order: many acts at the same instant, on the real PostgreSQL. Journeys repeat it over several processes."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from django.conf import LazySettings
from django.db import connections

from core_identity.errors import IdentityError
from core_identity.models import Connection, Grant, Identity, IdentityUid, PushGroup, PushGroupMember, Role, User
from core_identity.selectors.groups import reached_by
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire, unexpire
from core_identity.services.groups import change_group, create_group
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.roles import change_role, create_role, delete_role
from core_identity.values import ActorKind, GroupChange, Person
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.groups import push
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 12


def at_the_same_instant(acts: list[Callable[[], object]]) -> list[object]:
    """Run all acts at once, each on its own database connection; return what each returned or raised."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        try:
            start.wait(timeout=30)
            return act()
        except IdentityError as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.fixture(autouse=True)
def _everybody_may_wait(settings: LazySettings) -> None:
    """These tests check the users after a race. `tests/scim/test_busy.py` checks how many requests may wait."""
    settings.PUSHES_WAITING_PER_CUSTOMER = settings.PUSHES_WAITING = 2 * AT_ONCE


@pytest.fixture
def acme() -> Connection:
    return make_connection()


def post(acme: Connection, person: Person) -> Callable[[], object]:
    return lambda: create_person(actor=OKTA, connection=acme, person=person)


def enter(acme: Connection, person: Person) -> Callable[[], object]:
    return lambda: sign_in(actor=BROWSER, connection=acme, person=by_sso(person))


def test_eight_parallel_creates_give_one_user_R7(acme: Connection) -> None:
    answers = at_the_same_instant([post(acme, JANE)] * 8)
    assert sorted(type(answer).__name__ for answer in answers) == ["Duplicate"] * 7 + ["Outcome"]
    assert (User.objects.count(), Identity.objects.count(), IdentityUid.objects.count()) == (1, 1, 1)


def test_both_channels_at_the_same_instant_are_one_user_R7(acme: Connection) -> None:
    answers = at_the_same_instant([post(acme, JANE), enter(acme, JANE)] * (AT_ONCE // 2))
    assert (User.objects.count(), Identity.objects.count()) == (1, 1)
    assert all(isinstance(answer, Identity) for answer in answers[1::2]), "every sign-in entered"
    assert Identity.objects.get().external_id == JANE.external_id


def test_two_people_who_want_one_user_name_at_once_stay_two_people_R9(acme: Connection) -> None:
    rivals = [replace(JANE, uid=f"jane.{number}", external_id=f"e{number}") for number in range(AT_ONCE)]
    at_the_same_instant([post(acme, rival) for rival in rivals])
    assert (User.objects.count(), Identity.objects.count()) == (1, 1)


def test_expiry_and_sign_in_at_the_same_instant_leave_no_session_R21(acme: Connection) -> None:
    identity = create_person(actor=OKTA, connection=acme, person=JANE).identity

    def deactivate() -> object:
        return change_person(
            actor=OKTA,
            connection=acme,
            scim_id=identity.scim_id,
            read=lambda _: replace(JANE, active=False),
            deactivates=True,
        )

    at_the_same_instant([deactivate, *[enter(acme, JANE)] * 5])
    assert User.objects.get().expired_at is not None
    assert isinstance(at_the_same_instant([enter(acme, JANE)])[0], IdentityError)


def test_two_puts_of_one_group_and_a_role_rename_leave_grants_that_match_the_members_R32(acme: Connection) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane, zoe = (create_person(actor=OKTA, connection=acme, person=person).identity for person in (JANE, ZOE))
    group = create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Editors"))

    def put(*members: Identity) -> Callable[[], object]:
        changes = GroupChange(members=frozenset(member.scim_id for member in members))
        return lambda: change_group(actor=OKTA, connection=acme, scim_id=group.scim_id, read=lambda _: changes)

    def rename(name: str) -> Callable[[], object]:
        return lambda: change_role(actor=ADMIN, role_id=role.pk, name=name)

    at_the_same_instant([put(jane), put(zoe), put(jane, zoe), put(), rename("Authors"), rename("Editors")] * 2)
    members = set(PushGroupMember.objects.values_list("identity__user_id", flat=True))
    holders = set(Grant.objects.values_list("user_id", flat=True))
    assert members == holders


def test_expire_and_unexpire_at_the_same_instant_leave_one_truth_R24(acme: Connection) -> None:
    user_id = create_person(actor=OKTA, connection=acme, person=JANE).identity.user_id
    acts: list[Callable[[], object]] = [
        lambda: expire(actor=ADMIN, user_id=user_id, reason="left"),
        lambda: unexpire(actor=ADMIN, user_id=user_id, reason="back"),
    ]
    at_the_same_instant(acts * 4)
    user = User.objects.get()
    assert (user.expired_at is None) == (user.expired_reason == "")
    assert user.is_active == (user.expired_at is None)


def test_an_erasure_among_pushes_and_sign_ins_leaves_nothing_of_the_person_R34(acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    identity = create_person(actor=OKTA, connection=acme, person=JANE).identity
    members = GroupChange(display_name="Editors", members=frozenset({identity.scim_id}))
    group = create_group(actor=OKTA, connection=acme, change=members)
    expire(actor=ADMIN, user_id=identity.user_id, reason="left")
    root = replace(ADMIN, kind=ActorKind.SYSTEM)

    def push(**words: str) -> Callable[[], object]:
        person = replace(JANE, **words)  # type: ignore[arg-type]
        return lambda: change_person(
            actor=OKTA, connection=acme, scim_id=identity.scim_id, read=lambda _: person, deactivates=False
        )

    def put() -> object:
        return change_group(actor=OKTA, connection=acme, scim_id=group.scim_id, read=lambda _: members)

    def end() -> object:
        return erase(actor=root, user_id=identity.user_id, reason="asked")

    others = [push(title="Chief"), push(family_name="Roe"), post(acme, JANE), enter(acme, JANE), put, put]
    answers = at_the_same_instant([*others, end, *others])
    assert not isinstance(answers[len(others)], IdentityError)
    user, left = User.objects.get(), Identity.objects.get()
    assert (user.email, user.last_name, user.title, left.user_name, left.email, left.attributes) == ("",) * 5 + ({},)
    assert user.expired_at is not None
    assert not Grant.objects.exists()  # a group may still list the id, which stays (R29)


def test_one_of_two_roles_at_once_gets_the_name_R28() -> None:
    viewers = create_role(actor=ADMIN, name="Viewers")
    answers = at_the_same_instant(
        [
            lambda: create_role(actor=ADMIN, name="Editors"),
            lambda: create_role(actor=ADMIN, name="Authors", aliases=["editors"]),
            lambda: change_role(actor=ADMIN, role_id=viewers.pk, aliases=["EDITORS"]),
        ]
        * 4
    )
    won = [answer for answer in answers if isinstance(answer, Role)]
    assert {role.name for role in won} <= {"Editors", "Authors", "Viewers"}
    assert len({role.pk for role in won}) == 1
    assert Role.objects.filter(reached_by(["editors"])).count() == 1


def test_a_group_never_keeps_a_role_whose_alias_went_at_the_same_instant_R28() -> None:
    acme = make_connection()
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    for number in range(6):
        role = create_role(actor=ADMIN, name=f"Role {number}", aliases=[f"alias {number}"], grantable_by=[acme])
        at_the_same_instant(
            [
                partial(push, acme, f"alias {number}", jane),
                partial(change_role, actor=ADMIN, role_id=role.pk, aliases=[]),
            ]
        )
        assert PushGroup.objects.get(name_key=f"alias {number}").role is None
    assert not Grant.objects.exists()


def test_a_sign_in_never_keeps_a_role_that_was_closed_or_deleted_at_the_same_instant_R31() -> None:
    acme = make_connection(roles_from="sso_groups")
    sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    for number in range(6):
        role = create_role(actor=ADMIN, name=f"Role {number}", grantable_by=[acme])
        end = (
            partial(change_role, actor=ADMIN, role_id=role.pk, grantable_by=[])
            if number % 2
            else partial(delete_role, actor=ADMIN, role_id=role.pk)
        )
        enter = partial(sign_in, actor=BROWSER, connection=acme, person=by_sso(JANE, groups=(role.name,)))
        at_the_same_instant([enter, end])
        assert not Grant.objects.exists()

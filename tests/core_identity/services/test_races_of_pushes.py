"""Pushes of one person at the same instant, over processes: nothing is lost, nothing doubled, and each change has its event (R7, R34).

A push writes identity, user and events by one statement (`services.row_writes`), and only the columns that it changes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as database
from django.db import connections

from core_identity.models import Conflict, Connection, Event, Identity, IdentityUid, PushGroupMember, User
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from core_identity.services.groups import change_group, create_group
from core_identity.services.merge import merge
from core_identity.services.push import locating
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.roles import create_role
from core_identity.values import GroupChange, Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.racing import Act, Race, racing
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4
ROUNDS = 5


@pytest.fixture(scope="module")
def race(django_db_setup: None) -> Iterator[Race]:
    with racing(AT_ONCE, str(database.settings_dict["NAME"])) as running:
        yield running


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=JANE).identity


def push(connection: Connection, **values: Any) -> Outcome:
    return create_person(actor=OKTA, connection=connection, person=replace(JANE, **values))


def keys_of_one(name: str) -> dict[str, str]:
    """Return the keys of a person of this name. No two people share a key."""
    mail = f"{name}@acme.test"
    return {"uid": name, "external_id": f"id of {name}", "user_name": mail, "email": mail}


def put(connection: Connection, scim_id: UUID, **values: Any) -> Outcome:
    person = replace(JANE, **values)
    return change_person(actor=OKTA, connection=connection, scim_id=scim_id, read=lambda _: person, deactivates=False)


def patch(connection: Connection, scim_id: UUID, **values: Any) -> Outcome:
    person = Person(**values)
    deactivates = values.get("active") is False
    return change_person(
        actor=OKTA,
        connection=connection,
        scim_id=scim_id,
        read=lambda _: person,
        deactivates=deactivates,
        is_patch=True,
    )


def remove(connection: Connection, scim_id: UUID) -> None:
    remove_person(actor=OKTA, connection=connection, scim_id=scim_id)


def enter(connection: Connection, **values: Any) -> Identity:
    return sign_in(actor=BROWSER, connection=connection, person=by_sso(JANE, **values))


def end_access(user_id: UUID) -> User:
    return expire(actor=ADMIN, user_id=user_id, reason="left")


def join(kept_id: UUID, gone_id: UUID) -> User:
    return merge(actor=COMMAND, kept_id=kept_id, gone_id=gone_id, reason="one human")


def blank(user_id: UUID) -> object:
    return erase(actor=COMMAND, user_id=user_id, reason="request 4711")


def put_group(connection: Connection, scim_id: UUID, *members: UUID) -> object:
    change = GroupChange(members=frozenset(members))
    return change_group(actor=OKTA, connection=connection, scim_id=scim_id, read=lambda _: change)


def changes_of(field: str, kind: str, subject: Identity | User) -> list[tuple[Any, Any]]:
    """Return the changes of a field, in the order of their events. Each begins where the one before it ended."""
    events = Event.objects.filter(kind=kind, subject_id=subject.pk).order_by("id")
    changes = [tuple(one.changes[field]) for one in events if field in one.changes]
    assert all(before[1] == after[0] for before, after in pairwise(changes)), changes
    return changes


def test_each_of_many_puts_of_one_person_is_applied_whole_and_has_its_event_R34(
    race: Race, acme: Connection, jane: Identity
) -> None:
    for number in range(ROUNDS):
        values = [
            {
                "title": f"Title {number} {one}",
                "department": f"Part {number} {one}",
                "email": f"jane{number}{one}@acme.test",
            }
            for one in range(AT_ONCE)
        ]
        before = Identity.objects.get().version
        assert race([partial(put, acme, jane.scim_id, **one) for one in values]) == ["Outcome"] * AT_ONCE
        identity, user = Identity.objects.get(), User.objects.get()
        last = {"title": identity.title, "department": identity.department, "email": identity.email}
        assert last in values, "no mixture of two messages"
        assert (user.title, user.department) == (identity.title, identity.department)
        assert user.email == JANE.email, "the address of the user stays (R16)"
        assert identity.version == before + AT_ONCE
    for field in ("title", "department"):
        assert len(changes_of(field, "identity.changed", jane)) == len(changes_of(field, "user.changed", jane.user))
        assert changes_of(field, "identity.changed", jane)[-1][1] == last[field]
    assert Event.objects.filter(kind="identity.changed").count() == ROUNDS * AT_ONCE


def test_a_merge_just_before_the_lock_is_seen_and_its_user_is_locked(
    acme: Connection, jane: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement that takes all locks at once begins before the merge, and ends after it."""
    zoe = create_person(actor=OKTA, connection=make_connection("second"), person=ZOE).identity
    slow = "(SELECT pg_sleep(2) IS NOT NULL AND pg_try_advisory_xact_lock(%(customer)s::bigint))"
    monkeypatch.setattr(locating, "_LOCK_AT_ONCE", locating._locking(slow))
    merging, locks = Thread(target=closing(join), args=(zoe.user_id, jane.user_id)), []

    def watch(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if "FOR NO KEY UPDATE OF u, i" in sql:
            locks.append(sql)
        if "pg_sleep" in sql:
            merging.start()
        return execute(sql, *rest)

    with database.execute_wrapper(watch):
        outcome = patch(acme, jane.scim_id, title="Chief")
    merging.join()
    assert len(locks) == 2, "again, for the user of now"
    assert outcome.identity.user_id == zoe.user_id
    assert User.objects.get(pk=zoe.user_id).title == "Chief"


def closing(act: Callable[..., object]) -> Callable[..., None]:
    """Return ``act`` for a thread, which closes its connections at the end."""

    def run(*values: object) -> None:
        try:
            act(*values)
        finally:
            connections.close_all()

    return run


def test_patches_of_different_attributes_at_once_are_all_applied(race: Race, acme: Connection, jane: Identity) -> None:
    for number in range(ROUNDS):
        values = {
            "title": f"Title {number}",
            "department": f"Part {number}",
            "organization": f"Company {number}",
            "email": f"jane{number}@acme.test",
        }
        race([partial(patch, acme, jane.scim_id, **{name: value}) for name, value in values.items()])
        assert Identity.objects.filter(**{"title": "", "department": "", **values}).count() == 1
        user = User.objects.get()
        assert (user.title, user.department, user.company) == tuple(values.values())[:3]
    assert Identity.objects.get().version == jane.version + ROUNDS * AT_ONCE


def test_a_push_and_a_sign_in_of_one_person_both_count(race: Race, acme: Connection, jane: Identity) -> None:
    enter(acme)
    before = Identity.objects.get().version
    for number in range(ROUNDS):
        answers = race(
            [
                partial(patch, acme, jane.scim_id, title=f"Title {number}"),
                partial(enter, acme, title=None, department=f"Part {number}", organization=None),
                partial(patch, acme, jane.scim_id, organization=f"Company {number}"),
                partial(enter, acme, title=None, department=None, organization=None),
            ]
        )
        assert answers == ["Outcome", "Identity"] * 2
        for one in (Identity.objects.get(), User.objects.get()):
            company = getattr(one, "organization", None) or getattr(one, "company", None)
            assert (one.title, one.department, company) == (f"Title {number}", f"Part {number}", f"Company {number}")
    identity = Identity.objects.get()
    assert identity.version == before + 3 * ROUNDS
    assert (identity.external_id, identity.name_id) == (JANE.external_id, JANE.user_name)
    assert Event.objects.filter(kind="user.signed_in").count() == 1 + 2 * ROUNDS
    for field in ("title", "department"):
        assert len(changes_of(field, "identity.changed", jane)) == ROUNDS
        assert len(changes_of(field, "user.changed", jane.user)) == ROUNDS


@pytest.mark.parametrize("shared", ["user_name", "email"])
def test_one_of_the_creates_with_one_name_by_two_connections_makes_a_user_R9(
    race: Race, acme: Connection, shared: str
) -> None:
    second = make_connection("acme-two")
    for number in range(ROUNDS):
        same = {shared: f"jane{number}@acme.test"}
        acts: list[Act] = [
            partial(push, (acme, second)[one % 2], **keys_of_one(f"jane{number}-{one}") | same)
            for one in range(AT_ONCE)
        ]
        answers = race(acts)
        assert sorted(answers) == ["Conflict"] * (AT_ONCE - 1) + ["Outcome"], answers
    assert User.objects.count() == Identity.objects.count() == IdentityUid.objects.count() == ROUNDS
    assert Event.objects.filter(kind="user.created").count() == ROUNDS
    assert Event.objects.filter(kind="scim.refused").count() == ROUNDS * (AT_ONCE - 1)
    assert Conflict.objects.filter(state="open").count() == ROUNDS * (AT_ONCE - 1)


def test_creates_with_one_uid_by_two_connections_are_two_people_R1(race: Race, acme: Connection) -> None:
    second = make_connection("acme-two")
    for number in range(ROUNDS):
        people = [keys_of_one(f"{one}{number}") | {"uid": f"jane.{number}"} for one in "ab"]
        acts = [partial(push, acme, **people[0]), partial(push, second, **people[1])]
        assert sorted(race([*acts, *acts])) == ["Duplicate"] * 2 + ["Outcome"] * 2
    assert User.objects.count() == IdentityUid.objects.count() == 2 * ROUNDS


def test_creates_of_one_name_by_different_customers_are_users_with_different_usernames_R8(race: Race) -> None:
    connections = [make_connection(f"c{one}", customer=f"Customer {one}") for one in range(AT_ONCE)]
    for number in range(ROUNDS):
        keys = keys_of_one(f"jane{number}")
        assert race([partial(push, one, **keys) for one in connections]) == ["Outcome"] * AT_ONCE
        users = User.objects.filter(email_key=keys["email"])
        assert len(set(users.values_list("username_key", flat=True))) == AT_ONCE
        assert len(set(users.values_list("customer_id", flat=True))) == AT_ONCE
        assert set(Identity.objects.filter(user__in=users).values_list("user_name", flat=True)) == {keys["user_name"]}


def test_a_push_beside_an_expiry_undoes_no_part_of_the_expiry_R24(race: Race, acme: Connection) -> None:
    for number in range(ROUNDS):
        mine = keys_of_one(f"jane{number}")
        identity = push(acme, **mine).identity
        answers = race(
            [
                partial(put, acme, identity.scim_id, title="Chief", **mine),
                partial(end_access, identity.user_id),
                partial(patch, acme, identity.scim_id, active=True, department="Board"),
                partial(
                    enter,
                    acme,
                    uid=mine["uid"],
                    name_id=mine["user_name"],
                    email=mine["email"],
                    title=None,
                    department=None,
                ),
            ]
        )
        assert answers[:3] == ["Outcome", "User", "Outcome"]
        assert answers[3] in {"Identity", "MayNotSignIn"}
        identity = Identity.objects.select_related("user").get(pk=identity.pk)
        user = identity.user
        assert (user.expired_reason, user.expired_connection_id) == ("left", None)
        assert user.expired_at is not None
        assert (identity.title, user.title) == ("Chief", "Chief")
        assert user.session_epoch == 1
        assert Event.objects.filter(kind="user.expired", user_id=user.pk).count() == 1


def test_a_push_beside_a_deletion_leaves_an_expired_user_R20(race: Race, acme: Connection) -> None:
    for number in range(ROUNDS):
        mine = keys_of_one(f"jane{number}")
        identity = push(acme, **mine).identity
        answers = race(
            [
                partial(put, acme, identity.scim_id, title="Chief", **mine),
                partial(remove, acme, identity.scim_id),
                partial(patch, acme, identity.scim_id, active=False),
                partial(patch, acme, identity.scim_id, department="Board"),
            ]
        )
        assert answers[1] == "NoneType"
        assert set(answers) <= {"Outcome", "NoneType", "NotFound"}
        identity = Identity.objects.select_related("user").get(pk=identity.pk)
        assert (identity.active, identity.deleted_at is None, identity.user.expired_at is None) == (False, False, False)
        assert Event.objects.filter(kind="user.expired", user_id=identity.user_id).count() == 1


def test_pushes_beside_a_merge_are_on_the_kept_user_R11(race: Race, acme: Connection) -> None:
    second = make_connection("acme-two")
    for number in range(ROUNDS):
        kept, gone = (
            push(acme, **keys_of_one(f"a{number}")).identity,
            push(second, **keys_of_one(f"b{number}")).identity,
        )
        answers = race(
            [
                partial(join, kept.user_id, gone.user_id),
                partial(patch, acme, kept.scim_id, title=f"Title {number}"),
                partial(patch, second, gone.scim_id, department=f"Part {number}"),
                partial(patch, second, gone.scim_id, organization=f"Company {number}"),
            ]
        )
        assert answers == ["User", "Outcome", "Outcome", "Outcome"]
        mine = Identity.objects.filter(user=kept.user_id)
        assert {one.pk for one in mine} == {kept.pk, gone.pk}
        first, other = mine.get(pk=kept.pk), mine.get(pk=gone.pk)
        assert (first.title, other.department, other.organization) == (
            f"Title {number}",
            f"Part {number}",
            f"Company {number}",
        )
        assert User.objects.get(pk=kept.user_id).title == f"Title {number}"
        assert first.version > kept.version
        assert other.version >= gone.version + 3, "two pushes and the move"


def test_an_erasure_beside_pushes_leaves_no_value_of_the_person_anywhere_R34(race: Race, acme: Connection) -> None:
    for number in range(ROUNDS):
        mine = keys_of_one(f"jane{number}")
        identity = push(acme, **mine).identity
        end_access(identity.user_id)
        answers = race(
            [
                partial(put, acme, identity.scim_id, title="Chief of Jane", **mine),
                partial(blank, identity.user_id),
                partial(patch, acme, identity.scim_id, family_name="Doe-Roe"),
                partial(patch, acme, identity.scim_id, active=False, given_name="Janet"),
            ]
        )
        assert answers[1] == "ErasePlan"
        assert set(answers) - {"ErasePlan"} <= {"Outcome", "NotFound"}
        # The UID stays, as a key of the identity and of the expiry.
        people = [{**one, "expired_snapshot": None} for one in User.objects.values()]
        rows = [*people, *Identity.objects.values(), *Event.objects.values(), *Conflict.objects.values()]
        assert [str(row) for row in rows if re.search("jane|doe|chief", str(row), re.IGNORECASE)] == []


def test_a_deactivation_beside_pushes_of_a_group_leaves_both_R23(race: Race, acme: Connection) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    group = create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Editors"))
    for number in range(ROUNDS):
        mine = keys_of_one(f"jane{number}")
        identity = push(acme, **mine).identity
        answers = race(
            [
                partial(patch, acme, identity.scim_id, active=False),
                partial(put_group, acme, group.scim_id, identity.scim_id, zoe.scim_id),
                partial(put_group, acme, group.scim_id, zoe.scim_id, identity.scim_id),
                partial(patch, acme, identity.scim_id, title="Chief"),
            ]
        )
        assert answers == ["Outcome", "PushGroup", "PushGroup", "Outcome"]
        user = User.objects.get(pk=identity.user_id)
        assert (user.expired_at is None, user.title) == (False, "Chief")
        members = set(PushGroupMember.objects.values_list("identity__user_id", flat=True))
        assert members == {identity.user_id, zoe.user_id} == set(role.grants.values_list("user_id", flat=True))
        assert Event.objects.filter(kind="user.expired", user_id=user.pk).count() == 1

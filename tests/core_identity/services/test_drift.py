"""R18: the database finds the same drift as the policy, and an administrator may accept the IdP's value."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core_identity import attributes
from core_identity.errors import InvalidValue, NameTaken, NotAllowed, NotFound
from core_identity.migrations import _drift
from core_identity.models import Connection, Event, Identity, IdentityUid, User
from core_identity.policy.projection import COMPARED
from core_identity.selectors.drift import FIELDS, drift_in, drift_of, drifting
from core_identity.services.drift import accept_drift
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.users import change_user, create_user
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db
MARRIED: dict[str, Any] = {"family_name": "Roe", "email": "jane.roe@acme.test", "user_name": "jane.roe@acme.test"}


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    """Jane has married: the IdP calls her Roe, and no channel changes the user (R4, R8, R16)."""
    identity = create_person(actor=OKTA, connection=acme, person=JANE).identity
    return say(identity, **MARRIED)


@pytest.fixture
def zoe(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=ZOE).identity


def say(identity: Identity, **values: Any) -> Identity:
    person = Person(**values)
    return change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=False,
    ).identity


def take(identity: Identity, *fields: str, actor: Any = ADMIN) -> dict[str, tuple[str, str]]:
    return accept_drift(
        actor=actor, user_id=identity.user_id, identity_id=identity.pk, fields=fields, reason="married, ticket 4711"
    )


def drifted(identity: Identity) -> set[str]:
    return {one.field for one in drift_of(User.objects.get(pk=identity.user_id))}


def test_accepted_values_are_one_event_with_old_and_new_R18(jane: Identity) -> None:
    assert drifted(jane) == {"username", "email", "last_name"}
    take(jane, "last_name", "email", "username")
    user = User.objects.get()
    assert (user.last_name, user.email, user.username) == ("Roe", "jane.roe@acme.test", "jane.roe@acme.test")
    assert (user.email_key, user.username_key) == ("jane.roe@acme.test", "jane.roe@acme.test")
    assert drifted(jane) == set()
    event = Event.objects.get(kind="user.drift_accepted")
    assert (event.user_id, event.connection_slug, event.actor, event.reason) == (
        user.pk, "acme", "boss", "married, ticket 4711"
    )  # fmt: skip
    assert event.changes == {
        "last_name": ["Doe", "Roe"],
        "email": ["jane.doe@acme.test", "jane.roe@acme.test"],
        "username": ["jane.doe@acme.test", "jane.roe@acme.test"],
    }


def test_only_the_named_fields_are_accepted_R18(jane: Identity) -> None:
    take(jane, "last_name")
    assert drifted(jane) == {"username", "email"}


def test_a_name_that_was_emptied_is_accepted_only_by_an_administrator_R17_R18(zoe: Identity) -> None:
    say(zoe, family_name="")
    assert User.objects.get().last_name == "Müller"
    take(zoe, "last_name")
    assert User.objects.get().last_name == ""


@pytest.mark.parametrize(
    "fields", [(), ("title",), ("email", "uid"), ("password",)], ids=lambda fields: "+".join(fields)
)
def test_only_values_that_differ_can_be_accepted_R18(fields: tuple[str, ...], jane: Identity) -> None:
    with pytest.raises(NotAllowed):
        take(jane, *fields)
    assert drifted(jane) == {"username", "email", "last_name"}
    assert not Event.objects.filter(kind="user.drift_accepted").exists()


def test_an_email_that_another_user_of_the_customer_holds_is_not_accepted_R16(acme: Connection, jane: Identity) -> None:
    create_user(actor=ADMIN, username="other", email="Jane.Roe@acme.test", customer=acme.customer)
    with pytest.raises(NameTaken):
        take(jane, "last_name", "email")
    assert User.objects.get(pk=jane.user_id).last_name == "Doe", "all or nothing"
    change_user(actor=ADMIN, user_id=jane.user_id, email_shared=True)
    take(jane, "email")


def test_the_same_email_at_another_customer_is_in_nobody_s_way_R1(acme: Connection, jane: Identity) -> None:
    globex = make_connection("globex", customer="Globex")
    create_user(actor=ADMIN, username="other", email="jane.roe@acme.test", customer=globex.customer)
    take(jane, "email")


def test_a_username_stays_unique_in_all_of_core_R8(jane: Identity) -> None:
    create_user(actor=ADMIN, username="JANE.ROE@acme.test")
    with pytest.raises(NameTaken):
        take(jane, "username")


def test_accepting_a_drifted_uid_moves_it_and_ends_the_sessions_R8a_R18(zoe: Identity) -> None:
    identity = say(zoe, uid="zoë.weiß")
    assert (identity.drift_uid, drifted(zoe)) == ("zoë.weiß", {"uid"})
    assert take(zoe, "uid") == {"uid": ("zoë.müller", "zoë.weiß")}
    zoe.refresh_from_db()
    assert (zoe.drift_uid, zoe.session_epoch, drifted(zoe)) == ("", identity.session_epoch + 1, set())
    assert {row.uid: row.current for row in zoe.uids.all()} == {"zoë.weiß": True, "zoë.müller": False}


def test_a_uid_that_somebody_else_got_meanwhile_is_not_given_R5(acme: Connection, zoe: Identity) -> None:
    say(zoe, uid="zoë.weiß")
    kim = replace(JANE, uid="zoë.weiß", external_id="00u3", user_name="kim@acme.test", email="kim@acme.test")
    create_person(actor=OKTA, connection=acme, person=kim)
    with pytest.raises(NameTaken):
        take(zoe, "uid")
    assert IdentityUid.objects.get(uid="zoë.weiß").identity_id != zoe.pk


def test_a_uid_kept_as_drift_writes_one_event_and_a_repetition_none_R18(zoe: Identity) -> None:
    for _ in range(3):
        say(zoe, uid="zoë.weiß")
    event = Event.objects.get(kind="identity.changed")
    assert event.changes == {"drift_uid": ["", "zoë.weiß"]}
    say(zoe, uid="zoë.müller")
    assert Event.objects.filter(kind="identity.changed").count() == 2
    assert drifted(zoe) == set()


def test_only_a_superuser_takes_over_for_staff_R26(jane: Identity) -> None:
    change_user(actor=COMMAND, user_id=jane.user_id, is_staff=True)
    desk = create_user(actor=COMMAND, username="desk", is_staff=True)
    root = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)
    with pytest.raises(NotAllowed):
        take(jane, "email", actor=replace(ADMIN, id=str(desk.pk)))
    take(jane, "email", actor=replace(ADMIN, id=str(root.pk)))


def test_an_identity_of_somebody_else_is_refused_R1(jane: Identity, zoe: Identity) -> None:
    with pytest.raises(NotFound):
        accept_drift(actor=ADMIN, user_id=zoe.user_id, identity_id=jane.pk, fields=["email"], reason="x")


def test_blanks_around_a_value_stay_with_the_identity_and_reach_no_user_R17_R19(acme: Connection) -> None:
    spaced = replace(
        JANE, given_name=" Jane", family_name="Doe ", title="Editor\u00a0", department="\tPress", organization=" "
    )
    identity = create_person(actor=OKTA, connection=acme, person=spaced).identity
    user = identity.user
    assert (user.first_name, user.last_name, user.title, user.department, user.company) == (
        "Jane", "Doe", "Editor", "Press", ""
    )  # fmt: skip
    assert (drifted(identity), drifting().exists()) == (set(), False)
    before = Event.objects.count()
    say(identity, given_name=" Jane", title="Editor\u00a0")
    sign_in(actor=BROWSER, connection=acme, person=by_sso(replace(JANE, organization="")))
    identity.refresh_from_db()
    assert (identity.given_name, identity.title, identity.organization) == (" Jane", "Editor\u00a0", " ")
    new = Event.objects.order_by("id")[before:]
    assert [set(one.changes) for one in new if one.kind != "user.signed_in"] == [{"name_id"}]
    say(identity, family_name=" Roe ", title=" Chief ")
    assert User.objects.get().title == "Chief"
    assert take(identity, "last_name") == {"last_name": ("Doe", "Roe")}
    for wrong in ({"title": "a\x0b"}, {"title": "\x0ba"}, {"department": " " * 1_025}):
        with pytest.raises(InvalidValue):
            say(identity, **wrong)


def test_a_person_who_came_by_sign_in_only_has_no_username_to_differ_R8(acme: Connection) -> None:
    identity = sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    User.objects.filter(pk=identity.user_id).update(username="jd", username_key="jd")
    assert drifted(identity) == set()
    assert not drifting().exists()


def test_a_deleted_resource_has_no_drift_R18(jane: Identity) -> None:
    remove_person(actor=OKTA, connection=jane.connection, scim_id=jane.scim_id)
    assert drifted(jane) == set()
    assert not drifting().exists()


def test_the_database_finds_the_same_drift_as_the_policy_R18(acme: Connection) -> None:
    """Every field: equal, different, empty at the IdP, empty here, or only blanks more; pushed, or by sign-in only."""
    texts = ("", "this", "That")
    blanks = "".join(character for character in map(chr, range(0x110000)) if character.isspace())
    pairs = [(new_value, old_value, pushed) for new_value in texts for old_value in texts for pushed in (True, False)]
    pairs += [(f"{blanks}this{blanks}", "this", True), (f"{blanks}that", "this", True), (blanks, "this", True)]
    number = 0
    for source in (*COMPARED, "drift_uid"):
        for new_value, old_value, pushed in pairs:
            number += 1
            name = f"person{number}"
            user = User.objects.create(
                username=name, username_key=name, **dict.fromkeys(("email", *attributes.FIELDS), old_value)
            )
            same = dict.fromkeys(("email", *attributes.SOURCES), old_value)
            Identity.objects.create(
                connection=acme,
                user=user,
                pushed_at=timezone.now() if pushed else None,
                **{"user_name": name, **same, source: new_value},
            )
    everybody = list(Identity.objects.select_related("user", "connection").prefetch_related("uids"))
    assert {one.pk for one in drifting()} == {one.pk for one in everybody if drift_in(one)}
    for field in FIELDS:
        expected = {one.pk for one in everybody if field in {drift.field for drift in drift_in(one)}}
        assert {one.pk for one in drifting(field)} == expected
        assert expected


def test_a_migration_can_create_the_triggers_again_with_another_pair_R18(zoe: Identity) -> None:
    with database.cursor() as cursor:
        cursor.execute(_drift.DROP + _drift.triggers([("name_id", "company")]))
    Identity.objects.filter(pk=zoe.pk).update(name_id="persistent-1")
    assert list(drifting("company")) == [zoe]
    User.objects.filter(pk=zoe.user_id).update(company="persistent-1")
    assert not drifting().exists()


def test_the_drift_of_a_connection_takes_two_queries_whatever_its_size_R18(acme: Connection) -> None:
    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(database) as queries:
            found = [drift_in(one) for one in drifting().filter(connection=acme)]
        return len(found), len(queries)

    for number in range(20):
        name = f"person{number}"
        person = replace(JANE, uid=name, external_id=name, user_name=f"{name}@acme.test", email=f"{name}@acme.test")
        identity = create_person(actor=OKTA, connection=acme, person=person).identity
        if number % 2:
            say(identity, uid=f"new.{name}")
    say(identity, email="new@acme.test")
    assert cost() == (10, 2)

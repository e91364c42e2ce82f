"""The hand-written statements of pushes, each compared with the models."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from core_identity.models import Conflict, Connection, Event, Identity, IdentityUid, PushGroup, PushGroupMember, User
from core_identity.selectors import resources
from core_identity.selectors.newcomers import is_newcomer
from core_identity.selectors.stored import facts_of, resource_row_of, stored_person, stored_row
from core_identity.services import row_writes
from core_identity.services.identities import free_username
from core_identity.services.push.provisioning import create_person
from core_identity.services.uniqueness import holders_of_email, users_with_name
from core_identity.values import Person
from tests.support.cast import JANE, OKTA, ZOE, make_connection


@pytest.fixture
def acme(db: None) -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=replace(JANE, attributes={"locale": "de"})).identity


def columns(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def conflict(connection: Connection, **fields: Any) -> Conflict:
    now = timezone.now()
    usual = {"cause": "email", "cause_key": str(now), "channel": "scim", "first_at": now, "last_at": now}
    return Conflict.objects.create(**({"connection": connection, **usual} | fields))


def test_a_stored_person_has_the_same_values_as_the_models(acme: Connection, jane: Identity) -> None:
    for name in ("Writers", "Editors"):
        group = PushGroup.objects.create(connection=acme, display_name=name, name_key=name.lower())
        PushGroupMember.objects.create(group=group, identity=jane)
    for derived in (False, True, None):
        if derived is None:
            IdentityUid.objects.all().delete()
        else:
            IdentityUid.objects.update(derived=derived)
        found = stored_person(acme, jane.scim_id)
        by_models = Identity.objects.select_related("user", "connection").get(pk=jane.pk)
        assert found is not None
        assert columns(found) == columns(by_models)
        assert columns(found.user) == columns(by_models.user)
        assert columns(found.connection) == columns(by_models.connection)
        assert resource_row_of(found) == resources.scim_identity(acme, jane.scim_id)
        assert found.loaded is not None
        assert found.loaded.uid_row == IdentityUid.objects.filter(identity=jane, current=True).first()


@pytest.mark.parametrize("uid", ["sent", "derived", "none"])
@pytest.mark.parametrize("pending", [False, True])
def test_a_stored_row_is_the_same_as_the_stored_person(
    acme: Connection, jane: Identity, uid: str, pending: bool
) -> None:
    group = PushGroup.objects.create(connection=acme, display_name="Writers", name_key="writers")
    PushGroupMember.objects.create(group=group, identity=jane)
    Identity.objects.update(drift_uid="other", name_id="Jane", name_id_key="jane", offered_at=timezone.now())
    User.objects.update(title="Boss")
    if pending:
        conflict(acme, subject=jane, other=jane.user)
    if uid == "none":
        IdentityUid.objects.all().delete()
    else:
        IdentityUid.objects.update(derived=uid == "derived")
    for rule, enabled in (("name", True), ("other", False)):
        Connection.objects.update(uid_rule=rule, enabled=enabled)
        row, by_models = stored_row(acme, jane.scim_id), stored_person(acme, jane.scim_id)
        assert row is not None
        assert by_models is not None
        assert (row.resource_row, row.facts) == (resource_row_of(by_models), facts_of(by_models))
        assert row.facts.has_conflict is pending
        assert row.enabled is enabled
        assert columns(row.identity) == columns(by_models)


@pytest.mark.parametrize(
    "fields",
    [{"deleted_at": timezone.now()}, {"pushed_at": None}],
    ids=["deleted", "never pushed"],
)
def test_only_a_resource_of_the_connection_is_found_R1(acme: Connection, jane: Identity, fields: Any) -> None:
    other = make_connection("globex", customer="Globex")
    assert (stored_person(other, jane.scim_id), stored_row(other, jane.scim_id)) == (None, None)
    Identity.objects.filter(pk=jane.pk).update(**fields)
    assert (stored_person(acme, jane.scim_id), stored_row(acme, jane.scim_id)) == (None, None)


def test_a_pending_conflict_sends_each_key_of_the_person_to_the_slow_path_R9(acme: Connection, jane: Identity) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    keys = {"uid_key": "jane.doe", "external_id": "00u1jane"}
    theirs: tuple[dict[str, Any], ...] = (
        {"subject": jane, "other": zoe.user},
        {"other": jane.user},
        {"other": zoe.user, **keys},
        {"other": zoe.user, "uid_key": "jane.doe@acme.test"},
        {"other": zoe.user, **keys, "state": "same_person", "let_through": True},
    )
    nobodys: tuple[dict[str, Any], ...] = (
        {"other": zoe.user, "uid_key": "somebody"},
        {"other": zoe.user, **keys, "state": "gone"},
        {"other": jane.user, "connection": make_connection("second")},
    )
    for fields in (*theirs, *nobodys):
        met = conflict(**{"connection": acme, **fields})
        found = stored_person(acme, jane.scim_id)
        assert found is not None
        assert found.loaded is not None
        assert (("jane.doe", "00u1jane") in found.loaded.settled_keys) == (fields in nobodys), fields
        met.delete()


NEWCOMER = Person(
    uid="new", external_id="00unew", user_name="New@acme.test", email="post@acme.test", given_name="N", family_name="C"
)


def meets_nobody(connection: Connection, person: Person) -> bool:
    """Return the same by the look-ups that decide in all other cases."""
    from core_identity.keys import key
    from core_identity.services.push.locating import offered_as, owner_of_uid

    name = person.user_name or ""
    here = Identity.objects.filter(connection=connection)
    return not (
        here.filter(external_id=person.external_id).exists()
        or here.filter(user_name_key=key(name)).exists()
        or owner_of_uid(connection, person.uid or name)
        or offered_as(connection, name)
        or users_with_name(connection, key(name))
        or holders_of_email(connection, key(person.email or ""))
        or free_username(name) != name
    )


def test_a_newcomer_shares_no_key_with_anybody(acme: Connection, jane: Identity) -> None:
    second, globex = make_connection("second"), make_connection("globex", customer="Globex")
    jane.user.save()
    Identity.objects.filter(pk=jane.pk).update(name_id="Old@acme.test", name_id_key="old@acme.test")
    User.objects.filter(pk=jane.user_id).update(email="post2@acme.test", email_key="post2@acme.test")
    assert is_newcomer(acme, NEWCOMER)
    same: tuple[dict[str, Any], ...] = (
        {"uid": "JANE.doe"},
        {"uid": None, "user_name": "jane.doe"},
        {"external_id": "00u1jane"},
        {"user_name": "jane.DOE@acme.test"},
        {"user_name": "old@acme.test"},
        {"email": "Jane.Doe@acme.test"},
        {"email": "post2@acme.test"},
    )
    for changes in same:
        assert not is_newcomer(acme, replace(NEWCOMER, **changes)), changes
    for connection in (acme, second, globex):
        for changes in (*same, {}, {"external_id": None}, {"email": None}, {"uid": None}):
            person = replace(NEWCOMER, **changes)
            assert not is_newcomer(connection, person) or meets_nobody(connection, person), (connection, changes)
    assert is_newcomer(globex, replace(NEWCOMER, email="post2@acme.test", external_id="00u1jane", uid="jane.doe"))
    met = conflict(acme, other=jane.user, uid_key="new", external_id="00unew")
    assert not is_newcomer(acme, NEWCOMER)
    met.delete()
    Connection.objects.filter(pk=acme.pk).update(enabled=False)
    assert not is_newcomer(acme, NEWCOMER)


def test_rows_are_written_as_save_writes_them(acme: Connection, jane: Identity) -> None:
    def new_rows(number: int) -> tuple[models.Model, ...]:
        user = User(
            customer=acme.customer, username=f"u{number}", username_key=f"u{number}", expired_snapshot=[{"a": 1}]
        )
        identity = Identity(connection=acme, user=user, user_name=f"n{number}", attributes={"bb": [1.5], "a": None})
        uid = IdentityUid(connection=acme, identity=identity, uid=f"U{number}", uid_key=f"u{number}")
        story = [Event(at=timezone.now(), kind=kind, channel="scim", actor_kind="system", actor="x") for kind in "ab"]
        return user, identity, uid, *story

    saved, inserted = new_rows(1), new_rows(2)
    found: models.Model
    for row in saved:
        row.save(force_insert=True)
    row_writes.insert(*inserted)
    for one, other in zip(saved, inserted, strict=True):
        key = {"uuid": other.uuid} if isinstance(other, Event) else {"pk": other.pk}
        found = type(other)._default_manager.get(**key)
        as_saved, as_inserted = columns(type(one)._default_manager.get(pk=one.pk)), columns(found)
        for name, value in as_saved.items():
            if name in {"created_at", "changed_at"}:
                assert abs(value - as_inserted[name]) < timedelta(minutes=1)
            elif name not in {"id", "uuid", "at", "scim_id", "user_id", "identity_id"}:
                assert str(value).replace("1", "2") == str(as_inserted[name]).replace("1", "2"), name
    assert list(Event.objects.filter(actor="x").order_by("id").values_list("kind", flat=True)) == ["a", "b"] * 2

    jane.title, jane.attributes, jane.email = "Chief", {"x": {"y": [True]}}, "not written"
    row_writes.update(jane, ["title", "attributes"])
    jane.refresh_from_db()
    assert (jane.title, jane.attributes, jane.email) == ("Chief", {"x": {"y": [True]}}, JANE.email)


def test_rows_of_several_models_are_written_in_one_statement_and_json_is_read_again(
    acme: Connection, jane: Identity, django_assert_num_queries: Any
) -> None:
    stored, user = {"b": 1.5, "aa": {"c": "\u2028'\"\\", "d": None}}, jane.user
    jane.attributes, jane.version, user.title = dict(reversed(stored.items())), 7, "Chief"
    event = Event(at=timezone.now(), kind="a", channel="scim", actor_kind="system", actor="x", changes=stored)
    with django_assert_num_queries(1):
        row_writes.write(
            updates=[(jane, ["attributes", "version"]), (user, {"title": "Chief"})],
            inserts=[event],
            read_again=(jane, "attributes"),
        )
    assert list(jane.attributes.items()) == list(stored.items())
    assert columns(Identity.objects.get(pk=jane.pk)) == columns(jane)
    assert User.objects.get(pk=user.pk).title == "Chief"
    assert columns(Event.objects.get(uuid=event.uuid)) | {"id": None} == columns(event)

    other = Identity(connection=acme, user=User(username="n", username_key="n"))
    other.attributes = dict(reversed(stored.items()))
    with django_assert_num_queries(1):
        row_writes.write(inserts=[other.user, other], read_again=(other, "attributes"))
    assert list(other.attributes.items()) == list(stored.items())
    assert columns(Identity.objects.get(pk=other.pk)) == columns(other)

    with django_assert_num_queries(1):
        row_writes.write(updates=[(jane, ()), (user, ["title"])], read_again=(jane, "attributes"))
    with django_assert_num_queries(0):
        row_writes.write(updates=[(jane, ()), (user, {})], read_again=(jane, "attributes"))

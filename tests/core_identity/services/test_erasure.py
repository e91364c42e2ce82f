"""R34, erase: a person's values go for good; ids, UID keys and the expiry stay, so that nobody can return under the old UID."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from django.core import serializers
from django.db import connection as database
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone

from core_identity.errors import Conflict as Contradiction
from core_identity.errors import IdentityError, NotAllowed, NotFound
from core_identity.event_kinds import EventKind
from core_identity.models import (
    Conflict,
    Connection,
    Event,
    Grant,
    Identity,
    IdentityUid,
    PushGroup,
    Role,
    SetupLink,
    User,
)
from core_identity.portal.links import actor_of, make_link
from core_identity.selectors.users import status_of
from core_identity.services import events
from core_identity.services.erasure import erase, plan_erase
from core_identity.services.expiry import expire, unexpire
from core_identity.services.groups import create_group
from core_identity.services.merge import merge
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.resolutions import different_people, same_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.split import split_off
from core_identity.services.users import change_user, create_user
from core_identity.values import Actor, ActorKind, Channel, GroupChange
from core_identity.write_guard import service_writes
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.plans import rows_read
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db

ROOT = replace(ADMIN, kind=ActorKind.SYSTEM, label="command line")
BY_JANE = Actor(Channel.SSO, ActorKind.SIGN_IN, "jane.doe by SSO", request_id="REQSSO")
WHY = "request 4711"
TRACES = ("jane", "doe", "00u1jane", "Editor", "Press")
"""Texts that must not be found anywhere afterwards. Her UID key is ``jane.doe``, and may stay where UIDs are kept."""


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    """Jane with rows of every kind: roles, a sign-in, conflicts in every direction, refusals, a renaming."""
    create_role(actor=ADMIN, name="Writers", grantable_by=[acme])
    identity = create_person(actor=OKTA, connection=acme, person=JANE).identity
    group = GroupChange(display_name="Writers", add=frozenset({identity.scim_id}))
    create_group(actor=OKTA, connection=acme, change=group)
    sign_in(actor=BY_JANE, connection=acme, person=by_sso(JANE))
    newcomer = replace(JANE, uid="other", external_id="00u7")
    stranger = by_sso(JANE, name_id="x@acme.test", email="x@acme.test")
    for push in (newcomer, replace(newcomer, user_name="x@acme.test"), JANE):
        with pytest.raises(IdentityError):
            create_person(actor=OKTA, connection=acme, person=push)
    with pytest.raises(IdentityError):
        sign_in(actor=BY_JANE, connection=acme, person=stranger)
    renamed = replace(JANE, user_name="jane.roe@acme.test", title="Doe's chief")
    change_person(actor=OKTA, connection=acme, scim_id=identity.scim_id, read=lambda _: renamed, deactivates=False)
    expire(actor=ADMIN, user_id=identity.user_id, reason="Jane Doe left")
    return identity


def everything() -> str:
    """Return all rows with personal data, as text in lower case."""
    rows = [list(model.objects.all()) for model in (User, Identity, IdentityUid, Conflict, Event, Grant, PushGroup)]
    fields = [json.loads(serializers.serialize("json", found)) for found in rows]
    for row in (row for found in fields for row in found):
        row["fields"].pop("uid_key", None)
        for snapshot in row["fields"].get("expired_snapshot", ()):
            snapshot.pop("uid")
    return json.dumps(fields, ensure_ascii=False).lower()


def test_nothing_of_the_person_is_left_to_read_R34(jane: Identity) -> None:
    before = everything()
    assert all(trace.lower() in before for trace in TRACES)
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    after = everything()
    assert [trace for trace in TRACES if trace.lower() in after] == []


def test_id_uid_key_and_expiry_stay_R34(jane: Identity) -> None:
    at = User.objects.get(pk=jane.user_id).expired_at
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    user = User.objects.get(pk=jane.user_id)
    assert (user.expired_at, user.expired_by, user.is_active) == (at, ADMIN.label, False)
    assert list(IdentityUid.objects.filter(identity=jane).values_list("uid_key", "uid")) == [("jane.doe", "erased")]
    assert not Grant.objects.filter(user=user).exists()


def test_no_event_is_lost_and_the_act_leaves_its_own_event_R34(jane: Identity) -> None:
    before = dict(Event.objects.values_list("pk", "kind"))
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    after = dict(Event.objects.values_list("pk", "kind"))
    assert before.items() <= after.items()
    event = Event.objects.get(kind="user.erased")
    assert (event.actor, event.reason, event.user_id) == ("command line", WHY, jane.user_id)


def test_an_erased_uid_that_returns_is_a_conflict_and_not_a_second_user_R5_R34(
    acme: Connection, jane: Identity
) -> None:
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    users = User.objects.count()
    with pytest.raises(Contradiction):
        create_person(actor=OKTA, connection=acme, person=JANE)
    with pytest.raises(Contradiction):
        sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    assert User.objects.count() == users


def test_the_resource_is_gone_and_name_and_address_are_free_R20_R34(acme: Connection, jane: Identity) -> None:
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    with pytest.raises(NotFound):
        change_person(actor=OKTA, connection=acme, scim_id=jane.scim_id, read=lambda _: JANE, deactivates=False)
    newcomer = create_person(actor=OKTA, connection=acme, person=replace(JANE, uid="jane.new", external_id="00u9"))
    assert newcomer.identity.user_id != jane.user_id


def test_an_erasure_removes_no_value_of_anybody_else_R34(acme: Connection, jane: Identity) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    before = list(Event.objects.filter(user_id=zoe.user_id).order_by("pk").values())
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    assert list(Event.objects.filter(user_id=zoe.user_id).order_by("pk").values()) == before
    zoe.refresh_from_db()
    assert zoe.user_name == ZOE.user_name


def test_dropped_values_of_other_pushes_no_longer_quote_the_erased_person_R34(acme: Connection, jane: Identity) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    leaving = replace(ZOE, active=False, external_id=jane.external_id)
    change_person(actor=OKTA, connection=acme, scim_id=zoe.scim_id, read=lambda _: leaving, deactivates=True)
    assert str(jane.external_id) in Event.objects.get(kind="push.rest_dropped").reason
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    assert Event.objects.get(kind="push.rest_dropped").reason == ""


def test_users_merged_into_the_person_are_erased_too_R11_R34(acme: Connection) -> None:
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    roe = replace(JANE, uid="jane.roe", external_id="00u9", user_name="jane.roe@acme.test", email="jane.roe@acme.test")
    other = create_person(actor=OKTA, connection=acme, person=roe).identity
    merge(actor=ROOT, kept_id=jane.user_id, gone_id=other.user_id, reason="one human")
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    with pytest.raises(NotAllowed, match="was merged into"):
        erase(actor=ROOT, user_id=other.user_id, reason=WHY)
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    assert [trace for trace in (*TRACES, "roe") if trace.lower() in everything()] == []


def test_only_the_expired_are_erased_R34(acme: Connection, jane: Identity) -> None:
    unexpire(actor=ADMIN, user_id=jane.user_id, reason="back")
    with pytest.raises(NotAllowed, match="not expired"):
        plan_erase(User.objects.get(pk=jane.user_id))
    with pytest.raises(NotAllowed, match="not expired"):
        erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    assert User.objects.get(pk=jane.user_id).first_name == "Jane"


def test_only_a_superuser_erases_and_never_themselves_R34(acme: Connection, jane: Identity) -> None:
    desk = create_user(actor=COMMAND, username="desk", is_staff=True)
    root = create_user(actor=ROOT, username="root", is_staff=True, is_superuser=True)
    with pytest.raises(NotAllowed, match="superuser"):
        erase(actor=replace(ADMIN, id=str(desk.pk)), user_id=jane.user_id, reason=WHY)
    with pytest.raises(NotAllowed, match="yourself"):
        erase(actor=replace(ADMIN, id=str(root.pk)), user_id=root.pk, reason=WHY)
    erase(actor=replace(ADMIN, id=str(root.pk)), user_id=jane.user_id, reason=WHY)


def test_events_cannot_be_blanked_after_the_erasure_transaction_R34(jane: Identity) -> None:
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    with pytest.raises(Exception, match="append-only"), transaction.atomic(), database.cursor() as cursor:
        cursor.execute("UPDATE core_identity_event SET reason = 'x'")


def test_the_number_of_statements_does_not_grow_with_the_story_R34(
    acme: Connection, jane: Identity, django_assert_max_num_queries: object
) -> None:
    for number in range(30):
        with pytest.raises(IdentityError):
            create_person(actor=OKTA, connection=acme, person=replace(JANE, uid=f"u{number}", external_id=f"e{number}"))
    with django_assert_max_num_queries(50):  # type: ignore[operator]
        erase(actor=ROOT, user_id=jane.user_id, reason=WHY)


def story_of_others(connection: Connection, events: int) -> None:
    """Append events about other people, by other administrators, and refusals at another customer."""
    kinds = ("user.changed", "grant.added", "scim.refused")
    with service_writes():
        Event.objects.bulk_create(
            Event(
                at=timezone.now(), kind=kinds[n % 3], channel="admin", actor_kind="admin", actor_id=str(uuid4()), actor="somebody",
                subject_type="user", subject_id=uuid4(), user_id=uuid4(), connection_id=connection.pk, reason="'other'",
            )
            for n in range(events)
        )  # fmt: skip
    with database.cursor() as cursor:
        # A table of so few rows would be read whole because that is cheap. The question is whether an index can answer.
        cursor.execute("SET LOCAL enable_seqscan = off")


def events_read() -> int:
    return rows_read()["core_identity_event"]


def test_an_erasure_does_not_read_the_events_of_others_R34(acme: Connection, jane: Identity) -> None:
    story_of_others(make_connection("globex", customer="Globex"), 3_000)
    before = events_read()
    plan = erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    assert events_read() - before <= 20 * plan.events


def test_the_erasure_of_an_administrator_does_not_read_the_events_of_others_R34(acme: Connection) -> None:
    dora = create_user(actor=COMMAND, username="dora", is_staff=True)
    expire(actor=COMMAND, user_id=dora.pk, reason="left")
    story_of_others(acme, 3_000)
    before = events_read()
    plan = erase(actor=ROOT, user_id=dora.pk, reason=WHY)
    assert events_read() - before <= 20 * plan.events


def test_a_link_that_a_command_created_names_its_erased_owner_no_more_R34(acme: Connection) -> None:
    dora = create_user(actor=COMMAND, username="dora", is_staff=True, is_superuser=True)
    make_link(actor=COMMAND, connection=acme, created_by=dora)
    by_link = actor_of(SetupLink.objects.get(), RequestFactory().get("/"))
    events.record(actor=by_link, kind=EventKind.SETUP_LINK_OPENED, subject=acme)
    expire(actor=COMMAND, user_id=dora.pk, reason="left")
    erase(actor=ROOT, user_id=dora.pk, reason=WHY)
    assert not Event.objects.filter(actor__contains="dora").exists()


def test_nobody_who_was_erased_comes_back_R34(acme: Connection, jane: Identity) -> None:
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    with pytest.raises(NotAllowed, match="never signs in again"):
        unexpire(actor=ADMIN, user_id=jane.user_id, reason="back")
    with pytest.raises(NotAllowed, match="cannot move"):
        split_off(actor=ADMIN, identity_id=jane.pk, reason="another Jane")
    with pytest.raises(NotAllowed, match="erased already"):
        erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    with pytest.raises(NotAllowed, match="cannot be changed"):
        change_user(actor=ADMIN, user_id=jane.user_id, email="jane@acme.test")
    with pytest.raises(NotFound):
        grant_role(actor=ADMIN, user_id=jane.user_id, role_id=Role.objects.get().pk, reason="covers for Sam")
    assert status_of(User.objects.get(pk=jane.user_id)) == "erased"


def test_a_conflict_with_an_erased_user_ends_only_in_a_new_person_R9_R34(acme: Connection, jane: Identity) -> None:
    erase(actor=ROOT, user_id=jane.user_id, reason=WHY)
    with pytest.raises(Contradiction):
        create_person(actor=OKTA, connection=acme, person=JANE)
    conflict = Conflict.objects.get(state="open")
    with pytest.raises(NotAllowed, match="was erased"):
        same_person(actor=ROOT, conflict_id=conflict.pk, reason="Jane again")
    different_people(actor=ROOT, conflict_id=conflict.pk, reason="another Jane")
    assert create_person(actor=OKTA, connection=acme, person=JANE).identity.user_id != jane.user_id

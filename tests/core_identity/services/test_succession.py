"""R1a, R3: a connection changes its keys, or another takes over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from core_identity.errors import Conflict, InvalidValue, NoMark, NotAllowed, NotFound
from core_identity.models import Connection, Event, Grant, Identity, IdentityUid, PushGroupMember, User
from core_identity.policy.bursts import BurstLimits
from core_identity.selectors.bursts import open_bursts
from core_identity.selectors.connections import live_connection_by_id
from core_identity.services.bursts import unexpire_burst
from core_identity.services.connections import change_connection, switch_off
from core_identity.services.expiry import expire
from core_identity.services.groups import create_group
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.roles import create_role
from core_identity.services.succession import end_rekey, plan_rekey, plan_succession, rekey, succeed
from core_identity.values import GroupChange, Person
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.clock import travel
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db
WHY = "the UID becomes the employee number"


@pytest.fixture
def acme() -> Connection:
    return make_connection(uid_rule="other")


def post(connection: Connection, person: Person) -> Outcome:
    return create_person(actor=OKTA, connection=connection, person=person)


def put(identity: Identity, person: Person) -> Outcome:
    return change_person(
        actor=OKTA, connection=identity.connection, scim_id=identity.scim_id, read=lambda _: person, deactivates=False
    )


def soon() -> datetime:
    return timezone.now() + timedelta(days=14)


def begin(connection: Connection, **more: str) -> Connection:
    return rekey(actor=ADMIN, connection_id=connection.pk, until=soon(), reason=WHY, **more)


def test_the_locked_attribute_and_rule_change_with_a_rekey_only_R3(acme: Connection) -> None:
    post(acme, JANE)
    with pytest.raises(Exception, match="cannot change any more"):
        change_connection(actor=ADMIN, connection_id=acme.pk, uid_attribute="employeeNumber")
    changed = begin(acme, uid_attribute="employeeNumber")
    assert (changed.uid_attribute, changed.rekeying) == ("employeeNumber", True)
    event = Event.objects.get(kind="connection.rekey_begun")
    assert event.changes["uid_attribute"] == ["UID", "employeeNumber"]


def test_uid_and_user_name_agree_so_the_external_id_may_change_R3(acme: Connection) -> None:
    jane = post(acme, JANE).identity
    moved = replace(JANE, external_id="new-org-1")
    with pytest.raises(Conflict):
        post(acme, moved)
    with pytest.raises(Conflict):
        put(jane, moved)
    acme = begin(acme)
    jane.connection = acme
    assert post(acme, moved).identity.pk == jane.pk
    assert put(jane, replace(JANE, external_id="new-org-2")).identity.external_id == "new-org-2"


def test_external_id_and_name_agree_so_a_sign_in_may_bring_the_uid_R3(acme: Connection) -> None:
    jane = post(acme, JANE).identity
    person = by_sso(JANE, uid="4711", external_id=JANE.external_id)
    with pytest.raises(Conflict):
        sign_in(actor=BROWSER, connection=acme, person=person)
    acme = begin(acme)
    assert sign_in(actor=BROWSER, connection=acme, person=person).pk == jane.pk
    assert IdentityUid.objects.get(identity=jane, current=True).uid == "4711"


def test_one_agreeing_key_is_not_enough_R3(acme: Connection) -> None:
    post(acme, JANE)
    acme = begin(acme)
    with pytest.raises(Conflict):
        post(acme, replace(JANE, external_id="new", user_name="other@acme.test", email="other@acme.test"))
    with pytest.raises(Conflict):
        sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE, external_id=JANE.external_id))


def test_a_deactivated_person_is_not_rekeyed_R3(acme: Connection) -> None:
    jane = post(acme, JANE).identity
    change_person(
        actor=OKTA,
        connection=acme,
        scim_id=jane.scim_id,
        read=lambda _: replace(JANE, active=False),
        deactivates=True,
    )
    acme = begin(acme)
    with pytest.raises(Conflict):
        post(acme, replace(JANE, external_id="new"))


def test_a_derived_uid_does_not_count_as_a_second_key_R3_R6(acme: Connection) -> None:
    jane = post(acme, replace(JANE, uid=None)).identity
    begin(acme)
    with pytest.raises(Conflict):
        post(acme, replace(JANE, uid=None, external_id="00u9"))
    jane.refresh_from_db()
    assert jane.external_id == JANE.external_id


def test_a_rekey_ends_by_itself_and_by_hand_R3(acme: Connection) -> None:
    post(acme, JANE)
    acme = begin(acme)
    with travel(timezone.now() + timedelta(days=15)), pytest.raises(Conflict):
        post(acme, replace(JANE, external_id="new"))
    acme = end_rekey(actor=ADMIN, connection_id=acme.pk, reason="done")
    with pytest.raises(Conflict):
        post(acme, replace(JANE, external_id="new"))
    with pytest.raises(NotAllowed, match="not in re-key"):
        end_rekey(actor=ADMIN, connection_id=acme.pk, reason="again")


@pytest.mark.parametrize("days", [-1, 91])
def test_the_end_is_near_and_in_the_future_R3(acme: Connection, days: int) -> None:
    with pytest.raises(InvalidValue, match="at most 90 days"):
        rekey(actor=ADMIN, connection_id=acme.pk, until=timezone.now() + timedelta(days=days), reason=WHY)


def test_an_unknown_connection_is_not_found_R1a_R3(acme: Connection) -> None:
    unknown = uuid4()
    with pytest.raises(NotFound):
        rekey(actor=ADMIN, connection_id=unknown, until=soon(), reason=WHY)
    with pytest.raises(NotFound):
        end_rekey(actor=ADMIN, connection_id=unknown, reason=WHY)
    with pytest.raises(NotFound):
        succeed(actor=ADMIN, former_id=acme.pk, successor_id=unknown, reason=WHY)


def test_the_preview_counts_who_follows_R3(acme: Connection) -> None:
    post(acme, JANE)
    sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE, external_id=ZOE.external_id))
    plan = plan_rekey(acme)
    assert (plan.pushed, plan.by_sign_in) == (1, 1)


# A successor


@pytest.fixture
def successor(acme: Connection) -> Connection:
    return make_connection("acme-new")


def take_over(former: Connection, successor: Connection) -> None:
    succeed(actor=ADMIN, former_id=former.pk, successor_id=successor.pk, reason="a new app")


def test_the_successor_takes_over_and_everybody_stays_one_user_R1a(acme: Connection, successor: Connection) -> None:
    jane = post(acme, JANE).identity
    take_over(acme, successor)
    assert sign_in(actor=BROWSER, connection=successor, person=by_sso(JANE)).pk == jane.pk
    jane.refresh_from_db()
    assert put(jane, replace(JANE, title="Chief")).identity.scim_id == jane.scim_id
    assert User.objects.count() == 1
    with pytest.raises(NotFound):
        live_connection_by_id(acme.pk)


def test_sessions_by_the_former_end_R1a_R21(acme: Connection, successor: Connection) -> None:
    jane = post(acme, JANE).identity
    take_over(acme, successor)
    assert Identity.objects.get(pk=jane.pk).session_epoch > jane.session_epoch


def test_groups_and_their_grants_go_over_R1a_R32(acme: Connection, successor: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane = post(acme, JANE).identity
    change = GroupChange(display_name="Editors", members=frozenset({jane.scim_id}))
    group = create_group(actor=OKTA, connection=acme, change=change)
    take_over(acme, successor)
    group.refresh_from_db()
    assert group.connection == successor
    assert Grant.objects.get().connection == successor
    assert group.role in successor.grantable_roles.all()


def test_a_person_known_to_both_connections_stays_and_is_named_R1a(acme: Connection, successor: Connection) -> None:
    post(acme, JANE)
    zoe = post(acme, ZOE).identity
    post(successor, replace(ZOE, email="z2@acme.test", user_name="z2@acme.test", external_id="x"))
    plan = plan_succession(acme, successor)
    assert (plan.moves, [one.pk for one in plan.stays]) == (1, [zoe.pk])
    take_over(acme, successor)
    assert Identity.objects.get(pk=zoe.pk).connection == acme
    assert Event.objects.filter(kind="connection.succeeded").count() == 2


def test_a_merge_never_crosses_customers_R1(acme: Connection) -> None:
    with pytest.raises(NotAllowed, match="same customer"):
        take_over(acme, make_connection("other", customer="Other"))
    with pytest.raises(NotAllowed, match="itself"):
        take_over(acme, acme)


def test_the_number_of_statements_does_not_depend_on_people_R1a(
    acme: Connection, successor: Connection, django_assert_max_num_queries: object
) -> None:
    for number in range(5):
        name = f"p{number}@acme.test"
        post(acme, replace(JANE, uid=f"p{number}", external_id=f"e{number}", user_name=name, email=name))
    with django_assert_max_num_queries(38):  # type: ignore[operator]
        take_over(acme, successor)


def test_an_expired_user_stays_expired_R1a_R22(acme: Connection, successor: Connection) -> None:
    jane = post(acme, JANE).identity
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    take_over(acme, successor)
    assert User.objects.get(pk=jane.user_id).expired_at is not None


def test_a_mark_is_still_asked_for_after_succession_R8b(acme: Connection, successor: Connection) -> None:
    post(acme, JANE)
    take_over(acme, successor)
    with pytest.raises(NoMark):
        sign_in(actor=BROWSER, connection=successor, person=by_sso(JANE, name_id="eve@x.test", email="eve@x.test"))


def test_a_person_who_stays_keeps_a_moved_group_only_through_the_successors_identity_R1a_R30(
    acme: Connection, successor: Connection
) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane, zoe = post(acme, JANE).identity, post(acme, ZOE).identity
    there = post(successor, replace(ZOE, email="z2@acme.test", user_name="z2@acme.test", external_id="x")).identity
    members = frozenset({jane.scim_id, zoe.scim_id})
    group = create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Editors", members=members))
    take_over(acme, successor)
    assert [one.identity_id for one in group.members.all()] == [jane.pk], "Zoe there is another user"
    assert list(Grant.objects.values_list("user", flat=True)) == [jane.user_id]
    assert there.user_id != zoe.user_id
    assert Event.objects.filter(kind="grant.removed", user_id=zoe.user_id).exists()


def test_an_open_burst_and_the_expiries_of_the_former_go_over_R1a_R22a(
    acme: Connection, successor: Connection, settings: Any
) -> None:
    settings.BURST = BurstLimits(percent=1, people=2, least=2)
    for person in (JANE, ZOE):
        put(post(acme, person).identity, replace(person, active=False))
    take_over(acme, successor)
    burst = open_bursts().get()
    assert burst.connection == successor
    for identity, person in zip(Identity.objects.order_by("created_at"), (JANE, ZOE), strict=True):
        put(identity, person)
    unexpire_burst(actor=ADMIN, burst_id=burst.pk, reason="a wrong filter")
    assert not User.objects.filter(expired_at__isnull=False).exists()


def test_a_group_that_stays_gives_nothing_to_people_who_moved_R1a_R32(acme: Connection, successor: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane = post(acme, JANE).identity
    members = GroupChange(display_name="Editors", members=frozenset({jane.scim_id}))
    create_group(actor=OKTA, connection=acme, change=members)
    create_group(actor=OKTA, connection=successor, change=GroupChange(display_name="Editors"))
    take_over(acme, successor)
    assert not Grant.objects.exists()
    assert not PushGroupMember.objects.filter(group__connection=acme).exists()
    assert Event.objects.filter(kind="grant.removed", user_id=jane.user_id).exists()


def test_a_successor_gives_roles_only_by_its_own_channels_R31(acme: Connection) -> None:
    by_sso = make_connection("acme-sso", roles_from="sso_groups")
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane = post(acme, JANE).identity
    change = GroupChange(display_name="Editors", members=frozenset({jane.scim_id}))
    group = create_group(actor=OKTA, connection=acme, change=change)
    take_over(acme, by_sso)
    group.refresh_from_db()
    assert (group.role, Grant.objects.count()) == (None, 0)


@pytest.mark.parametrize("what", ["post", "put", "delete", "group", "sign-in"])
def test_a_request_that_waited_while_its_connection_was_switched_off_is_refused_R1a(
    acme: Connection, what: str
) -> None:
    """The message was accepted before: the connection that the request holds is still enabled."""
    jane = post(acme, JANE).identity
    stale = Connection.objects.get(pk=acme.pk)
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="a new app")
    late: dict[str, Callable[[], object]] = {
        "post": lambda: post(stale, ZOE),
        "put": lambda: change_person(
            actor=OKTA, connection=stale, scim_id=jane.scim_id, read=lambda _: ZOE, deactivates=False
        ),
        "delete": lambda: remove_person(actor=OKTA, connection=stale, scim_id=jane.scim_id),
        "group": lambda: create_group(actor=OKTA, connection=stale, change=GroupChange(display_name="Editors")),
        "sign-in": lambda: sign_in(actor=BROWSER, connection=stale, person=by_sso(ZOE)),
    }
    with pytest.raises(NotAllowed):
        late[what]()
    assert Identity.objects.get().user_name == JANE.user_name

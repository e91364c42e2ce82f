"""Attempts to become another user, to come back, or to keep a role; and gaps that an administrator's own acts could open (R3-R33)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from core_identity import errors
from core_identity.models import Burst, Conflict, Connection, Event, Grant, Identity, PushGroupMember, Role, User
from core_identity.models.conflict import ConflictState
from core_identity.policy.matching import Decision
from core_identity.services.expiry import expire
from core_identity.services.links import offer, release, withdraw
from core_identity.services.merge import merge
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.resolutions import different_people, dismiss, same_person
from core_identity.services.roles import create_role, delete_role, grant_role
from core_identity.services.split import split_off
from core_identity.services.succession import rekey, succeed
from core_identity.services.users import change_user, create_user
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.groups import change, push, role_names
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db
WHY = "asked her, ticket 4711"

# Eve works at the same customer and edits what her IdP lets her edit.
EVE = replace(JANE, uid="eve", external_id="00u3eve", user_name="eve@acme.test", email="eve@acme.test")


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    return post(acme, JANE).identity


def post(connection: Connection, person: Person) -> Outcome:
    return create_person(actor=OKTA, connection=connection, person=person)


def put(identity: Identity, person: Person) -> Outcome:
    return change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=person.active is False,
    )


def remove(identity: Identity) -> None:
    remove_person(actor=OKTA, connection=identity.connection, scim_id=identity.scim_id)


def enter(connection: Connection, person: Person, **changes: object) -> Identity:
    return sign_in(actor=BROWSER, connection=connection, person=by_sso(person, **changes))


def in_rekey(connection: Connection) -> Connection:
    until = timezone.now() + timedelta(days=1)
    return rekey(actor=ADMIN, connection_id=connection.pk, until=until, reason="new org")


def is_expired(identity: Identity) -> bool:
    return User.objects.get(pk=identity.user_id).expired_at is not None


# One fact is not two


def test_in_re_key_a_derived_uid_and_the_user_name_are_one_key_R3_R6(acme: Connection) -> None:
    acme = in_rekey(acme)
    post(acme, replace(JANE, uid=None))
    with pytest.raises(errors.Conflict):
        post(acme, replace(JANE, uid=None, external_id="00u9new"))
    with pytest.raises(errors.Conflict):
        post(acme, replace(JANE, uid=JANE.user_name, external_id="00u9new"))


def test_in_re_key_a_put_with_the_user_name_as_uid_counts_as_one_key_R3_R6(acme: Connection) -> None:
    jane = post(in_rekey(acme), replace(JANE, uid=None)).identity
    with pytest.raises(errors.Conflict):
        put(jane, replace(JANE, uid=JANE.user_name, external_id="00u9new"))


def test_in_re_key_a_sign_in_with_the_derived_uid_counts_as_one_key_R3_R6(acme: Connection) -> None:
    post(in_rekey(acme), replace(JANE, uid=None))
    with pytest.raises(errors.NoMark):
        enter(acme, JANE, uid=JANE.user_name, external_id="00u9new")


def test_a_uid_equal_to_the_email_does_not_count_as_a_second_mark_R8b_R9() -> None:
    acme = make_connection(uid_rule="email")
    post(acme, replace(JANE, uid=JANE.email, user_name="jdoe@corp.test"))
    with pytest.raises(errors.NoMark):
        enter(acme, EVE, uid=JANE.email, email=JANE.email)
    assert enter(acme, JANE, uid=JANE.email, name_id="jdoe@corp.test").user.email == JANE.email


def test_a_derived_uid_does_not_give_way_to_a_push_that_would_adopt_R8a_R8b() -> None:
    acme = make_connection(uid_rule="email")
    enter(acme, JANE, uid=JANE.email)
    with pytest.raises(errors.Conflict):
        post(acme, replace(EVE, uid=JANE.email, email=JANE.email))
    assert post(acme, replace(JANE, uid=JANE.email)).decision is Decision.ADOPT


# An address is asked for wherever somebody is adopted


def test_a_push_that_adopts_with_another_uid_conflicts_with_the_owner_of_the_address_R9(acme: Connection) -> None:
    enter(acme, JANE, external_id=JANE.external_id)
    post(acme, ZOE)
    with pytest.raises(errors.Conflict, match="email address"):
        post(acme, replace(JANE, uid="jane.new", email=ZOE.email))
    assert post(acme, replace(JANE, uid="jane.new")).decision is Decision.RELINK


# A derived UID gives way to a newcomer, as the userName does


@pytest.mark.parametrize("gone", ["inactive", "deleted"])
def test_a_leaver_known_by_a_derived_uid_gives_up_the_user_name_R6_R8(acme: Connection, gone: str) -> None:
    leaver = post(acme, replace(JANE, uid=None)).identity
    newcomer = replace(JANE, uid=None, external_id="00u9new", email="joan@acme.test")
    if gone == "inactive":
        put(leaver, replace(JANE, uid=None, active=False))
        with pytest.raises(errors.TryAgain):
            post(acme, newcomer)
    else:
        remove(leaver)
    outcome = post(acme, newcomer)
    assert outcome.decision is Decision.CREATE
    assert outcome.identity.user_id != leaver.user_id
    assert is_expired(leaver)
    assert not is_expired(outcome.identity)


def test_an_active_person_gives_up_nothing_R6_R8(acme: Connection) -> None:
    post(acme, replace(JANE, uid=None))
    with pytest.raises(errors.Conflict):
        post(acme, replace(JANE, uid=None, external_id="00u9new", email="joan@acme.test"))


# This is another person


def test_a_split_off_person_may_be_deleted_and_pushed_again_R8a_R9_R24(acme: Connection, jane: Identity) -> None:
    put(jane, replace(JANE, active=False))
    new = split_off(actor=ADMIN, identity_id=jane.pk, reason=WHY)
    put(jane, JANE)
    remove(jane)
    outcome = post(acme, JANE)
    assert (outcome.decision, outcome.identity.user_id) == (Decision.REVIVE, new.pk)
    conflict = Conflict.objects.get()
    assert (conflict.state, conflict.other_id, conflict.reason) == (ConflictState.DIFFERENT_PEOPLE, jane.user_id, WHY)


def test_grants_by_sso_end_when_the_identity_moves_to_another_user_R24_R31_R32() -> None:
    acme = make_connection(roles_from="both")
    for name in ("Editors", "Viewers", "By hand"):
        create_role(actor=ADMIN, name=name, grantable_by=[acme])
    jane = enter(acme, JANE, groups=("Editors",))
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=Role.objects.get(name="By hand").pk, reason="covers for Sam")
    expire(actor=ADMIN, user_id=jane.user_id, reason=WHY)
    new = split_off(actor=ADMIN, identity_id=jane.pk, reason=WHY)
    assert [grant.role.name for grant in Grant.objects.filter(user=jane.user_id)] == ["By hand"]
    assert not Grant.objects.filter(user=new).exists(), "the next sign-in says which"
    assert Event.objects.filter(kind="grant.removed", user_id=jane.user_id).exists()


# Who says that somebody may come back


def test_a_merge_with_somebody_expired_is_undone_by_no_channel_R11_R22() -> None:
    acme = make_connection(reactivation="unexpire_own")
    jane, eve = post(acme, JANE).identity, post(acme, EVE).identity
    put(eve, replace(EVE, active=False))
    merge(actor=ADMIN, kept_id=jane.user_id, gone_id=eve.user_id, reason=WHY)
    put(jane, replace(JANE, active=False))
    put(jane, JANE)
    assert is_expired(jane)


def test_a_merge_into_a_user_expired_by_a_channel_keeps_an_expiry_by_hand_R11_R22() -> None:
    acme = make_connection(reactivation="unexpire_own")
    jane, eve = post(acme, JANE).identity, post(acme, EVE).identity
    expire(actor=ADMIN, user_id=eve.user_id, reason=WHY)
    put(jane, replace(JANE, active=False))
    merge(actor=ADMIN, kept_id=jane.user_id, gone_id=eve.user_id, reason=WHY)
    put(jane, JANE)
    assert is_expired(jane)


def test_a_reactivation_by_one_connection_does_not_undo_an_expiry_by_another_R20_R22() -> None:
    acme, entra = make_connection(reactivation="unexpire_own"), make_connection("entra")
    jane = post(acme, JANE).identity
    there = post(entra, replace(JANE, uid="j", user_name="jane@entra.test", email="jane@entra.test")).identity
    merge(actor=ADMIN, kept_id=jane.user_id, gone_id=there.user_id, reason=WHY)
    put(jane, replace(JANE, active=False))
    put(Identity.objects.get(pk=there.pk), Person(active=False))
    put(jane, JANE)
    assert is_expired(jane)


def test_an_administrator_may_make_an_expiry_by_a_channel_their_own_R22_R24() -> None:
    acme = make_connection(reactivation="unexpire_own")
    jane = post(acme, JANE).identity
    put(jane, replace(JANE, active=False))
    expire(actor=ADMIN, user_id=jane.user_id, reason="dismissed without notice")
    put(jane, JANE)
    user = User.objects.get(pk=jane.user_id)
    assert user.expired_at is not None
    assert (user.expired_channel, user.expired_reason) == ("admin", "dismissed without notice")
    assert Event.objects.filter(kind="user.expiry_taken_over", user_id=user.pk, channel="admin").count() == 1


def test_a_change_of_active_for_an_expired_user_is_an_event_R22_R34(jane: Identity) -> None:
    expire(actor=ADMIN, user_id=jane.user_id, reason=WHY)
    put(jane, replace(JANE, active=False))
    event = Event.objects.get(kind="identity.active_set")
    assert (event.subject_id, event.changes, event.actor) == (jane.pk, {"active": [True, False]}, OKTA.label)


# Offers


def beforehand(acme: Connection) -> tuple[User, Identity]:
    user = create_user(actor=ADMIN, username="jane.doe@acme.test", email=JANE.email or "", customer=acme.customer)
    offer(actor=ADMIN, connection=acme, user_ids=[user.pk], reason=WHY)
    return user, Identity.objects.get(user=user)


def test_a_withdrawn_offer_ends_the_grants_of_its_groups_R10_R32(acme: Connection) -> None:
    user, identity = beforehand(acme)
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    push(acme, "Editors", identity)
    assert role_names(identity) == ["Editors"]
    withdraw(actor=ADMIN, identity_id=identity.pk, reason=WHY)
    assert not Grant.objects.filter(user=user).exists()
    assert Event.objects.filter(kind="grant.removed", user_id=user.pk).exists()


@pytest.mark.parametrize("since", ["staff", "expired", "protected role"])
@pytest.mark.parametrize("way", ["POST", "PUT", "sign-in"])
def test_an_offer_that_became_impossible_is_not_claimed_without_an_administrator_R10_R11(
    acme: Connection, since: str, way: str
) -> None:
    user, identity = beforehand(acme)
    if since == "staff":
        change_user(actor=COMMAND, user_id=user.pk, is_staff=True)
    elif since == "expired":
        expire(actor=ADMIN, user_id=user.pk, reason="left")
    else:
        role = create_role(actor=COMMAND, name="Keys", marked_protected=True)
        grant_role(actor=COMMAND, user_id=user.pk, role_id=role.pk, reason="covers for Sam")
    before = User.objects.values().get(pk=user.pk)

    def claim() -> object:
        if way == "sign-in":
            return enter(acme, JANE)
        return post(acme, JANE) if way == "POST" else put(identity, JANE)

    with pytest.raises(errors.Conflict):
        claim()
    assert User.objects.values().get(pk=user.pk) == before
    conflict = Conflict.objects.get(state=ConflictState.OPEN)
    root = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)
    if since != "expired":
        with pytest.raises(errors.NotAllowed):
            same_person(actor=ADMIN, conflict_id=conflict.pk, reason=WHY)
    same_person(actor=replace(ADMIN, id=str(root.pk)), conflict_id=conflict.pk, reason=WHY)
    if way != "sign-in":  # the gate still refuses staff and the expired (R21, R26)
        claim()
        assert Identity.objects.get(user=user).offered_at is None


# Conflicts that are closed, dismissed, or have lost their cause


def test_a_dismissed_conflict_can_be_decided_after_its_uid_was_released_R9(acme: Connection, jane: Identity) -> None:
    with pytest.raises(errors.Conflict):
        post(acme, replace(EVE, uid=JANE.uid))
    conflict = Conflict.objects.get()
    dismiss(actor=ADMIN, conflict_id=conflict.pk, reason=WHY)
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    release(actor=ADMIN, uid_id=jane.uids.get().pk, reason=WHY)
    different_people(actor=ADMIN, conflict_id=conflict.pk, reason=WHY)
    assert post(acme, replace(EVE, uid=JANE.uid)).decision is Decision.CREATE


def test_a_delete_closes_the_conflict_about_the_name_that_is_free_now_R9(acme: Connection, jane: Identity) -> None:
    with pytest.raises(errors.Conflict):
        post(acme, replace(EVE, user_name=JANE.user_name))
    remove(jane)
    assert Conflict.objects.get().state == ConflictState.GONE


def test_a_conflict_about_an_external_id_closes_when_the_other_has_another_R9(acme: Connection, jane: Identity) -> None:
    eve = post(acme, replace(EVE, external_id=None)).identity
    with pytest.raises(errors.Conflict):
        put(eve, replace(EVE, external_id=JANE.external_id))
    jane.connection = in_rekey(acme)
    put(jane, replace(JANE, external_id="00u9new"))
    assert Conflict.objects.get().state == ConflictState.GONE


# Roles and groups


def test_deleting_a_role_leaves_an_event_for_each_group_that_waits_again_R28_R34(
    acme: Connection, jane: Identity
) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    group = push(acme, "Editors", jane)
    delete_role(actor=ADMIN, role_id=role.pk)
    event = Event.objects.get(kind="group.unlinked")
    assert (event.subject_id, event.changes, event.actor) == (group.pk, {"role": ["Editors", None]}, "boss")


def test_a_new_external_id_of_a_group_is_an_event_R34(acme: Connection, jane: Identity) -> None:
    group = push(acme, "Editors", jane)
    change(group, external_id="00g1")
    event = Event.objects.get(kind="group.changed")
    assert (event.subject_id, event.changes) == (group.pk, {"external_id": ["", "00g1"]})


# A successor


@pytest.fixture
def successor(acme: Connection) -> Connection:
    return make_connection("acme-new", reactivation="unexpire_own")


def take_over(former: Connection, successor: Connection) -> None:
    succeed(actor=ADMIN, former_id=former.pk, successor_id=successor.pk, reason="a new app")


def test_a_burst_and_what_it_expired_go_over_to_the_successor_R1a_R22a(acme: Connection, successor: Connection) -> None:
    people = [
        post(acme, replace(JANE, uid=name, external_id=name, user_name=name, email=f"{name}@acme.test")).identity
        for name in ("p1", "p2", "p3", "p4", "p5", "p6")
    ]
    for one in people:
        put(one, Person(active=False))
    take_over(acme, successor)
    assert Burst.objects.get().connection == successor
    put(Identity.objects.get(pk=people[0].pk), Person(active=True))
    assert not is_expired(people[0]), "whom the former expired, the successor may let back (R22)"


def test_resolutions_go_over_to_the_successor_R1a_R9(acme: Connection, jane: Identity, successor: Connection) -> None:
    eve = replace(EVE, email=JANE.email)
    with pytest.raises(errors.Conflict):
        post(acme, eve)
    different_people(actor=ADMIN, conflict_id=Conflict.objects.get().pk, reason=WHY)
    take_over(acme, successor)
    assert post(successor, eve).decision is Decision.CREATE


def test_a_person_who_stays_is_not_a_member_of_a_group_that_moves_R1a_R32(
    acme: Connection, jane: Identity, successor: Connection
) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    zoe = post(acme, ZOE).identity
    push(acme, "Editors", jane, zoe)
    # Somebody else has Zoë's UID there, so her identity stays.
    post(successor, replace(EVE, uid=ZOE.uid))
    take_over(acme, successor)
    assert [one.identity_id for one in PushGroupMember.objects.all()] == [jane.pk]
    assert [grant.user_id for grant in Grant.objects.all()] == [jane.user_id]
    assert Event.objects.filter(kind="grant.removed", user_id=zoe.user_id).exists()


def test_a_person_known_to_both_keeps_the_membership_under_the_successors_id_R1a_R32(
    acme: Connection, jane: Identity, successor: Connection
) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    there = post(successor, replace(EVE, email="j@acme.test")).identity
    merge(actor=ADMIN, kept_id=jane.user_id, gone_id=there.user_id, reason=WHY)
    group = push(acme, "Editors", jane)
    take_over(acme, successor)
    assert [one.identity_id for one in PushGroupMember.objects.all()] == [there.pk]
    assert role_names(jane) == ["Editors"]
    group.refresh_from_db()
    change(group, remove=frozenset({there.scim_id}))
    assert role_names(jane) == []

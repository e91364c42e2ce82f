"""R9: a collision is kept once, resolved in one act, and the next push or sign-in goes through."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core_identity import errors
from core_identity.models import Conflict, Connection, Event, Identity, User
from core_identity.models.conflict import ConflictState
from core_identity.services.expiry import expire
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.resolutions import different_people, dismiss, same_person
from core_identity.services.users import change_user, create_user
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db
WHY = "asked her, ticket 4711"


@pytest.fixture
def acme() -> Connection:
    return make_connection()


def post(connection: Connection, person: Person) -> Outcome:
    return create_person(actor=OKTA, connection=connection, person=person)


def put(identity: Identity, person: Person) -> Outcome:
    return change_person(
        actor=OKTA, connection=identity.connection, scim_id=identity.scim_id, read=lambda _: person, deactivates=False
    )


def enter(connection: Connection, person: Person, **changes: object) -> Identity:
    return sign_in(actor=BROWSER, connection=connection, person=by_sso(person, **changes))


def refused(act: Callable[[], Any]) -> Conflict:
    """Return the one open conflict that ``act`` met."""
    with pytest.raises(errors.Conflict):
        act()
    return Conflict.objects.get(state=ConflictState.OPEN)


def same(conflict: Conflict) -> User:
    return same_person(actor=ADMIN, conflict_id=conflict.pk, reason=WHY)


def different(conflict: Conflict) -> None:
    different_people(actor=ADMIN, conflict_id=conflict.pk, reason=WHY)


def test_the_same_collision_a_hundred_times_is_one_conflict_with_a_count_R9(acme: Connection) -> None:
    post(acme, JANE)
    stranger = replace(ZOE, email=JANE.email)
    for _ in range(100):
        with pytest.raises(errors.Conflict):
            post(acme, stranger)
    conflict = Conflict.objects.get()
    assert (conflict.count, conflict.cause, conflict.state) == (100, "email", "open")
    assert Event.objects.filter(kind="conflict.opened").count() == 1
    assert Event.objects.filter(kind="scim.refused").count() == 100


def test_the_text_names_the_way_out_and_the_event_finds_the_conflict_R9(acme: Connection) -> None:
    post(acme, JANE)
    with pytest.raises(errors.Conflict, match="under Conflicts in the administration"):
        post(acme, replace(ZOE, email=JANE.email))
    conflict = Conflict.objects.get()
    event = Event.objects.get(kind="scim.refused")
    assert event.changes["conflict"] == [None, str(conflict.pk)]
    assert (event.request_id, conflict.reference) == ("REQSCIM", "REQSCIM")


# Same person


def test_same_email_same_person_is_one_user_after_the_next_push_R9(acme: Connection) -> None:
    jane = create_user(actor=ADMIN, username="boss-made", email=JANE.email or "", customer=acme.customer)
    same(refused(lambda: post(acme, JANE)))
    outcome = post(acme, JANE)
    assert outcome.created
    assert outcome.identity.user == jane
    assert User.objects.count() == 1


def test_same_email_same_person_is_one_user_after_the_next_sign_in_R9(acme: Connection) -> None:
    jane = create_user(actor=ADMIN, username="boss-made", email=JANE.email or "", customer=acme.customer)
    same(refused(lambda: enter(acme, JANE)))
    assert enter(acme, JANE).user == jane


def test_same_person_without_uid_and_external_id_R6_R9(acme: Connection) -> None:
    jane = create_user(actor=ADMIN, username="boss-made", email=JANE.email or "", customer=acme.customer)
    bare = replace(JANE, uid=None, external_id=None)
    same(refused(lambda: post(acme, bare)))
    assert post(acme, bare).identity.user == jane


def test_a_uid_with_another_external_id_is_confirmed_once_R9(acme: Connection) -> None:
    known = post(acme, JANE).identity
    returned = replace(JANE, external_id="00u9new")
    same(refused(lambda: post(acme, returned)))
    outcome = post(acme, returned)
    assert (outcome.created, outcome.identity.pk, outcome.identity.external_id) == (True, known.pk, "00u9new")
    with pytest.raises(errors.Duplicate):
        post(acme, returned)


def test_sso_came_first_and_no_mark_agrees_until_confirmed_R8b(acme: Connection) -> None:
    known = enter(acme, JANE)
    other_names = replace(JANE, user_name="j.roe@acme.test", email="j.roe@acme.test")
    same(refused(lambda: post(acme, other_names)))
    assert post(acme, other_names).identity.pk == known.pk


def test_a_sign_in_with_no_mark_is_confirmed_once_and_the_mark_is_learnt_R8b(acme: Connection) -> None:
    known = post(acme, JANE).identity
    married: dict[str, object] = {"name_id": "jane.roe@acme.test", "email": "jane.roe@acme.test"}
    same(refused(lambda: enter(acme, JANE, **married)))
    assert enter(acme, JANE, **married).pk == known.pk
    assert enter(acme, JANE, **married).pk == known.pk


def test_a_sign_in_by_the_owner_does_not_hide_a_sign_in_with_other_names_R8b(acme: Connection) -> None:
    post(acme, JANE)
    conflict = refused(lambda: enter(acme, JANE, name_id="eve@acme.test", email="eve@acme.test"))
    enter(acme, JANE)
    conflict.refresh_from_db()
    assert conflict.state == ConflictState.OPEN


def test_a_put_with_the_uid_of_another_merges_both_into_its_subject_R9_R11(acme: Connection) -> None:
    jane, zoe = post(acme, JANE).identity, post(acme, ZOE).identity
    moved = replace(JANE, uid=ZOE.uid)
    same(refused(lambda: put(jane, moved)))
    assert put(jane, moved).identity.user_id == jane.user_id
    zoe.user.refresh_from_db()
    assert zoe.user.merged_into_id == jane.user_id
    assert enter(acme, replace(JANE, uid=ZOE.uid)).user_id == jane.user_id


def test_a_put_with_another_external_id_is_learnt_R9(acme: Connection) -> None:
    jane = post(acme, JANE).identity
    changed = replace(JANE, external_id="00u9new")
    same(refused(lambda: put(jane, changed)))
    assert put(jane, changed).identity.external_id == "00u9new"


def test_a_rename_to_the_name_of_another_user_merges_the_two_if_they_are_one_person_R9(acme: Connection) -> None:
    beforehand = create_user(actor=ADMIN, username="jane.roe@acme.test", customer=acme.customer)
    jane = post(acme, JANE).identity
    renamed = replace(JANE, user_name="jane.roe@acme.test")
    same(refused(lambda: put(jane, renamed)))
    assert put(jane, renamed).identity.user_name == "jane.roe@acme.test"
    beforehand.refresh_from_db()
    assert beforehand.merged_into_id == jane.user_id


# Different people


def test_different_people_may_share_the_address_R9(acme: Connection) -> None:
    post(acme, JANE)
    twin = replace(ZOE, email=JANE.email)
    different(refused(lambda: post(acme, twin)))
    user = post(acme, twin).identity.user
    assert (user.email, user.email_shared) == (JANE.email, True)
    assert User.objects.count() == 2


def test_a_permission_covers_only_these_keys_and_this_user_R9(acme: Connection) -> None:
    post(acme, JANE)
    twin = replace(ZOE, email=JANE.email)
    different(refused(lambda: post(acme, twin)))
    with pytest.raises(errors.Conflict):
        post(acme, replace(twin, uid="third", external_id="00u3", user_name="third@acme.test"))


def test_different_people_may_be_called_alike_in_two_connections_R9(acme: Connection) -> None:
    second = make_connection("acme-entra")
    post(acme, JANE)
    namesake = replace(JANE, email="other@acme.test", external_id="entra-1", uid="jane.doe.2")
    different(refused(lambda: post(second, namesake)))
    assert post(second, namesake).created
    assert User.objects.count() == 2


def test_one_connection_cannot_have_a_name_twice_and_the_refusal_names_the_way_out_R8_R9(acme: Connection) -> None:
    post(acme, JANE)
    conflict = refused(lambda: post(acme, replace(ZOE, user_name=JANE.user_name)))
    with pytest.raises(errors.NotAllowed, match="Give one of the two another userName"):
        different(conflict)


def test_the_uid_of_an_expired_user_goes_to_the_newcomer_R5_R9(acme: Connection) -> None:
    jane = post(acme, JANE).identity
    newcomer = replace(ZOE, uid=JANE.uid)
    conflict = refused(lambda: post(acme, newcomer))
    with pytest.raises(errors.NotAllowed, match=r"expire .* first"):
        different(conflict)
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    different(conflict)
    assert post(acme, newcomer).identity.user_id != jane.user_id


# Dismissed, gone, again


def test_dismissed_stays_refused_and_is_only_counted_R9(acme: Connection) -> None:
    post(acme, JANE)
    twin = replace(ZOE, email=JANE.email)
    conflict = refused(lambda: post(acme, twin))
    dismiss(actor=ADMIN, conflict_id=conflict.pk, reason=WHY)
    with pytest.raises(errors.Conflict):
        post(acme, twin)
    conflict.refresh_from_db()
    assert (conflict.state, conflict.count) == (ConflictState.DISMISSED, 2)


def test_a_conflict_closes_when_the_other_user_gets_another_address_R9(acme: Connection) -> None:
    other = create_user(actor=ADMIN, username="other", email=JANE.email or "", customer=acme.customer)
    conflict = refused(lambda: post(acme, JANE))
    change_user(actor=ADMIN, user_id=other.pk, email="other@acme.test")
    conflict.refresh_from_db()
    assert conflict.state == ConflictState.GONE
    assert Event.objects.filter(kind="conflict.gone").count() == 1
    assert post(acme, JANE).created


def test_a_conflict_closes_when_the_idp_sends_another_value_and_can_open_again_R9(acme: Connection) -> None:
    post(acme, JANE)
    twin = replace(ZOE, email=JANE.email)
    conflict = refused(lambda: post(acme, twin))
    zoe = post(acme, ZOE).identity
    conflict.refresh_from_db()
    assert conflict.state == ConflictState.GONE
    assert zoe.user.email == ZOE.email


def test_a_closed_conflict_is_not_resolved_again_R9(acme: Connection) -> None:
    post(acme, JANE)
    conflict = refused(lambda: post(acme, replace(ZOE, email=JANE.email)))
    different(conflict)
    with pytest.raises(errors.NotAllowed, match="closed already"):
        same(conflict)


def test_only_a_superuser_links_staff_R11(acme: Connection) -> None:
    create_user(actor=COMMAND, username="chief", email=JANE.email or "", customer=acme.customer, is_staff=True)
    conflict = refused(lambda: post(acme, JANE))
    with pytest.raises(errors.NotAllowed, match="superuser"):
        same(conflict)
    root = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)
    same_person(actor=replace(ADMIN, id=str(root.pk)), conflict_id=conflict.pk, reason=WHY)


def test_a_resolution_that_fails_leaves_nothing_R11(acme: Connection) -> None:
    create_user(actor=COMMAND, username="chief", email=JANE.email or "", customer=acme.customer, is_staff=True)
    conflict = refused(lambda: post(acme, JANE))
    before = Event.objects.count()
    with pytest.raises(errors.NotAllowed):
        same(conflict)
    assert (Identity.objects.count(), Event.objects.count()) == (0, before)


def test_conflicts_of_one_customer_never_speak_of_another_R1(acme: Connection) -> None:
    other = make_connection("other", customer="Other")
    post(acme, JANE)
    assert post(other, JANE).created
    assert not Conflict.objects.exists()

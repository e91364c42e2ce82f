"""R4-R9 under attack: names that move between people, and contradicting values from two channels."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from core_identity.errors import Conflict, NoMark, TryAgain
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.policy.matching import Decision
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.succession import rekey
from core_identity.services.users import create_user
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db

# Joan was hired under the name that Jane had before she was married.
ROE = replace(JANE, uid="jane.roe", user_name="jane.roe@acme.test", email="jane.roe@acme.test", family_name="Roe")
NEWCOMER = replace(JANE, external_id="00u9joan", email="joan@acme.test")


@pytest.fixture
def acme() -> Connection:
    return make_connection()


def post(connection: Connection, person: Person) -> Identity:
    return create_person(actor=OKTA, connection=connection, person=person).identity


def put(connection: Connection, identity: Identity, person: Person) -> Outcome:
    return change_person(
        actor=OKTA,
        connection=connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=person.active is False,
    )


def enter(connection: Connection, person: Person) -> Identity:
    return sign_in(actor=BROWSER, connection=connection, person=person)


def in_rekey(connection: Connection) -> Connection:
    until = timezone.now() + timedelta(days=1)
    return rekey(actor=ADMIN, connection_id=connection.pk, until=until, reason="new org")


def uid_of(identity: Identity) -> tuple[str, bool]:
    row = IdentityUid.objects.get(identity=identity, current=True)
    return row.uid, row.derived


# Names that move between people


@pytest.mark.parametrize("uid", ["jane.doe", None], ids=["UID sent", "UID derived"])
def test_two_people_swap_their_user_names_by_way_of_a_third_R8(uid: str | None, acme: Connection) -> None:
    jane = post(acme, replace(JANE, uid=uid))
    zoe = post(acme, replace(ZOE, uid=uid and "zoë.müller"))
    put(acme, jane, replace(JANE, uid=None, user_name="tmp@acme.test"))
    put(acme, zoe, replace(ZOE, uid=None, user_name=JANE.user_name))
    put(acme, jane, replace(JANE, uid=None, user_name=ZOE.user_name))
    names = dict(Identity.objects.values_list("external_id", "user_name"))
    assert names == {"00u1jane": ZOE.user_name, "00u2zoe": JANE.user_name}
    assert set(User.objects.values_list("username", flat=True)) == {JANE.user_name, ZOE.user_name}
    assert {uid_of(jane)[0], uid_of(zoe)[0]} == ({"jane.doe", "zoë.müller"} if uid else {JANE.user_name, ZOE.user_name})


def test_a_direct_swap_is_refused_and_changes_nothing_R9(acme: Connection) -> None:
    jane, zoe = post(acme, JANE), post(acme, ZOE)
    for identity, person, other in ((jane, JANE, ZOE), (zoe, ZOE, JANE)):
        with pytest.raises(Conflict):
            put(acme, identity, replace(person, user_name=other.user_name))
    names = dict(Identity.objects.values_list("external_id", "user_name"))
    assert names == {"00u1jane": JANE.user_name, "00u2zoe": ZOE.user_name}


def test_two_people_do_not_swap_their_uids_R5(acme: Connection) -> None:
    jane, zoe = post(acme, JANE), post(acme, ZOE)
    put(acme, jane, replace(JANE, uid="tmp"))
    with pytest.raises(Conflict):
        put(acme, zoe, replace(ZOE, uid=JANE.uid))
    put(acme, jane, JANE)
    assert uid_of(jane) == ("jane.doe", False)


def test_a_newcomer_with_former_names_never_opens_the_account_of_their_owner_R8b(acme: Connection) -> None:
    jane = post(acme, JANE)
    enter(acme, by_sso(JANE))
    put(acme, jane, ROE)
    with pytest.raises(NoMark):
        enter(acme, by_sso(NEWCOMER))
    assert enter(acme, by_sso(ROE)) == jane


def test_a_rename_leaves_a_name_id_that_was_never_the_user_name_R8b(acme: Connection) -> None:
    jane = post(acme, JANE)
    enter(acme, by_sso(JANE, name_id="opaque-4711"))
    put(acme, jane, ROE)
    assert enter(acme, by_sso(JANE, name_id="opaque-4711", email="elsewhere@acme.test")) == jane


def test_a_newcomer_is_pushed_under_a_former_user_name_R8(acme: Connection) -> None:
    jane = post(acme, JANE)
    put(acme, jane, replace(ROE, uid=None))
    joan = post(acme, replace(NEWCOMER, uid="joan"))
    assert joan.user_id != jane.user_id
    assert joan.user.username != jane.user.username


def test_a_person_who_returns_under_a_released_user_name_is_a_conflict_R8_R9(acme: Connection) -> None:
    jane = post(acme, JANE)
    put(acme, jane, replace(JANE, active=False))
    newcomer = replace(NEWCOMER, uid="joan")
    with pytest.raises(TryAgain):
        post(acme, newcomer)
    joan = post(acme, newcomer)
    with pytest.raises(Conflict):
        put(acme, jane, JANE)
    put(acme, jane, replace(ROE, uid=None))
    assert {joan.user_id, jane.user_id} == set(User.objects.values_list("pk", flat=True))


def test_a_deleted_person_comes_back_under_the_old_id_though_the_name_is_gone_R8a(acme: Connection) -> None:
    jane = post(acme, JANE)
    remove_person(actor=OKTA, connection=acme, scim_id=jane.scim_id)
    post(acme, replace(NEWCOMER, uid="joan"))
    back = create_person(actor=OKTA, connection=acme, person=replace(ROE, uid=None))
    assert (back.decision, back.identity.scim_id) == (Decision.REVIVE, jane.scim_id)


# Derived UIDs


def test_a_derived_uid_that_a_sign_in_sends_is_sent_from_then_on_R5_R6(acme: Connection) -> None:
    jane = post(acme, replace(JANE, uid=None))
    enter(acme, by_sso(JANE, uid=JANE.user_name))
    assert uid_of(jane) == (JANE.user_name, False)
    put(acme, jane, replace(ROE, uid=None))
    assert enter(acme, by_sso(ROE, uid=JANE.user_name)) == jane


def test_a_derived_uid_does_not_give_way_to_another_external_id_R8b(acme: Connection) -> None:
    jane = post(acme, replace(JANE, uid=None))
    with pytest.raises(Conflict):
        enter(acme, by_sso(JANE, external_id="00u9joan"))
    jane.refresh_from_db()
    assert (jane.external_id, uid_of(jane)) == ("00u1jane", (JANE.user_name, True))


def test_a_derived_uid_gives_way_to_a_sign_in_of_this_external_id_and_name_R6(acme: Connection) -> None:
    jane = post(acme, replace(JANE, uid=None))
    assert enter(acme, by_sso(JANE, external_id=JANE.external_id, email="j@home.test")) == jane
    assert uid_of(jane) == ("jane.doe", False)


def test_a_derived_uid_gives_way_to_nobody_else_R6(acme: Connection) -> None:
    jane = post(acme, replace(JANE, uid=None))
    with pytest.raises(Conflict):
        post(acme, replace(ZOE, uid=JANE.user_name))
    with pytest.raises(NoMark):
        enter(acme, by_sso(ZOE, uid=JANE.user_name))
    assert uid_of(jane) == (JANE.user_name, True)


# Sessions


def test_a_uid_that_a_sign_in_moves_ends_the_sessions_R8a_R21(acme: Connection) -> None:
    jane = post(acme, JANE)
    enter(acme, by_sso(JANE))
    epoch = Identity.objects.get(pk=jane.pk).session_epoch
    acme = in_rekey(acme)
    enter(acme, by_sso(JANE, uid="4711", external_id=JANE.external_id))
    assert uid_of(jane) == ("4711", False)
    assert Identity.objects.get(pk=jane.pk).session_epoch > epoch


def test_a_re_key_needs_two_keys_and_the_id_in_the_address_is_not_one_R3(acme: Connection) -> None:
    jane = post(acme, JANE)
    acme = in_rekey(acme)
    with pytest.raises(Conflict):
        put(acme, jane, replace(JANE, uid=None, external_id="00u9joan"))


def test_a_first_push_of_a_sign_in_only_person_must_match_the_email_R9(acme: Connection) -> None:
    """The externalId of the assertion leads to her, so the push relinks. Her SCIM resource is still a new one."""
    sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, external_id=JANE.external_id))
    create_user(actor=ADMIN, username="zoe", email=ZOE.email or "", customer=acme.customer)
    with pytest.raises(Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(JANE, uid="j.doe", email=ZOE.email))
    assert Identity.objects.get().pushed_at is None

"""R5-R9, R15-R17, R19: SCIM's pushes against the real database."""

from dataclasses import replace
from typing import Any

import pytest

from core_identity.errors import Conflict, Duplicate, InvalidValue, NotFound, TryAgain, UidRequired
from core_identity.models import Connection, Event, Identity, IdentityUid, User
from core_identity.policy.matching import Decision
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.users import create_user
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    return make_connection()


def post(connection: Connection, person: Person) -> Outcome:
    return create_person(actor=OKTA, connection=connection, person=person)


def put(connection: Connection, identity: Identity, person: Person) -> Outcome:
    return change_person(
        actor=OKTA,
        connection=connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=person.active is False,
    )


def uids(identity: Identity) -> dict[str, tuple[bool, bool]]:
    return {row.uid: (row.current, row.derived) for row in IdentityUid.objects.filter(identity=identity)}


def test_scim_then_sso_is_one_user_R7(acme: Connection) -> None:
    pushed = post(acme, JANE).identity
    entered = sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    assert entered.pk == pushed.pk
    assert User.objects.count() == 1


def test_sso_then_scim_is_one_user_R7(acme: Connection) -> None:
    entered = sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    outcome = post(acme, JANE)
    assert (outcome.decision, outcome.created) == (Decision.ADOPT, True)
    assert outcome.identity.pk == entered.pk
    assert outcome.identity.external_id == "00u1jane"
    assert User.objects.count() == 1


def test_the_same_post_twice_is_a_plain_409_R8a(acme: Connection) -> None:
    post(acme, JANE)
    with pytest.raises(Duplicate):
        post(acme, JANE)
    assert Identity.objects.count() == 1


def test_a_rename_finds_the_same_user_whose_username_stays_R8(acme: Connection) -> None:
    identity = post(acme, JANE).identity
    outcome = put(acme, identity, replace(JANE, user_name="jane.roe@acme.test", email="jane.roe@acme.test"))
    user = User.objects.get()
    assert outcome.identity.user_name == "jane.roe@acme.test"
    assert (user.username, user.email) == ("jane.doe@acme.test", "jane.doe@acme.test")


def test_a_former_user_name_given_to_a_newcomer_never_finds_the_old_person_R8(acme: Connection) -> None:
    identity = post(acme, JANE).identity
    put(acme, identity, replace(JANE, user_name="jane.roe@acme.test"))
    newcomer = replace(JANE, uid="jane.doe2", external_id="00u9", email="jane2@acme.test")
    outcome = post(acme, newcomer)
    assert outcome.decision is Decision.CREATE
    assert outcome.identity.user_id != identity.user_id
    assert outcome.identity.user.username == "jane.doe@acme.test2"


def test_without_a_uid_the_user_name_is_the_uid_marked_derived_R6(acme: Connection) -> None:
    identity = post(acme, replace(JANE, uid=None)).identity
    assert uids(identity) == {"jane.doe@acme.test": (True, True)}


def test_a_derived_uid_follows_a_rename_and_the_old_one_is_released_R6(acme: Connection) -> None:
    identity = post(acme, replace(JANE, uid=None)).identity
    put(acme, identity, replace(JANE, uid=None, user_name="jane.roe@acme.test"))
    assert uids(identity) == {"jane.roe@acme.test": (True, True)}


def test_a_derived_uid_gives_way_to_a_sent_one_R6(acme: Connection) -> None:
    identity = post(acme, replace(JANE, uid=None)).identity
    assert put(acme, identity, JANE).decision is Decision.RELINK
    assert uids(identity) == {"jane.doe": (True, False)}


def test_a_derived_uid_gives_way_to_the_sign_in_of_that_user_name_R6(acme: Connection) -> None:
    identity = post(acme, replace(JANE, uid=None)).identity
    entered = sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    assert entered.pk == identity.pk
    assert uids(identity) == {"jane.doe": (True, False)}


@pytest.mark.parametrize("nothing", [None, ""])
def test_absent_or_empty_never_clears_a_uid_or_an_external_id_R6(acme: Connection, nothing: str | None) -> None:
    identity = post(acme, JANE).identity
    put(acme, identity, replace(JANE, uid=nothing, external_id=nothing))
    identity.refresh_from_db()
    assert identity.external_id == "00u1jane"
    assert uids(identity) == {"jane.doe": (True, False)}


def test_a_connection_may_require_the_uid_R6() -> None:
    strict = make_connection(uid_required_in_scim=True)
    with pytest.raises(UidRequired, match="UID"):
        post(strict, replace(JANE, uid=None))
    assert not User.objects.exists()


def test_a_relink_keeps_the_former_uid_and_ends_the_sessions_R8a(acme: Connection) -> None:
    identity = post(acme, JANE).identity
    outcome = put(acme, identity, replace(JANE, uid="jane.roe", family_name="Roe"))
    assert outcome.decision is Decision.RELINK
    assert uids(identity) == {"jane.roe": (True, False), "jane.doe": (False, False)}
    assert outcome.identity.session_epoch == identity.session_epoch + 1
    assert User.objects.get().last_name == "Roe", "with the rule name a new UID brings the new name (R4)"


def test_under_the_rule_name_a_new_name_without_a_new_uid_is_drift_R4(acme: Connection) -> None:
    identity = post(acme, JANE).identity
    put(acme, identity, replace(JANE, family_name="Roe"))
    identity.refresh_from_db()
    assert identity.family_name == "Roe"
    assert User.objects.get().last_name == "Doe"


def test_a_former_uid_finds_its_identity_and_nobody_else_R5(acme: Connection) -> None:
    identity = post(acme, JANE).identity
    put(acme, identity, replace(JANE, uid="jane.roe"))
    with pytest.raises(Conflict):
        post(acme, replace(ZOE, uid="JANE.DOE"))
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE)).pk == identity.pk


def test_a_new_uid_without_proof_is_drift_and_the_rest_is_applied_R8a(acme: Connection) -> None:
    identity = post(acme, JANE).identity
    outcome = put(acme, identity, replace(JANE, uid="jane.roe", external_id=None, title="Chief"))
    assert outcome.decision is Decision.DRIFT
    assert (outcome.identity.drift_uid, outcome.identity.title) == ("jane.roe", "Chief")
    assert uids(identity) == {"jane.doe": (True, False)}


def test_somebody_elses_uid_is_a_conflict_that_changes_nothing_and_is_recorded_R9(acme: Connection) -> None:
    jane = post(acme, JANE).identity
    post(acme, ZOE)
    before = Identity.objects.values().get(pk=jane.pk)
    with pytest.raises(Conflict):
        put(acme, jane, replace(JANE, uid="zoë.müller", title="Chief"))
    assert Identity.objects.values().get(pk=jane.pk) == before
    assert Event.objects.get(kind="scim.refused").request_id == "REQSCIM"


def test_a_taken_user_name_is_a_conflict_on_create_and_on_rename_R9(acme: Connection) -> None:
    post(acme, JANE)
    with pytest.raises(Conflict, match="userName"):
        post(acme, replace(ZOE, user_name="JANE.DOE@acme.test"))
    zoe = post(acme, ZOE).identity
    with pytest.raises(Conflict, match="userName"):
        put(acme, zoe, replace(ZOE, user_name="jane.doe@acme.test"))
    assert User.objects.count() == 2


def test_a_taken_email_is_a_conflict_on_create_only_R9_R16(acme: Connection) -> None:
    post(acme, JANE)
    with pytest.raises(Conflict, match="email"):
        post(acme, replace(ZOE, email="Jane.Doe@acme.test"))
    zoe = post(acme, ZOE).identity
    outcome = put(acme, zoe, replace(ZOE, email="jane.doe@acme.test"))
    assert outcome.identity.email == "jane.doe@acme.test", "what the IdP says of an email is drift, never an error"
    assert outcome.identity.user.email == "zoë.müller@acme.test"


def test_a_user_made_by_an_administrator_is_never_adopted_by_name_or_email_R9(acme: Connection) -> None:
    create_user(actor=ADMIN, username="jane.doe@acme.test", email="jane.doe@acme.test", customer=acme.customer)
    with pytest.raises(Conflict):
        post(acme, JANE)
    assert not Identity.objects.exists()


def test_the_same_human_at_two_customers_is_two_users_R1(acme: Connection) -> None:
    other = make_connection("globex", customer="Globex")
    first, second = post(acme, JANE).identity, post(other, JANE).identity
    assert first.user_id != second.user_id
    with pytest.raises(NotFound):
        put(other, first, JANE)
    with pytest.raises(NotFound):
        remove_person(actor=OKTA, connection=other, scim_id=first.scim_id)


def test_an_inactive_identity_gives_up_its_user_name_R8(acme: Connection) -> None:
    old = post(acme, JANE).identity
    put(acme, old, replace(JANE, active=False))
    newcomer = replace(JANE, uid="jane.doe2", external_id="00u9", email="jane2@acme.test")
    with pytest.raises(TryAgain):
        post(acme, newcomer)
    assert not Identity.objects.filter(user_name_key="jane.doe@acme.test").exists(), "the retry finds nobody"
    assert post(acme, newcomer).decision is Decision.CREATE


def test_only_the_uid_finds_a_person_and_its_comparison_is_ours_R5(acme: Connection) -> None:
    zoe = post(acme, ZOE).identity
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE, uid="  ZOË.MÜLLER ")).pk == zoe.pk


@pytest.mark.parametrize(
    "bad",
    [
        {"uid": "x" * 1000},
        {"uid": "jane\u200b.doe"},
        {"user_name": ""},
        {"user_name": None},
        {"email": "x" * 256},
        {"title": "a\x00"},
    ],
)
def test_bad_input_is_named_and_leaves_nothing_behind(acme: Connection, bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        post(acme, replace(JANE, **bad))
    assert not User.objects.exists()


def test_a_user_name_that_is_not_an_email_address_is_accepted_R15(acme: Connection) -> None:
    assert post(acme, replace(JANE, user_name="jdoe")).decision is Decision.CREATE


def test_a_pushed_person_has_no_password_and_no_rights(acme: Connection) -> None:
    user = post(acme, JANE).identity.user
    assert not user.has_usable_password()
    assert (user.is_staff, user.is_superuser) == (False, False)


@pytest.mark.parametrize("email", ["ß" * 200, "jane\u200b@acme.test"])
def test_an_email_that_cannot_be_a_key_is_invalid_and_blocks_no_deprovisioning_R5_R23(
    acme: Connection, email: str
) -> None:
    with pytest.raises(InvalidValue, match="email"):
        post(acme, replace(ZOE, email=email))
    identity = post(acme, JANE).identity
    assert not put(acme, identity, replace(JANE, email=email, active=False)).identity.active

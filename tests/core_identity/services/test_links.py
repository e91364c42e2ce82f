"""R5, R8a, R10: offers, released UIDs, and UIDs that an administrator moves."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from core_identity.errors import Conflict, NameTaken, NotAllowed
from core_identity.models import Connection, Event, Identity, User
from core_identity.policy.matching import Decision
from core_identity.selectors.resources import scim_identities
from core_identity.services.expiry import expire
from core_identity.services.identities import current_uid
from core_identity.services.links import offer, release, relink, withdraw
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.users import create_user
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db
WHY = "import of the old list"


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def beforehand(acme: Connection) -> User:
    return create_user(
        actor=ADMIN,
        username="jane.doe@acme.test",
        email="jane.doe@acme.test",
        customer=acme.customer,
        password="correct horse battery",
    )


def put(identity: Identity, person: Person) -> Outcome:
    return change_person(
        actor=OKTA, connection=identity.connection, scim_id=identity.scim_id, read=lambda _: person, deactivates=False
    )


def offered(connection: Connection, *users: User) -> Identity:
    offer(actor=ADMIN, connection=connection, user_ids=[user.pk for user in users], reason=WHY)
    return Identity.objects.get(user=users[0])


def test_without_an_offer_nobody_is_linked_by_name_R10(acme: Connection, beforehand: User) -> None:
    with pytest.raises(Conflict):
        create_person(actor=OKTA, connection=acme, person=JANE)
    assert not scim_identities(acme).exists()


def test_okta_sees_who_is_offered_and_its_put_claims_them_R10(acme: Connection, beforehand: User) -> None:
    identity = offered(acme, beforehand)
    assert scim_identities(acme).get(user_name_key="jane.doe@acme.test") == identity
    outcome = put(identity, JANE)
    beforehand.refresh_from_db()
    assert outcome.decision is Decision.CLAIM
    assert (outcome.identity.user, outcome.identity.external_id) == (beforehand, JANE.external_id)
    assert outcome.identity.offered_at is None
    assert not beforehand.has_usable_password()
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE)).user == beforehand


def test_a_post_of_this_user_name_claims_too_R10(acme: Connection, beforehand: User) -> None:
    offered(acme, beforehand)
    outcome = create_person(actor=OKTA, connection=acme, person=JANE)
    assert (outcome.decision, outcome.created, outcome.identity.user) == (Decision.CLAIM, True, beforehand)


def test_a_push_without_a_uid_claims_with_a_derived_one_R6_R10(acme: Connection, beforehand: User) -> None:
    identity = offered(acme, beforehand)
    put(identity, replace(JANE, uid=None))
    uid = current_uid(identity)
    assert uid is not None
    assert (uid.uid, uid.derived) == ("jane.doe@acme.test", True)


def test_a_sign_in_of_this_user_name_claims_and_brings_the_uid_R10(acme: Connection, beforehand: User) -> None:
    offered(acme, beforehand)
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE)).user == beforehand
    outcome = create_person(actor=OKTA, connection=acme, person=JANE)
    assert (outcome.decision, outcome.identity.user) == (Decision.ADOPT, beforehand)


@pytest.mark.parametrize("way", ["post", "put", "sign-in"])
def test_a_claim_must_match_the_email_too_R9_R10(acme: Connection, beforehand: User, way: str) -> None:
    identity = offered(acme, beforehand)
    create_user(actor=ADMIN, username="zoe", email=ZOE.email or "", customer=acme.customer)
    person = replace(JANE, email=ZOE.email)
    claim: dict[str, Callable[[], object]] = {
        "post": lambda: create_person(actor=OKTA, connection=acme, person=person),
        "put": lambda: put(identity, person),
        "sign-in": lambda: sign_in(actor=BROWSER, connection=acme, person=by_sso(person)),
    }
    with pytest.raises(Conflict):
        claim[way]()
    identity.refresh_from_db()
    assert identity.offered_at is not None


def test_a_sign_in_by_another_name_does_not_claim_R10(acme: Connection, beforehand: User) -> None:
    identity = offered(acme, beforehand)
    zoe = sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE))
    identity.refresh_from_db()
    assert identity.offered_at is not None
    assert zoe.user != beforehand


@pytest.mark.parametrize("whom", ["staff", "expired", "stranger", "known"])
def test_people_who_cannot_be_offered_are_refused_R10(acme: Connection, whom: str) -> None:
    jane = create_user(actor=COMMAND, username="jane", customer=acme.customer, is_staff=whom == "staff")
    if whom == "expired":
        expire(actor=ADMIN, user_id=jane.pk, reason="left")
    if whom == "stranger":
        jane = create_user(actor=ADMIN, username="someone", customer=make_connection("b", customer="B").customer)
    if whom == "known":
        jane = create_person(actor=OKTA, connection=acme, person=JANE).identity.user
    fine = create_user(actor=ADMIN, username="fine", customer=acme.customer)
    with pytest.raises(NotAllowed, match="Nobody was offered"):
        offer(actor=ADMIN, connection=acme, user_ids=[fine.pk, jane.pk], reason=WHY)
    assert not Identity.objects.filter(offered_at__isnull=False).exists()


def test_an_offer_can_be_withdrawn_until_it_is_claimed_R10(acme: Connection, beforehand: User) -> None:
    withdraw(actor=ADMIN, identity_id=offered(acme, beforehand).pk, reason="a mistake")
    assert not Identity.objects.exists()
    identity = offered(acme, beforehand)
    put(identity, JANE)
    with pytest.raises(NotAllowed, match="claimed"):
        withdraw(actor=ADMIN, identity_id=identity.pk, reason="too late")


def test_a_former_uid_is_released_for_a_newcomer_R5(acme: Connection) -> None:
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    put(jane, replace(JANE, uid="jane.roe"))
    newcomer = replace(ZOE, uid=JANE.uid)
    with pytest.raises(Conflict):
        create_person(actor=OKTA, connection=acme, person=newcomer)
    release(actor=ADMIN, uid_id=jane.uids.get(current=False).pk, reason=WHY)
    assert create_person(actor=OKTA, connection=acme, person=newcomer).identity.user_id != jane.user_id
    assert Event.objects.get(kind="identity.uid_released").changes == {"uid": ["jane.doe", None]}


def test_the_current_uid_of_a_user_who_is_not_expired_stays_R5(acme: Connection) -> None:
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    with pytest.raises(NotAllowed, match="Expire them first"):
        release(actor=ADMIN, uid_id=jane.uids.get().pk, reason=WHY)
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    release(actor=ADMIN, uid_id=jane.uids.get().pk, reason=WHY)
    assert not jane.uids.exists()


def test_an_administrator_moves_a_uid_and_sessions_end_R8a(acme: Connection) -> None:
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    epoch = jane.session_epoch
    relink(actor=ADMIN, identity_id=jane.pk, uid="JD-4711", reason=WHY)
    jane.refresh_from_db()
    assert jane.session_epoch > epoch
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, uid="jd-4711")).pk == jane.pk


def test_a_uid_of_somebody_else_is_not_taken_R5(acme: Connection) -> None:
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    create_person(actor=OKTA, connection=acme, person=ZOE)
    with pytest.raises(NameTaken, match="Release it there, or merge"):
        relink(actor=ADMIN, identity_id=jane.pk, uid=ZOE.uid or "", reason=WHY)

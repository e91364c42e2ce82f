"""R8b, R9: the accounts that a sign-in may open, and the names that it may bring. R13: its values reach identity and user."""

from dataclasses import replace

import pytest

from core_identity.errors import Conflict
from core_identity.models import Connection, Identity, IdentityUid, User
from core_identity.services.push.provisioning import create_person
from tests.support.cast import BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    return make_connection()


def test_a_derived_uid_does_not_give_way_to_somebody_with_another_external_id_R6_R8b(acme: Connection) -> None:
    jane = create_person(actor=OKTA, connection=acme, person=replace(JANE, uid=None)).identity
    with pytest.raises(Conflict):
        sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, external_id="00u9eve"))
    jane.refresh_from_db()
    assert jane.external_id == "00u1jane"
    assert IdentityUid.objects.get(identity=jane).derived


def test_a_derived_uid_gives_way_to_a_sign_in_with_the_same_external_id_R6(acme: Connection) -> None:
    jane = create_person(actor=OKTA, connection=acme, person=replace(JANE, uid=None)).identity
    entered = sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, external_id="00u1jane"))
    assert entered.pk == jane.pk
    assert IdentityUid.objects.get(identity=jane).uid == "jane.doe"


def test_a_name_id_that_is_another_users_name_is_a_conflict_R9(acme: Connection) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    create_person(actor=OKTA, connection=acme, person=JANE)
    with pytest.raises(Conflict, match="userName"):
        sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE, name_id="Jane.Doe@acme.test"))
    assert Identity.objects.get(pk=zoe.pk).name_id == ""


def test_a_new_name_id_that_nobody_has_is_learnt_R8b_R13(acme: Connection) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    entered = sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE, name_id="zoe@acme.test"))
    assert (entered.pk, entered.name_id) == (zoe.pk, "zoe@acme.test")


def test_values_of_an_assertion_reach_the_identity_and_by_the_same_policy_the_user_R13_R16_R17() -> None:
    other = make_connection("by-number", uid_rule="other")
    sign_in(actor=BROWSER, connection=other, person=by_sso(JANE))
    person = by_sso(JANE, title="Chief", department="", given_name="Janet", email="janet@acme.test")
    identity = sign_in(actor=BROWSER, connection=other, person=person)
    user = User.objects.get(pk=identity.user_id)
    assert (identity.title, identity.given_name, identity.email) == ("Chief", "Janet", "janet@acme.test")
    assert (user.title, user.department, user.first_name) == ("Chief", "", "Janet")
    assert user.email == JANE.email, "only an administrator changes it (R16)"


def test_with_the_rule_name_a_sign_in_changes_no_name_of_the_user_R4_R13(acme: Connection) -> None:
    sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    identity = sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, given_name="Janet"))
    assert identity.given_name == "Janet"
    assert User.objects.get(pk=identity.user_id).first_name == "Jane"

"""One human in two rows of one connection: seen before it becomes a conflict (R5, R7, R37)."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from core_identity.errors import Conflict
from core_identity.models import Conflict as ConflictRow
from core_identity.models import Connection, Identity
from core_identity.selectors.mismatches import mismatches, perhaps_pushed_too, refused_lately
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.resolutions import same_person
from core_identity.services.users import change_user
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db

# Jane by SSO, where SAML maps the email to UID and NameID, and SCIM something else.
JANE_BY_EMAIL = by_sso(JANE, uid="jane.doe@acme.test", name_id="jane.doe@acme.test", email="jane@home.test")
# Jane by SCIM there: her email is the NameID, her userName is not.
PUSHED = replace(JANE, user_name="jdoe")


@pytest.fixture
def acme() -> Connection:
    return make_connection()


def push(connection: Connection, person: Person) -> Identity:
    return create_person(actor=OKTA, connection=connection, person=person).identity


def enter(connection: Connection, person: Person) -> Identity:
    return sign_in(actor=BROWSER, connection=connection, person=person)


def mismatches_of(connection: Connection) -> list[tuple[str, str, str]]:
    """Return who is paired, as (UID by SCIM, UID by SSO, what both go by)."""
    found = mismatches(connection, list(perhaps_pushed_too(connection)))
    return [(_uid(pair.scim), _uid(pair.sso), pair.shared) for pair in found]


def _uid(identity: Identity) -> str:
    return identity.uids.get(current=True).uid


def test_a_person_of_two_uids_is_shown_with_the_probable_cause_R7(acme: Connection) -> None:
    scim, sso = push(acme, PUSHED), enter(acme, JANE_BY_EMAIL)
    (pair,) = mismatches(acme, list(perhaps_pushed_too(acme)))
    assert (pair.scim, pair.sso, pair.shared) == (scim, sso, "jane.doe@acme.test")
    assert pair.cause.startswith("SSO sends as UID what SCIM sends as email.")


def test_the_order_of_the_channels_does_not_matter_R7(acme: Connection) -> None:
    enter(acme, JANE_BY_EMAIL)
    push(acme, PUSHED)
    assert mismatches_of(acme) == [("jane.doe", "jane.doe@acme.test", "jane.doe@acme.test")]


def test_names_are_paired_as_they_are_compared_everywhere_R5(acme: Connection) -> None:
    push(acme, replace(ZOE, user_name="zm", email="ZOË@Acme.test"))
    enter(acme, by_sso(ZOE, uid="4711", name_id=" zoe\u0308@acme.TEST "))
    assert mismatches_of(acme) == [("zoë.müller", "4711", "zoë@acme.test")]


@pytest.mark.parametrize(
    ("scim_values", "sso_values"),
    [
        ({"user_name": "jane@a.test", "email": "x@a.test"}, {"name_id": "opaque", "email": "jane@a.test"}),
        ({"user_name": "jd", "email": "jane@a.test"}, {"name_id": "jane@a.test", "email": "y@a.test"}),
    ],
    ids=["userName and email", "email and NameID"],
)
def test_a_user_name_can_pair_with_an_email(
    scim_values: dict[str, str], sso_values: dict[str, str], acme: Connection
) -> None:
    push(acme, replace(JANE, **scim_values))  # type: ignore[arg-type]
    enter(acme, by_sso(JANE, uid="4711", **sso_values))
    assert mismatches_of(acme) == [("jane.doe", "4711", "jane@a.test")]


def test_a_mail_that_moved_later_pairs_by_email(acme: Connection) -> None:
    scim = push(acme, replace(JANE, user_name="jdoe", email="old@acme.test"))
    enter(acme, by_sso(JANE, uid="4711", name_id="opaque"))
    person = replace(JANE, user_name="jdoe")
    change_person(actor=OKTA, connection=acme, scim_id=scim.scim_id, read=lambda _: person, deactivates=False)
    assert mismatches_of(acme) == [("jane.doe", "4711", "jane.doe@acme.test")]


def test_a_person_with_one_uid_on_both_channels_is_not_a_mismatch_R7(acme: Connection) -> None:
    push(acme, JANE)
    enter(acme, by_sso(JANE))
    enter(acme, by_sso(ZOE))
    push(acme, ZOE)
    assert mismatches_of(acme) == []


def test_after_the_mapping_is_corrected_the_administrator_joins_both_R9_R11(acme: Connection) -> None:
    pushed = push(acme, PUSHED)
    enter(acme, JANE_BY_EMAIL)
    mended = replace(JANE_BY_EMAIL, uid=JANE.uid)
    with pytest.raises(Conflict):
        enter(acme, mended)
    same_person(actor=ADMIN, conflict_id=ConflictRow.objects.get().pk, reason="one human, the mapping is mended")
    assert enter(acme, mended).user_id == pushed.user_id
    assert mismatches_of(acme) == []


def test_two_strangers_and_empty_names_pair_nobody(acme: Connection) -> None:
    push(acme, replace(JANE, email=""))
    enter(acme, by_sso(ZOE, name_id=""))
    assert mismatches_of(acme) == []


def test_nothing_of_another_connection_or_customer_pairs_R1(acme: Connection) -> None:
    push(make_connection("globex", customer="Globex"), PUSHED)
    enter(acme, JANE_BY_EMAIL)
    assert mismatches_of(acme) == []


def test_a_deleted_resource_pairs_nobody_and_a_deactivated_one_does_R20(acme: Connection) -> None:
    scim = push(acme, PUSHED)
    enter(acme, JANE_BY_EMAIL)
    off = replace(PUSHED, active=False)
    change_person(actor=OKTA, connection=acme, scim_id=scim.scim_id, read=lambda _: off, deactivates=True)
    assert len(mismatches_of(acme)) == 1, "a leaver who still has a way in is what matters most"
    remove_person(actor=OKTA, connection=acme, scim_id=scim.scim_id)
    assert mismatches_of(acme) == []


@pytest.mark.parametrize("side", ["sso", "scim"])
def test_an_address_that_may_be_shared_pairs_nobody_by_email_R9(side: str, acme: Connection) -> None:
    scim = push(acme, replace(JANE, user_name="jdoe", email="old@acme.test"))
    sso = enter(acme, by_sso(JANE, uid="4711", name_id="opaque"))
    whose = {"sso": sso, "scim": scim}[side]
    change_user(actor=ADMIN, user_id=whose.user_id, email_shared=True)
    person = replace(JANE, user_name="jdoe")
    change_person(actor=OKTA, connection=acme, scim_id=scim.scim_id, read=lambda _: person, deactivates=False)
    assert mismatches_of(acme) == []


def test_the_surest_of_two_possible_pairs_is_shown(acme: Connection) -> None:
    push(acme, replace(ZOE, email="shared@acme.test"))
    scim = push(acme, PUSHED)
    enter(acme, replace(JANE_BY_EMAIL, email="other@acme.test"))
    Identity.objects.filter(pk=scim.pk).update(email_key="zzz")
    Identity.objects.filter(uids__uid="jane.doe@acme.test").update(email_key="shared@acme.test", name_id_key="jdoe")
    assert mismatches_of(acme) == [("jane.doe", "jane.doe@acme.test", "jdoe")]


def test_the_number_of_queries_is_the_same_for_one_and_for_many(
    acme: Connection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        address = f"p{number}@acme.test"
        push(acme, Person(uid=f"p{number}", user_name=f"user{number}", email=address))
        enter(
            acme,
            Person(uid=address, name_id=address, email=f"{number}@home.test", given_name="P", family_name="Q"),
        )
    for size in (1, 12):
        with django_assert_num_queries(5):
            assert len(mismatches(acme, list(perhaps_pushed_too(acme)[:size]))) == size


def test_conflicts_of_refused_messages_are_counted_for_a_week_R9(acme: Connection) -> None:
    other = make_connection("globex", customer="Globex")
    for connection in (acme, acme, other):
        if not Identity.objects.filter(connection=connection).exists():
            push(connection, JANE)
        with pytest.raises(Conflict):
            push(connection, replace(JANE, uid="somebody.else", external_id="00u9", user_name="else"))
    with pytest.raises(Conflict):
        enter(acme, by_sso(ZOE, uid="jane.doe"))
    assert refused_lately(acme) == 3
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert refused_lately(acme) == 0

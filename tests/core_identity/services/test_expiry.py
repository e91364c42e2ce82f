"""R20-R26: the users who are expired, who may come back, and who pass the gate, against the real database."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.utils import timezone

from core_identity.errors import MayNotSignIn, NotFound
from core_identity.models import Connection, Event, Identity, User
from core_identity.policy.matching import Decision
from core_identity.selectors.roles import roles_of
from core_identity.selectors.story import changed_since_expiry
from core_identity.selectors.users import status_of
from core_identity.services.connections import change_connection
from core_identity.services.expiry import expire, unexpire
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.split import split_off
from core_identity.services.users import change_user, create_user
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=JANE).identity


def say(identity: Identity, person: Person) -> Identity:
    return change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=person.active is False,
    ).identity


def test_deactivation_expires_and_the_sign_in_is_refused_R20_R21(acme: Connection, jane: Identity) -> None:
    say(jane, replace(JANE, active=False))
    user = User.objects.get()
    assert (user.expired_channel, user.expired_by, user.is_active) == ("scim", OKTA.label, False)
    with pytest.raises(MayNotSignIn) as refusal:
        sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    assert refusal.value.reason == "expired"


def test_a_reactivated_user_stays_expired_and_the_request_is_listed_R22(jane: Identity) -> None:
    say(jane, replace(JANE, active=False))
    identity = say(jane, JANE)
    assert identity.active, "active is the IdP's word and follows it"
    assert identity.reactivation_requested_at is not None
    assert status_of(User.objects.get()) == "expired"
    assert Event.objects.filter(kind="user.reactivation_requested").exists()


def test_an_administrator_unexpires_and_the_person_signs_in_again_R22(acme: Connection, jane: Identity) -> None:
    say(jane, replace(JANE, active=False))
    say(jane, JANE)
    unexpire(actor=ADMIN, user_id=jane.user_id, reason="back from leave")
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE)).pk == jane.pk
    jane.refresh_from_db()
    assert jane.reactivation_requested_at is None


def test_a_person_first_pushed_inactive_is_not_expired_and_the_first_active_lets_them_in_R25(acme: Connection) -> None:
    identity = create_person(actor=OKTA, connection=acme, person=replace(JANE, active=False)).identity
    assert status_of(identity.user) == "inactive"
    with pytest.raises(MayNotSignIn) as refusal:
        sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    assert refusal.value.reason == "inactive"
    say(identity, JANE)
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE)).pk == identity.pk


def test_delete_expires_and_a_later_post_revives_under_the_old_id_still_expired_R20(
    acme: Connection, jane: Identity
) -> None:
    remove_person(actor=OKTA, connection=acme, scim_id=jane.scim_id)
    assert User.objects.filter(pk=jane.user_id).exists()
    with pytest.raises(NotFound):
        say(jane, JANE)
    outcome = create_person(actor=OKTA, connection=acme, person=JANE)
    assert (outcome.decision, outcome.created) == (Decision.REVIVE, True)
    assert outcome.identity.scim_id == jane.scim_id
    assert status_of(outcome.identity.user) == "expired"


@pytest.mark.parametrize(
    "rest",
    [
        {"user_name": "x" * 300},
        {"uid": "zoë.müller"},
        {"external_id": "00u-of-nobody"},
        {"user_name": "zoë.müller@acme.test"},
        {"title": "\x00"},
    ],
    ids=["invalid", "somebody else's UID", "another externalId", "a taken userName", "a NUL"],
)
def test_a_deactivation_is_never_blocked_by_what_else_is_in_it_R23(
    acme: Connection, jane: Identity, rest: dict[str, Any]
) -> None:
    create_person(actor=OKTA, connection=acme, person=ZOE)
    identity = say(jane, replace(JANE, active=False, **rest))
    assert not identity.active
    assert identity.user.expired_at is not None
    assert (identity.user_name, identity.external_id, identity.title) == (JANE.user_name, "00u1jane", "Editor")
    assert Event.objects.filter(kind="push.rest_dropped").exists()


def test_another_connection_of_the_customer_expires_too_R20(acme: Connection, jane: Identity) -> None:
    entra = make_connection("acme-entra")
    second = Identity.objects.create(connection=entra, user=jane.user, pushed_at=timezone.now(), user_name="jane")
    say(second, Person(active=False))
    assert status_of(User.objects.get(pk=jane.user_id)) == "expired"


def test_an_opted_in_connection_unexpires_users_that_it_expired_R22() -> None:
    willing = make_connection(reactivation="unexpire_own")
    identity = create_person(actor=OKTA, connection=willing, person=JANE).identity
    say(identity, replace(JANE, active=False))
    say(identity, JANE)
    assert status_of(User.objects.get()) == "active"


def test_automatic_unexpiry_skips_expiries_by_administrators_and_changed_people_R22() -> None:
    willing = make_connection(reactivation="unexpire_own")
    identity = create_person(actor=OKTA, connection=willing, person=JANE).identity
    say(identity, replace(JANE, active=False))
    say(identity, replace(JANE, email="new@acme.test"))
    assert status_of(User.objects.get()) == "expired"
    unexpire(actor=ADMIN, user_id=identity.user_id, reason="")
    expire(actor=ADMIN, user_id=identity.user_id, reason="left")
    say(identity, replace(JANE, active=False))
    say(identity, JANE)
    user = User.objects.get()
    assert (status_of(user), user.expired_channel) == ("expired", "admin")


def test_the_unexpire_page_can_show_what_changed_since_R24(jane: Identity) -> None:
    say(jane, replace(JANE, active=False))
    say(jane, replace(JANE, user_name="jane.roe@acme.test"))
    changed = changed_since_expiry(User.objects.get())
    assert changed == [("Acme", "user_name", "jane.doe@acme.test", "jane.roe@acme.test")]


def test_unexpire_without_roles_ends_all_grants_R24(jane: Identity) -> None:
    role = create_role(actor=ADMIN, name="Editors")
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=role.pk, reason="covers for Sam")
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    unexpire(actor=ADMIN, user_id=jane.user_id, reason="back in another job", keep_roles=False)
    assert roles_of(User.objects.get()) == []


def test_this_is_another_person_moves_the_identity_to_a_new_user_R24(acme: Connection, jane: Identity) -> None:
    role = create_role(actor=ADMIN, name="Editors")
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=role.pk, reason="covers for Sam")
    say(jane, replace(JANE, active=False))
    say(jane, JANE)
    new = split_off(actor=ADMIN, identity_id=jane.pk, reason="a second Jane Doe")
    assert roles_of(new) == []
    assert status_of(User.objects.get(pk=jane.user_id)) == "expired"
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE)).user_id == new.pk


def test_expiry_ends_passwords_too_R21() -> None:
    user = create_user(actor=COMMAND, username="boss", password="a long password", is_staff=True)
    assert authenticate(None, username="BOSS", password="a long password") == user
    expire(actor=COMMAND, user_id=user.pk, reason="left")
    assert authenticate(None, username="boss", password="a long password") is None


def test_an_inactive_person_cannot_sign_in_by_password_either_R21(acme: Connection) -> None:
    identity = create_person(actor=OKTA, connection=acme, person=replace(JANE, active=False)).identity
    identity.user.set_password("a long password")
    User.objects.filter(pk=identity.user_id).update(password=identity.user.password)
    assert authenticate(None, username=JANE.user_name, password="a long password") is None


def test_staff_enter_only_through_our_own_idp_R26(acme: Connection, jane: Identity) -> None:
    change_user(actor=COMMAND, user_id=jane.user_id, is_staff=True)
    with pytest.raises(MayNotSignIn) as refusal:
        sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE))
    assert refusal.value.reason == "staff"
    event = Event.objects.get(kind="sso.refused")
    assert event.user_id == jane.user_id, "the refusal stands in their own story"
    assert "administer" in event.reason
    change_connection(actor=COMMAND, connection_id=acme.pk, own_idp=True)
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE)).pk == jane.pk


def test_a_reactivation_request_older_than_90_days_is_only_listed_R22() -> None:
    willing = make_connection(reactivation="unexpire_own")
    identity = create_person(actor=OKTA, connection=willing, person=JANE).identity
    say(identity, replace(JANE, active=False))
    User.objects.update(expired_at=timezone.now() - timedelta(days=91))
    say(identity, JANE)
    assert status_of(User.objects.get()) == "expired"


def test_a_delete_also_expires_a_user_who_was_inactive_at_the_idp_R20(acme: Connection, jane: Identity) -> None:
    say(jane, replace(JANE, active=False))
    unexpire(actor=ADMIN, user_id=jane.user_id, reason="may work by the other IdP")
    remove_person(actor=OKTA, connection=acme, scim_id=jane.scim_id)
    assert User.objects.get().expired_at is not None


def test_a_split_off_person_is_revived_under_the_name_of_the_identity_R8a_R24(acme: Connection, jane: Identity) -> None:
    say(jane, replace(JANE, active=False))
    newcomer = split_off(actor=ADMIN, identity_id=jane.pk, reason="another Jane")
    outcome = create_person(actor=OKTA, connection=acme, person=JANE)
    assert (outcome.decision, outcome.identity.user_id) == (Decision.REVIVE, newcomer.pk)


def test_a_reactivation_request_ends_when_the_idp_deactivates_again_R22(jane: Identity) -> None:
    say(jane, replace(JANE, active=False))
    assert say(jane, JANE).reactivation_requested_at is not None
    assert say(jane, replace(JANE, active=False)).reactivation_requested_at is None


def test_a_granted_reactivation_request_is_no_longer_listed_R22() -> None:
    trusted = make_connection(reactivation="unexpire_own")
    jane = create_person(actor=OKTA, connection=trusted, person=JANE).identity
    say(jane, replace(JANE, active=False))
    say(jane, replace(JANE, active=False, email="other@acme.test"))
    assert say(jane, replace(JANE, email="other@acme.test")).reactivation_requested_at is not None
    say(jane, replace(JANE, active=False))
    assert say(jane, JANE).reactivation_requested_at is None
    assert User.objects.get().expired_at is None


def test_a_split_off_person_stays_separate_when_deleted_and_pushed_again_R9_R24(
    acme: Connection, jane: Identity
) -> None:
    say(jane, replace(JANE, active=False))
    newcomer = split_off(actor=ADMIN, identity_id=jane.pk, reason="another Jane")
    remove_person(actor=OKTA, connection=acme, scim_id=jane.scim_id)
    outcome = create_person(actor=OKTA, connection=acme, person=JANE)
    assert (outcome.decision, outcome.identity.user_id) == (Decision.REVIVE, newcomer.pk)


def test_grants_by_sign_in_end_with_the_identity_that_signed_in_R24_R32() -> None:
    acme = make_connection(roles_from="sso_groups")
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane = sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, groups=("Editors",)))
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    newcomer = split_off(actor=ADMIN, identity_id=jane.pk, reason="another Jane")
    assert roles_of(User.objects.get(pk=jane.user_id)) == []
    assert roles_of(newcomer) == []
    sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, groups=("Editors",)))
    assert [grant.name for grant in roles_of(newcomer)] == ["Editors"]

"""Attacks on the row of a leaver, a colleague or a person whose keys change (R3, R8, R8a, R8b, R22): what must fail, and what must succeed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core_identity import errors
from core_identity.models import Conflict, Connection, Event, Identity, IdentityUid
from core_identity.models.conflict import ConflictState
from core_identity.policy.matching import Decision
from core_identity.services.connections import change_connection, set_external_id_may_change
from core_identity.services.drift import accept_drift
from core_identity.services.expiry import unexpire
from core_identity.services.push.outcomes import Outcome
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.resolutions import different_people, same_person
from core_identity.services.succession import RekeyPlan, plan_rekey, rekey
from core_identity.values import Person
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db
WHY = "ticket 4711"
NEWCOMER = Person(uid="jane.newcomer", user_name=JANE.user_name, active=True)


def post(connection: Connection, person: Person) -> Outcome:
    return create_person(actor=OKTA, connection=connection, person=person)


def change(identity: Identity, person: Person, *, is_patch: bool = True) -> Outcome:
    fresh = Identity.objects.select_related("connection").get(pk=identity.pk)
    return change_person(
        actor=OKTA,
        connection=fresh.connection,
        scim_id=fresh.scim_id,
        read=lambda _: person,
        deactivates=person.active is False,
        is_patch=is_patch,
    )


def uid_of(identity: Identity) -> str:
    return IdentityUid.objects.get(identity=identity, current=True).uid


def is_expired(identity: Identity) -> bool:
    return Identity.objects.get(pk=identity.pk).user.expired_at is not None


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


ATTACKS = {
    "one message": [NEWCOMER],
    "one message without userName": [replace(NEWCOMER, user_name=None)],
    "one message that empties the externalId": [replace(NEWCOMER, external_id="")],
    "the UID, then active": [Person(uid=NEWCOMER.uid), Person(active=True), Person(uid=NEWCOMER.uid)],
    "active, then the UID": [Person(active=True), Person(uid=NEWCOMER.uid), Person(active=True)],
    "twice the same": [NEWCOMER, NEWCOMER],
    "the UID, then active with the former UID, then the UID": [
        Person(uid=NEWCOMER.uid),
        Person(uid=JANE.uid, active=True),
        Person(uid=NEWCOMER.uid),
    ],
    "an externalId of their own": [replace(NEWCOMER, external_id="00u9new")],
}


def test_no_newcomer_with_the_user_name_of_a_leaver_takes_their_resource_R8a_R22() -> None:
    for slug, reactivation in (("keeps", "keep_expired"), ("returns", "unexpire_own")):
        connection = make_connection(slug, customer=slug, reactivation=reactivation)
        leaver = post(connection, JANE).identity
        change(leaver, Person(active=False))
        for name, messages in ATTACKS.items():
            for is_patch in (True, False):
                with rolled_back():
                    for message in messages:
                        sent = message if is_patch else replace(message, user_name=JANE.user_name)
                        try:
                            change(leaver, sent, is_patch=is_patch)
                        except errors.Conflict:
                            continue
                    assert uid_of(leaver) == JANE.uid, (slug, name, is_patch)
                    assert NEWCOMER.uid not in leaver.uids.values_list("uid", flat=True), (slug, name, is_patch)


def test_a_uid_that_came_with_or_before_active_blocks_the_return_R22() -> None:
    acme = make_connection(reactivation="unexpire_own")
    leaver = post(acme, JANE).identity
    change(leaver, Person(active=False))
    returns = {
        "nothing else": ([Person(active=True)], False),
        "the current UID": ([Person(uid=JANE.uid, active=True)], False),
        "another UID": ([NEWCOMER], True),
        "another UID with the externalId": ([Person(uid="jane.roe", external_id=JANE.external_id, active=True)], True),
        "a pending UID": ([Person(uid="jane.roe"), Person(active=True)], True),
        "another email": ([Person(email="j@acme.test", active=True)], True),
        "another userName": ([Person(user_name="j@acme.test", active=True)], True),
    }
    for name, (messages, stays) in returns.items():
        with rolled_back():
            for message in messages:
                change(leaver, message)
            assert is_expired(leaver) is stays, name


def test_a_uid_kept_while_the_person_was_away_waits_for_an_administrator_R8a() -> None:
    acme = make_connection()
    leaver = post(acme, JANE).identity
    change(leaver, Person(active=False))
    assert change(leaver, NEWCOMER).decision is Decision.DRIFT
    unexpire(actor=ADMIN, user_id=leaver.user_id, reason=WHY)
    for message in (
        Person(uid=NEWCOMER.uid),
        Person(uid="jane.third"),
        Person(uid=NEWCOMER.uid, external_id=JANE.external_id),
    ):
        with rolled_back():
            assert change(leaver, message).decision is Decision.DRIFT, message
    accept_drift(actor=ADMIN, user_id=leaver.user_id, identity_id=leaver.pk, fields=["uid"], reason=WHY)
    assert uid_of(leaver) == NEWCOMER.uid
    assert change(leaver, Person(uid="jane.third")).decision is Decision.RELINK, "now the table decides again"


def test_a_patch_without_external_id_moves_the_uid_of_a_live_person_R8a_R23() -> None:
    acme = make_connection()
    jane = post(acme, JANE).identity
    with rolled_back():
        assert change(jane, Person(uid="jane.roe")).decision is Decision.RELINK
        assert uid_of(jane) == "jane.roe"
    with rolled_back():  # live means before this message, though the deactivation is applied first
        assert change(jane, Person(uid="jane.roe", active=False)).decision is Decision.RELINK
        assert is_expired(jane)
    for sent in (Person(uid="jane.roe", external_id=""), Person(uid="jane.roe", user_name=JANE.user_name)):
        with rolled_back():
            is_patch = sent.external_id == ""
            assert change(jane, sent, is_patch=is_patch).decision is Decision.DRIFT


def may_change() -> tuple[Connection, Identity]:
    acme = make_connection(uid_rule="other", external_id_may_change=True)
    return acme, post(acme, JANE).identity


def test_with_changeable_external_ids_only_the_right_messages_change_one_R8a() -> None:
    acme, jane = may_change()
    zoe = post(acme, ZOE).identity
    follows = {
        "alone in a patch": (Person(external_id="new"), True),
        "patch with the current UID": (Person(external_id="new", uid=JANE.uid), True),
        "put with the current UID": (replace(JANE, external_id="new"), False),
    }
    for name, (message, is_patch) in follows.items():
        with rolled_back():
            assert change(jane, message, is_patch=is_patch).decision is Decision.APPLY, name
            event = Event.objects.filter(kind="identity.changed", subject_id=jane.pk).latest("pk")
            assert event.changes["external_id"] == [JANE.external_id, "new"]
    refused = {
        "put without UID": (replace(JANE, external_id="new", uid=None), False),
        "a new UID": (Person(external_id="new", uid="jane.roe"), True),
        "an emptied UID": (Person(external_id="new", uid=""), True),
        "the userName without UID": (Person(external_id="new", user_name=JANE.user_name), True),
        "another userName": (replace(JANE, external_id="new", user_name="eve@acme.test"), False),
        "the externalId of another user": (Person(external_id=ZOE.external_id), True),
        "the externalId with a new UID and userName": (replace(JANE, uid="eve", user_name="eve@acme.test"), False),
    }
    for message, is_patch in refused.values():
        with rolled_back(), pytest.raises(errors.Conflict):
            change(jane, message, is_patch=is_patch)
    change(zoe, Person(active=False))
    change(zoe, Person(active=True))
    with pytest.raises(errors.Conflict):
        change(zoe, Person(external_id="new"))  # her user is expired


def test_a_person_with_an_edited_external_id_does_not_receive_a_colleagues_post_R8a_R8b() -> None:
    acme, eve = may_change()
    change(eve, Person(external_id="zoe"))  # Eve edits the value that her IdP sends as externalId
    zoe = replace(ZOE, external_id="zoe")
    for person in (zoe, replace(zoe, uid=None)):
        with rolled_back(), pytest.raises(errors.Conflict):
            post(acme, person)
    eve.refresh_from_db()
    assert (eve.user_name, uid_of(eve)) == (JANE.user_name, JANE.uid)
    with pytest.raises(errors.NoMark):
        sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE, uid=JANE.uid, external_id="zoe"))
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, external_id="zoe")).pk == eve.pk


def test_the_switch_exists_for_the_rule_other_only_and_its_event_has_the_reason_R3_R8a() -> None:
    acme, other = make_connection(), make_connection("other", customer="Other", uid_rule="other")
    with pytest.raises(errors.InvalidValue, match="only if the UID rule is other"):
        set_external_id_may_change(actor=ADMIN, connection_id=acme.pk, permitted=True, reason=WHY)
    set_external_id_may_change(actor=ADMIN, connection_id=other.pk, permitted=True, reason=WHY)
    event = Event.objects.get(kind="connection.changed")
    assert (event.changes, event.reason) == ({"external_id_may_change": [False, True]}, WHY)
    until = timezone.now() + timedelta(days=1)
    with pytest.raises(errors.InvalidValue):
        change_connection(actor=ADMIN, connection_id=other.pk, uid_rule="name")
    with pytest.raises(errors.InvalidValue, match="Switch that off first"):
        rekey(actor=ADMIN, connection_id=other.pk, until=until, uid_rule="name", reason=WHY)


def test_in_re_key_the_preview_counts_those_who_follow_and_they_do_R3() -> None:
    acme = make_connection()
    people = {
        "jane": JANE,
        "derived": replace(JANE, uid=None, external_id="2", user_name="d@acme.test", email="d@acme.test"),
        "bare": replace(JANE, uid="bare", external_id=None, user_name="b@acme.test", email="b@acme.test"),
        "away": replace(JANE, uid="away", external_id="4", user_name="a@acme.test", email="a@acme.test"),
        "poor": replace(JANE, uid=None, external_id=None, user_name="p@acme.test", email="p@acme.test"),
    }
    rows = {name: post(acme, person).identity for name, person in people.items()}
    change(rows["away"], Person(active=False))
    sign_in(actor=BROWSER, connection=acme, person=by_sso(ZOE, external_id=ZOE.external_id))
    sign_in(
        actor=BROWSER, connection=acme, person=by_sso(replace(ZOE, uid="k", email="k@acme.test"), name_id="k@acme.test")
    )
    plan = plan_rekey(acme)
    assert plan == RekeyPlan(pushed=1, derived=1, by_sign_in=1, cannot=4)
    acme = rekey(actor=ADMIN, connection_id=acme.pk, until=timezone.now() + timedelta(days=1), reason=WHY)

    def follows(name: str, message: Person, expected: Decision) -> bool:
        with rolled_back():
            try:
                return change(rows[name], message).decision is expected
            except errors.Conflict:
                return False
        raise AssertionError("unreachable")

    new_external_id, new_uid = Person(external_id="new-org"), Person(uid="new-uid")
    assert {name for name in rows if follows(name, new_external_id, Decision.APPLY)} - {"poor"} == {"jane", "bare"}
    assert {name for name in rows if follows(name, new_uid, Decision.RELINK)} - {"poor"} == {"jane", "derived"}
    moved = by_sso(ZOE, uid="zoë.new", external_id=ZOE.external_id)
    assert uid_of(sign_in(actor=BROWSER, connection=acme, person=moved)) == "zoë.new"
    assert not follows("jane", Person(external_id="new-org", user_name="eve@acme.test"), Decision.APPLY)
    assert not follows("jane", Person(external_id="new-org", uid=""), Decision.APPLY)


def test_the_answer_to_a_rehired_person_promises_only_what_the_retry_gives_R8_R9() -> None:
    acme = make_connection()
    leaver = post(acme, JANE).identity
    change(leaver, Person(active=False))
    rehired = replace(JANE, uid="jane.two", external_id="00u9new")
    another_email = replace(rehired, email="jane.two@acme.test")
    with rolled_back():
        with pytest.raises(errors.TryAgain, match="Send the same request again"):
            post(acme, another_email)
        assert post(acme, another_email).decision is Decision.CREATE
    with pytest.raises(errors.Conflict, match="email address"):
        post(acme, rehired)
    leaver.refresh_from_db()
    assert leaver.user_name_key == JANE.user_name, "a name is not given up for a request that would fail"
    conflict = Conflict.objects.get(state=ConflictState.OPEN)
    for decide in (same_person, different_people):
        with rolled_back():
            decide(actor=ADMIN, conflict_id=conflict.pk, reason=WHY)
            assert post(acme, rehired).created, "the sentence asks to send the same again"
    zoe = post(acme, ZOE).identity
    with rolled_back():
        with pytest.raises(errors.TryAgain):
            change(zoe, Person(user_name=JANE.user_name))
        assert change(zoe, Person(user_name=JANE.user_name)).decision is Decision.APPLY
    with rolled_back():  # nobody is promised anything here, so nobody gives up a name (R23)
        outcome = change(zoe, Person(user_name=JANE.user_name, active=False))
        assert "the rest of the message was ignored" in outcome.notes[0]
        assert Identity.objects.get(pk=leaver.pk).user_name_key == JANE.user_name

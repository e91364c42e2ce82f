"""Which messages change nothing. No database."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from core_identity.policy.matching import Decision, Known, Push, Verb, decide_push, unsent_keys
from core_identity.policy.projection import Stored, would_change_nothing
from core_identity.values import Person

MAIL = "Jane.Doe@acme.test"
IDENTITY: dict[str, Any] = {
    "user_name": MAIL, "user_name_key": MAIL.lower(), "email": MAIL, "email_key": MAIL.lower(), "name_id": "", "name_id_key": "",
    "external_id": "e1", "given_name": "Jane", "family_name": "Doe", "title": " Editor", "organization": "", "department": "",
    "attributes": {"locale": "de"},
}  # fmt: skip
STORED = Stored(
    uid="Jane",
    uid_key="jane",
    derived=False,
    drift_uid="",
    identity=IDENTITY,
    user={"first_name": "Jane", "last_name": "Doe", "title": "Editor", "company": "", "department": ""},
    names_are_the_uid=False,
    active=True,
    pushed=True,
    offered=False,
    has_conflict=False,
)
SENT = Person(
    uid="Jane",
    external_id="e1",
    user_name=MAIL,
    email=MAIL,
    active=True,
    given_name="Jane",
    family_name="Doe",
    title=" Editor",
    attributes={"locale": "de"},
)
DERIVED = replace(STORED, derived=True, uid=MAIL, uid_key=MAIL.lower())


def stored(**fields: Any) -> Stored:
    return replace(STORED, identity={**IDENTITY, **fields})


@pytest.mark.parametrize(
    ("person", "as_stored"),
    [
        (SENT, STORED),
        (Person(), STORED),
        (replace(SENT, uid=None), STORED),
        (replace(SENT, external_id=None, active=None), STORED),
        (replace(SENT, uid=None), replace(STORED, drift_uid="other")),
        (replace(SENT, uid=None), DERIVED),
        (replace(SENT, attributes={"nickName": None}), STORED),
        (replace(SENT, active=False), replace(STORED, active=False)),
    ],
)
def test_a_message_that_repeats_the_stored_values_or_leaves_them_out_changes_nothing(
    person: Person, as_stored: Stored
) -> None:
    assert would_change_nothing(person, as_stored)


@pytest.mark.parametrize(
    ("person", "as_stored"),
    [
        (replace(SENT, uid="jane"), STORED),
        (replace(SENT, uid="other"), STORED),
        (replace(SENT, external_id="e2"), STORED),
        (SENT, stored(external_id=None)),
        (replace(SENT, user_name=""), STORED),
        (replace(SENT, user_name=MAIL.lower()), STORED),
        (replace(SENT, email=""), STORED),
        (replace(SENT, title="Editor"), STORED),
        (replace(SENT, given_name=""), STORED),
        (replace(SENT, attributes={"locale": None}), STORED),
        (replace(SENT, active=False), STORED),
        (replace(SENT, active=True), replace(STORED, active=False)),
        (SENT, replace(STORED, drift_uid="other")),
        (SENT, replace(STORED, uid_key="somebody")),
        (SENT, replace(STORED, user={**STORED.user, "title": "Chief"})),
        (SENT, stored(user_name_key=None)),
        (SENT, stored(email_key="stale")),
        (SENT, replace(STORED, uid=None, uid_key=None)),
        (replace(SENT, uid=None), replace(STORED, uid=None, uid_key=None)),
        (replace(SENT, uid=MAIL), DERIVED),
        (replace(SENT, uid=None), replace(DERIVED, uid_key="former")),
        (SENT, replace(STORED, pushed=False)),
        (SENT, replace(STORED, offered=True)),
        (SENT, replace(STORED, has_conflict=True)),
    ],
)
def test_any_other_message_takes_the_ordinary_way(person: Person, as_stored: Stored) -> None:
    assert not would_change_nothing(person, as_stored)


def test_a_new_name_changes_nothing_if_the_uid_is_the_name_R4() -> None:
    renamed = replace(STORED, user={**STORED.user, "first_name": "Janet"})
    assert not would_change_nothing(SENT, renamed)
    assert would_change_nothing(SENT, replace(renamed, names_are_the_uid=True))


def test_a_message_with_only_the_stored_keys_is_applied_R8a() -> None:
    """Whatever else the connection knows about the identity. `would_change_nothing` relies on this."""
    external_ids, names, rules = (None, "e1"), (None, "jane", "other"), (False, True)
    for (
        active,
        expired,
        derived,
        needs_decision,
    ), own_id, sent_id, uid, name, is_patch, rekeying, may_change in product(
        product(rules, repeat=4), external_ids, external_ids, (None, "u1"), names, rules, rules, rules
    ):
        if sent_id not in {None, own_id}:
            continue
        known = Known(
            external_id=own_id,
            user_name_key="jane",
            uid_key="u1",
            active=active,
            expired=expired,
            derived=derived,
            uid_needs_decision=needs_decision,
        )
        push = Push(
            verb=Verb.CHANGE,
            external_id=sent_id,
            has_uid=uid is not None,
            user_name_key=name,
            email_key="",
            subject=known,
            owner=known if uid else None,
            owner_is_subject=uid is not None,
            rekeying=rekeying,
            uid_key=uid or "",
            unsent=unsent_keys(Person(uid=uid, external_id=sent_id, user_name=name), is_patch),
            external_id_may_change=may_change,
        )
        assert decide_push(push) is Decision.APPLY, push

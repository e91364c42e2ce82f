"""The tables of R8a and R8b, cell by cell. No database."""

from dataclasses import replace
from typing import Any

import pytest

from core_identity.policy.cases import Cases
from core_identity.policy.matching import (
    TABLE,
    Cell,
    Decision,
    Known,
    Push,
    Subject,
    Uid,
    Verb,
    classify,
    decide_push,
    gives_up_derived,
    uid_to_read,
)
from core_identity.policy.sign_in import UID_FREE, UID_KNOWN, Assertion, SignIn, decide_sign_in
from core_identity.values import Person

LIVE = Known(external_id="00u1", user_name_key="jane@acme.test", email_key="jane@acme.test")
DERIVED = Known(external_id="00u1", user_name_key="jane@acme.test", email_key="jane@acme.test", derived=True)
BY_SSO_ONLY = Known(name_id_key="jane@acme.test", email_key="jane.doe@acme.test", pushed=False)
OFFERED = Known(user_name_key="jane@acme.test", email_key="jane@acme.test", pushed=False, offered=True)
KEYED = replace(LIVE, uid_key="jane.doe")
EXPIRED = replace(KEYED, expired=True)
HELD = replace(KEYED, uid_needs_decision=True, drift_uid_key="new")
NOTHING_SENT = frozenset({"uid", "external_id", "user_name"})
STRANGER = Known(external_id="00u2", user_name_key="joan@acme.test", email_key="joan@acme.test")


def push(
    verb: Verb,
    *,
    subject: Known | None = None,
    owner: Known | None = None,
    own: bool = False,
    external_id: str | None = "00u1",
    has_uid: bool = True,
    user_name_key: str | None = "jane@acme.test",
    email_key: str = "jane@acme.test",
    confirmed: bool = False,
    rekeying: bool = False,
) -> Push:
    return Push(verb, external_id, has_uid, user_name_key, email_key, subject, owner, own, confirmed, rekeying)


POST, CHANGE = Verb.POST, Verb.CHANGE


def patch(x: Known = KEYED, *, may_change: bool = False, **sent: str | None) -> Push:
    """Return a PATCH of ``x`` that contains only the keys in ``sent``; an emptied key is None. The UID "new" is free, "jane.doe" is X's."""
    uid = sent.get("uid")
    own = uid == x.uid_key != ""
    return Push(
        CHANGE,
        external_id=sent.get("external_id"),
        has_uid=bool(uid),
        user_name_key=sent.get("user_name"),
        email_key="",
        subject=x,
        owner=x if own else None,
        owner_is_subject=own,
        uid_key=uid or "",
        unsent=NOTHING_SENT - sent.keys(),
        external_id_may_change=may_change,
    )


CELLS = [
    # POST, externalId unknown or absent
    ("a new person is created", push(POST), Decision.CREATE),
    ("a new person without externalId is created", push(POST, external_id=None), Decision.CREATE),
    ("SSO came first and the NameID is the userName", push(POST, owner=BY_SSO_ONLY), Decision.ADOPT),
    (
        "SSO came first and only the email agrees",
        push(POST, owner=BY_SSO_ONLY, user_name_key="jd", email_key="jane.doe@acme.test"),
        Decision.ADOPT,
    ),
    (
        "SSO came first and nothing agrees",
        push(POST, owner=BY_SSO_ONLY, user_name_key="eve", email_key="eve@acme.test"),
        Decision.CONFLICT,
    ),
    (
        "SSO came first and empty names agree with nothing",
        push(POST, owner=Known(pushed=False), user_name_key=None, email_key=""),
        Decision.CONFLICT,
    ),
    (
        "SSO knows another externalId, so the names do not help",
        push(POST, owner=Known(external_id="00uX", name_id_key="jane@acme.test", pushed=False)),
        Decision.CONFLICT,
    ),
    ("the UID of a pushed person with another externalId", push(POST, owner=STRANGER), Decision.CONFLICT),
    (
        "the same person again, without externalId on either side",
        push(POST, owner=Known(user_name_key="jane@acme.test"), external_id=None),
        Decision.DUPLICATE,
    ),
    (
        "a deleted person again, without externalId on either side",
        push(POST, owner=Known(user_name_key="jane@acme.test", active=False, deleted=True), external_id=None),
        Decision.REVIVE,
    ),
    (
        "the UID of a pushed person under another userName, without externalId",
        push(POST, owner=Known(user_name_key="joan@acme.test"), external_id=None),
        Decision.CONFLICT,
    ),
    (
        "SSO came first, nothing agrees, and an administrator confirmed that it is the same person",
        push(POST, owner=BY_SSO_ONLY, user_name_key="eve", email_key="eve@acme.test", confirmed=True),
        Decision.ADOPT,
    ),
    (
        "the UID of a pushed person, and an administrator confirmed that it is the same person",
        push(POST, owner=STRANGER, confirmed=True),
        Decision.REVIVE,
    ),
    (
        "in re-key: UID and userName agree, the externalId is new",
        push(POST, owner=LIVE, external_id="00u9", rekeying=True),
        Decision.REVIVE,
    ),
    (
        "in re-key: the UID alone agrees",
        push(POST, owner=STRANGER, external_id="00u9", rekeying=True),
        Decision.CONFLICT,
    ),
    (
        "in re-key: UID and userName agree with somebody deactivated",
        push(POST, owner=Known("00u1", "jane@acme.test", active=False), external_id="00u9", rekeying=True),
        Decision.CONFLICT,
    ),
    # POST, externalId is X's, or X was offered under this userName
    ("somebody offered is pushed", push(POST, subject=OFFERED, external_id=None), Decision.CLAIM),
    (
        "posted again while live, after an administrator confirmed that it is the same person",
        push(POST, subject=LIVE, owner=LIVE, own=True, confirmed=True),
        Decision.REVIVE,
    ),
    ("posted again with a new UID", push(POST, subject=LIVE), Decision.RELINK),
    ("posted again while live", push(POST, subject=LIVE, owner=LIVE, own=True), Decision.DUPLICATE),
    ("posted again while live, UID not sent", push(POST, subject=LIVE, has_uid=False), Decision.DUPLICATE),
    (
        "posted again after a rename",
        push(POST, subject=LIVE, owner=LIVE, own=True, user_name_key="jane.roe@acme.test"),
        Decision.REVIVE,
    ),
    (
        "posted again after deactivation",
        push(POST, subject=Known("00u1", "jane@acme.test", active=False), own=True, owner=LIVE),
        Decision.REVIVE,
    ),
    (
        "posted again after deletion",
        push(POST, subject=Known("00u1", "jane@acme.test", active=False, deleted=True), has_uid=False),
        Decision.REVIVE,
    ),
    (
        "posted for the first time, externalId known from the assertion",
        push(POST, subject=Known("00u1", name_id_key="x", pushed=False), owner=LIVE, own=True),
        Decision.ADOPT,
    ),
    ("posted again with somebody else's UID", push(POST, subject=LIVE, owner=STRANGER), Decision.CONFLICT),
    # PUT or PATCH, externalId equal
    ("put with a new UID", push(CHANGE, subject=LIVE), Decision.RELINK),
    ("put with its own UID", push(CHANGE, subject=LIVE, owner=LIVE, own=True), Decision.APPLY),
    ("put without a UID", push(CHANGE, subject=LIVE, has_uid=False), Decision.APPLY),
    ("put with somebody else's UID", push(CHANGE, subject=LIVE, owner=STRANGER), Decision.CONFLICT),
    # PUT or PATCH, externalId absent, or X has none yet
    ("put with a new UID and no proof", push(CHANGE, subject=LIVE, external_id=None), Decision.DRIFT),
    (
        "put with a new UID where X has no externalId yet",
        push(CHANGE, subject=Known(user_name_key="jane@acme.test")),
        Decision.DRIFT,
    ),
    (
        "put with a UID over a derived one",
        push(CHANGE, subject=Known(user_name_key="jane@acme.test", derived=True), external_id=None),
        Decision.RELINK,
    ),
    (
        "put without externalId and with its own UID",
        push(CHANGE, subject=LIVE, owner=LIVE, own=True, external_id=None),
        Decision.APPLY,
    ),
    (
        "put without externalId and with somebody else's UID",
        push(CHANGE, subject=LIVE, owner=STRANGER, external_id=None),
        Decision.CONFLICT,
    ),
    ("put with a UID on somebody offered", push(CHANGE, subject=OFFERED), Decision.CLAIM),
    # PATCH without externalId
    ("patch with a new UID alone, X is live", patch(uid="new"), Decision.RELINK),
    ("patch with a new UID alone, the user is expired", patch(EXPIRED, uid="new"), Decision.DRIFT),
    ("patch with a new UID alone, X is inactive", patch(replace(KEYED, active=False), uid="new"), Decision.DRIFT),
    (
        "patch with a new UID alone, X has no externalId",
        patch(replace(KEYED, external_id=None), uid="new"),
        Decision.DRIFT,
    ),
    ("patch with a new UID that empties the externalId", patch(uid="new", external_id=None), Decision.DRIFT),
    ("patch with the UID that was kept while X was not live", patch(HELD, uid="new"), Decision.DRIFT),
    ("patch with another UID than the one that was kept", patch(HELD, uid="newer"), Decision.DRIFT),
    ("the kept UID with the externalId of X", patch(HELD, uid="new", external_id="00u1"), Decision.DRIFT),
    (
        "another UID than the kept one with the externalId of X",
        patch(HELD, uid="newer", external_id="00u1"),
        Decision.RELINK,
    ),
    (
        "post with the kept UID and the externalId of X",
        replace(push(POST, subject=HELD), uid_key="new"),
        Decision.DRIFT,
    ),
    # The externalId may change
    ("patch with another externalId alone", patch(external_id="00u9"), Decision.CONFLICT),
    ("it may change: patch with another externalId alone", patch(may_change=True, external_id="00u9"), Decision.APPLY),
    (
        "it may change: patch with another externalId that somebody has",
        replace(patch(may_change=True, external_id="00u9"), external_id_taken=True),
        Decision.CONFLICT,
    ),
    ("it may change: the user is expired", patch(EXPIRED, may_change=True, external_id="00u9"), Decision.CONFLICT),
    (
        "it may change: an emptied UID is not silence",
        patch(may_change=True, external_id="00u9", uid=None),
        Decision.CONFLICT,
    ),
    (
        "it may change: patch with the same userName and no UID",
        patch(may_change=True, external_id="00u9", user_name="jane@acme.test"),
        Decision.CONFLICT,
    ),
    (
        "it may change: patch with the current UID",
        patch(may_change=True, external_id="00u9", uid="jane.doe"),
        Decision.APPLY,
    ),
    (
        "it may change: patch with the current UID and another userName",
        patch(may_change=True, external_id="00u9", uid="jane.doe", user_name="jane.roe@acme.test"),
        Decision.CONFLICT,
    ),
    (
        "it may change: put with the current UID and the same userName",
        replace(
            patch(may_change=True, external_id="00u9", uid="jane.doe", user_name="jane@acme.test"), unsent=frozenset()
        ),
        Decision.APPLY,
    ),
    (
        "it may change: put with a former UID",
        replace(
            push(CHANGE, subject=KEYED, owner=KEYED, own=True, external_id="00u9"),
            uid_key="jane.before",
            external_id_may_change=True,
        ),
        Decision.CONFLICT,
    ),
    (
        "it may change: put without UID",
        replace(push(CHANGE, subject=KEYED, external_id="00u9", has_uid=False), external_id_may_change=True),
        Decision.CONFLICT,
    ),
    (
        "it may change: put with the externalId, a new UID and the same userName",
        replace(push(CHANGE, subject=KEYED), uid_key="new", external_id_may_change=True),
        Decision.RELINK,
    ),
    (
        "it may change: put with the externalId and a new UID and userName",
        replace(push(CHANGE, subject=KEYED, user_name_key="eve"), uid_key="new", external_id_may_change=True),
        Decision.CONFLICT,
    ),
    (
        "it may change: post with the externalId and a new UID and userName",
        replace(push(POST, subject=KEYED, user_name_key="eve"), uid_key="new", external_id_may_change=True),
        Decision.CONFLICT,
    ),
    (
        "it may change: post with the externalId, another userName and no UID",
        replace(push(POST, subject=KEYED, user_name_key="eve", has_uid=False), external_id_may_change=True),
        Decision.CONFLICT,
    ),
    (
        "it may change: post with the externalId and UID of X under another userName",
        replace(push(POST, subject=KEYED, owner=KEYED, own=True, user_name_key="eve"), external_id_may_change=True),
        Decision.REVIVE,
    ),
    # In re-key, a PATCH
    ("in re-key: the externalId alone", replace(patch(external_id="00u9"), rekeying=True), Decision.APPLY),
    (
        "in re-key: the externalId alone, and the UID is derived",
        replace(patch(replace(KEYED, derived=True), external_id="00u9"), rekeying=True),
        Decision.CONFLICT,
    ),
    (
        "in re-key: an emptied UID does not agree",
        replace(patch(external_id="00u9", uid=None), rekeying=True),
        Decision.CONFLICT,
    ),
    (
        "in re-key: another userName and externalId",
        replace(patch(external_id="00u9", user_name="eve"), rekeying=True),
        Decision.CONFLICT,
    ),
    (
        "in re-key: an externalId that somebody has",
        replace(patch(external_id="00u9"), rekeying=True, external_id_taken=True),
        Decision.CONFLICT,
    ),
    (
        "in re-key: a post without UID says one key, also where the UID is the userName",
        replace(push(POST, owner=LIVE, external_id="00u9", rekeying=True), uid_derived=True),
        Decision.CONFLICT,
    ),
    # PUT or PATCH, externalId differs
    (
        "in re-key: UID and userName agree, the externalId is new, by put",
        push(CHANGE, subject=LIVE, owner=LIVE, own=True, external_id="00u9", rekeying=True),
        Decision.APPLY,
    ),
    (
        "in re-key: the userName alone agrees, no UID was sent",
        push(CHANGE, subject=LIVE, external_id="00u9", has_uid=False, rekeying=True),
        Decision.CONFLICT,
    ),
    (
        "in re-key: the UID agrees and the message has no userName",
        push(
            CHANGE,
            subject=Known("00u1", None),
            owner=LIVE,
            own=True,
            external_id="00u9",
            user_name_key=None,
            rekeying=True,
        ),
        Decision.CONFLICT,
    ),
    ("put with another externalId and a new UID", push(CHANGE, subject=LIVE, external_id="00u9"), Decision.CONFLICT),
    (
        "put with another externalId and its own UID",
        push(CHANGE, subject=LIVE, owner=LIVE, own=True, external_id="00u9"),
        Decision.CONFLICT,
    ),
    (
        "put with another externalId and somebody else's UID",
        push(CHANGE, subject=LIVE, owner=STRANGER, external_id="00u9"),
        Decision.CONFLICT,
    ),
    (
        "externalIds are compared case-exact",
        push(CHANGE, subject=LIVE, owner=LIVE, own=True, external_id="00U1"),
        Decision.CONFLICT,
    ),
    (
        "in re-key a derived UID and the userName are one key (R3, R6)",
        push(POST, owner=DERIVED, external_id="00u9", rekeying=True),
        Decision.CONFLICT,
    ),
    (
        "an email that is the UID itself is not a mark (R8b)",
        replace(
            push(POST, owner=BY_SSO_ONLY, user_name_key="eve", email_key="jane.doe@acme.test"),
            uid_key="jane.doe@acme.test",
        ),
        Decision.CONFLICT,
    ),
]


@pytest.mark.parametrize(("case", "decision"), [(one[1], one[2]) for one in CELLS], ids=[one[0] for one in CELLS])
def test_a_push_is_decided_by_the_table_and_by_nothing_else_R8a(case: Push, decision: Decision) -> None:
    assert decide_push(case) is decision


def test_the_table_has_every_line_and_every_column() -> None:
    lines = {
        (Verb.POST, Subject.UNKNOWN),
        (Verb.POST, Subject.KNOWN),
        (Verb.CHANGE, Subject.EQUAL),
        (Verb.CHANGE, Subject.UNPROVED),
        (Verb.CHANGE, Subject.DIFFERS),
    }
    assert set(TABLE) == lines
    assert all(set(line) == set(Uid) for line in TABLE.values())


def cells() -> dict[tuple[Verb, Subject, Uid], Cell]:
    return {(*line, uid): cell for line, columns in TABLE.items() for uid, cell in columns.items()}


def first_that_holds(cases: Cases[Any, Any], message: object) -> object:
    return next((case.words for case in cases.cases if case.holds(message)), "else")


def words_of(cases: Cases[Any, Any]) -> set[object]:
    return {*(case.words for case in cases.cases), "else"}


CONDITIONAL = {place: cell for place, cell in cells().items() if isinstance(cell, Cases)}


@pytest.mark.parametrize("place", CONDITIONAL, ids=lambda place: ", ".join(place))
def test_every_case_of_a_cell_decides_a_push_above_R8a(place: tuple[Verb, Subject, Uid]) -> None:
    cases = CONDITIONAL[place]
    pushes = [one[1] for one in CELLS if (one[1].verb, *classify(one[1])) == place]
    assert {first_that_holds(cases, push) for push in pushes} == words_of(cases)


def assertion(
    *,
    owner: Known | None = None,
    named: Known | None = None,
    external: Known | None = None,
    external_id: str | None = None,
    name_id_key: str = "jane@acme.test",
    email_key: str = "jane@acme.test",
    waived: bool = False,
    rekeying: bool = False,
) -> Assertion:
    return Assertion(external_id, name_id_key, email_key, waived, owner, named, external, rekeying)


SIGN_INS = [
    ("nobody has the UID", assertion(), SignIn.CREATE),
    ("the UID is known and the NameID is the userName", assertion(owner=LIVE, email_key=""), SignIn.ENTER),
    ("the UID is known and the email agrees", assertion(owner=LIVE, name_id_key="opaque"), SignIn.ENTER),
    ("the UID is known and the last NameID agrees", assertion(owner=BY_SSO_ONLY, email_key=""), SignIn.ENTER),
    ("a colleague's UID: two people named John Smith", assertion(owner=STRANGER), SignIn.NO_MARK),
    ("a colleague's UID where the mark is waived", assertion(owner=STRANGER, waived=True), SignIn.ENTER),
    ("empty names are no mark", assertion(owner=Known(), name_id_key="", email_key=""), SignIn.NO_MARK),
    ("the externalId alone decides: equal", assertion(owner=STRANGER, external_id="00u2"), SignIn.ENTER),
    ("the externalId alone decides: differs", assertion(owner=LIVE, external_id="00u2"), SignIn.NO_MARK),
    (
        "the externalId alone decides, even against a waiver",
        assertion(owner=LIVE, external_id="00u2", waived=True),
        SignIn.NO_MARK,
    ),
    ("a new UID with somebody's externalId", assertion(external=LIVE, external_id="00u1"), SignIn.CONFLICT),
    (
        "a known UID without externalId, with somebody else's",
        assertion(owner=BY_SSO_ONLY, external=LIVE, external_id="00u1"),
        SignIn.CONFLICT,
    ),
    (
        "the NameID is the userName of a derived UID, and the externalId agrees (R6)",
        assertion(named=Known("00u1", "jane@acme.test", derived=True), external_id="00u1"),
        SignIn.TAKE_OVER_DERIVED,
    ),
    (
        "the NameID is the userName of a derived UID of somebody with another externalId (R8b)",
        assertion(named=Known("00u1", "jane@acme.test", derived=True), external_id="00u2"),
        SignIn.CONFLICT,
    ),
    (
        "the NameID is the userName of a derived UID (R6)",
        assertion(named=Known(user_name_key="jane@acme.test", derived=True)),
        SignIn.TAKE_OVER_DERIVED,
    ),
    ("the NameID is the userName of somebody offered (R10)", assertion(named=OFFERED), SignIn.CLAIM),
    (
        "in re-key: externalId and NameID agree, the UID is new (R3)",
        assertion(external=LIVE, external_id="00u1", rekeying=True),
        SignIn.MOVE_UID,
    ),
    (
        "in re-key: the externalId alone agrees (R3)",
        assertion(external=STRANGER, external_id="00u2", rekeying=True),
        SignIn.CONFLICT,
    ),
    (
        "in re-key: UID and NameID agree, the externalId is new (R3)",
        assertion(owner=LIVE, external_id="00u9", rekeying=True),
        SignIn.ENTER,
    ),
    (
        "in re-key: UID and NameID agree, the externalId is somebody else's (R3)",
        assertion(owner=LIVE, external=STRANGER, external_id="00u2", rekeying=True),
        SignIn.NO_MARK,
    ),
    (
        "in re-key: the UID is the one that was kept while the person was not live (R8a)",
        replace(assertion(external=HELD, external_id="00u1", rekeying=True), uid_key="new"),
        SignIn.CONFLICT,
    ),
    (
        "the externalId may change: it is not the only mark (R8b)",
        replace(assertion(owner=STRANGER, external_id="00u2"), external_id_may_change=True),
        SignIn.NO_MARK,
    ),
    (
        "the externalId may change: externalId and email agree",
        replace(assertion(owner=LIVE, external_id="00u1", name_id_key="x"), external_id_may_change=True),
        SignIn.ENTER,
    ),
    (
        "the externalId may change: it changed, the current UID and the NameID agree",
        replace(assertion(owner=KEYED, external_id="00u9"), uid_key="jane.doe", external_id_may_change=True),
        SignIn.ENTER,
    ),
    (
        "the externalId may change: it changed, and only the email agrees",
        replace(
            assertion(owner=KEYED, external_id="00u9", name_id_key="x"), uid_key="jane.doe", external_id_may_change=True
        ),
        SignIn.NO_MARK,
    ),
    (
        "the externalId may change: it changed, and the UID is a former one",
        replace(assertion(owner=KEYED, external_id="00u9"), uid_key="jane.before", external_id_may_change=True),
        SignIn.NO_MARK,
    ),
    ("the NameID is the userName of a sent UID", assertion(named=LIVE), SignIn.CREATE),
    (
        "the NameID is the userName of somebody deleted",
        assertion(named=Known(user_name_key="jane@acme.test", derived=True, active=False, deleted=True)),
        SignIn.CREATE,
    ),
    (
        "in re-key a derived UID and the NameID are one key (R3, R6)",
        assertion(owner=DERIVED, external_id="00u9", rekeying=True),
        SignIn.NO_MARK,
    ),
    (
        "an email that is the UID itself is not a mark (R8b)",
        replace(assertion(owner=LIVE, name_id_key="eve@acme.test"), uid_key="jane@acme.test"),
        SignIn.NO_MARK,
    ),
]


@pytest.mark.parametrize(("case", "decision"), [(one[1], one[2]) for one in SIGN_INS], ids=[one[0] for one in SIGN_INS])
def test_a_sign_in_needs_a_second_mark_that_agrees_R8b(case: Assertion, decision: SignIn) -> None:
    assert decide_sign_in(case) is decision


@pytest.mark.parametrize("cases", [UID_FREE, UID_KNOWN], ids=["UID free", "UID known"])
def test_every_case_decides_a_sign_in_above_R8b(cases: Cases[Any, Any]) -> None:
    assertions = [one[1] for one in SIGN_INS if (one[1].owner is None) == (cases is UID_FREE)]
    assert {first_that_holds(cases, assertion) for assertion in assertions} == words_of(cases)


@pytest.mark.parametrize(
    ("person", "creating", "expected"),
    [
        (Person(uid="jane.doe", user_name="jane@acme.test"), True, ("jane.doe", False)),
        (Person(uid=None, user_name="jane@acme.test"), True, ("jane@acme.test", True)),
        (Person(uid="", user_name="jane@acme.test"), True, ("jane@acme.test", True)),
        (Person(uid=None, user_name="jane@acme.test"), False, (None, False)),
    ],
)
def test_a_create_without_a_uid_uses_the_user_name_as_uid_R6(
    person: Person, creating: bool, expected: tuple[str | None, bool]
) -> None:
    assert uid_to_read(person, creating=creating) == expected


GONE = Known(external_id="00u1", user_name_key="jane@acme.test", active=False, derived=True)


@pytest.mark.parametrize(
    ("holder", "external_id", "gives_up"),
    [
        (GONE, "00u9", True),
        (replace(GONE, active=True, deleted=True), "00u9", True),
        (replace(GONE, active=True), "00u9", False),
        (replace(GONE, derived=False), "00u9", False),
        (replace(GONE, user_name_key="jane.roe@acme.test"), "00u9", False),
        (GONE, "00u1", False),
        (GONE, None, False),
    ],
)
def test_only_a_person_who_left_gives_up_a_derived_uid_and_only_to_another_R6_R8(
    holder: Known, external_id: str | None, gives_up: bool
) -> None:
    assert gives_up_derived(holder, user_name_key="jane@acme.test", external_id=external_id) is gives_up

"""Every combination of values in a message, against `reconciliation_table`: the policy on all, the services on a fixed part of them.

The part is every 59th combination, and one for each row that none of them meets: all triples of values occur in it, and every row of both tables
decides some of it, which is tested too. A nightly run tries every sixteenth; ``PROOF=all`` tries every one (some ten minutes).
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, islice
from typing import Final

import pytest
from django.db import transaction

from core_identity.errors import (
    Conflict,
    Duplicate,
    IdentityError,
    MayNotSignIn,
    MissingAttributes,
    NoMark,
    NotFound,
    TryAgain,
)
from core_identity.keys import key
from core_identity.models import Connection, Identity, IdentityUid
from core_identity.policy.matching import KEYS, Decision, Known, Push, Verb, decide_push, uid_to_read
from core_identity.policy.sign_in import Assertion, SignIn, decide_sign_in
from core_identity.services.expiry import expire, unexpire
from core_identity.services.identities import set_uid
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.users import COMMAND, change_user
from core_identity.values import Person
from core_identity.write_guard import service_writes
from tests.core_identity.reconciliation_table import (
    ANSWER_ROWS,
    CHANGES,
    DIMENSIONS,
    STANDING_ROWS,
    Case,
    Row,
    answer_to,
    cases,
    first_fit,
    standing_after,
)
from tests.support.cast import ADMIN, BROWSER, OKTA, by_sso, make_connection
from tests.support.nightly import NIGHTLY
from tests.support.sign_in import sign_in
from tests.support.snapshot import PEOPLE, Snapshot, changes, snapshot

STRIDE: Final = 1 if os.environ.get("PROOF") == "all" else 16 if NIGHTLY else 59

X = Person(
    uid="x.now",
    external_id="00u-x",
    user_name="x@acme.test",
    active=True,
    given_name="Xenia",
    family_name="Xu",
    email="x.mail@acme.test",
)
Z = replace(X, uid="z.now", external_id="00u-z", user_name="z@acme.test", email="z.mail@acme.test")
NEW = replace(X, uid="new.now", external_id="00u-new", user_name="new@acme.test", email="new.mail@acme.test")
FORMER: Final = "x.then"


@cache
def decided() -> tuple[tuple[Case, tuple[Row, ...]], ...]:
    """Return all cases. Each comes with the rows that decide it, one of each table."""
    return tuple((case, tuple(rows_of(case))) for case in cases())


@cache
def sample() -> tuple[Case, ...]:
    """Return the part of the cases that tests the services."""
    chosen = [case for case, _ in islice(decided(), 0, None, STRIDE)]
    met = {row.line for _, rows in islice(decided(), 0, None, STRIDE) for row in rows}
    for case, rows in decided():
        missed = {row.line for row in rows} - met
        if missed:
            chosen.append(case)
            met |= missed
    return tuple(chosen)


def rows_of(case: Case) -> Iterator[Row]:
    """Yield the row of each table that decides a case."""
    yield first_fit(ANSWER_ROWS, case)
    answer, _ = answer_to(case)
    if answer in CHANGES:
        yield first_fit(STANDING_ROWS, {**case, "answer": answer})


def message(case: Case) -> Person:
    """Return the person in the message of a case. A PATCH contains only the changed values."""
    whose = {"same": X, "new": NEW, "taken": Z}
    own_uid = X.user_name if case["X"] == "derived" else X.uid
    uid = {"free": NEW.uid, "own": own_uid, "former": FORMER, "another": Z.uid, "unsent": None}[case["uid"]]
    external_id = {"equal": X.external_id, "differs": NEW.external_id, "first": NEW.external_id}
    person = Person(
        uid=uid,
        external_id=external_id.get(case["externalId"]),
        user_name=whose[case["userName"]].user_name,
        email=whose[case["email"]].email,
        active={"true": True, "false": False, "unsent": None}[case["active"]],
        given_name="Xenia",
        family_name="Xu",
    )
    if case["channel"] == "SSO":
        return by_sso(person, external_id=person.external_id)
    if case["channel"] == "PATCH":
        person = replace(person, user_name=None if case["userName"] == "same" else person.user_name)
        person = replace(person, email=None if case["email"] == "same" else person.email)
    return person


def unsent(case: Case, person: Person) -> frozenset[str]:
    return frozenset(name for name in KEYS if case["channel"] == "PATCH" and getattr(person, name) is None)


def knows_external_id(case: Case) -> bool:
    return case["externalId"] in {"equal", "absent", "differs"}


# The table itself


def test_every_combination_is_decided_by_one_row_and_every_row_decides_some_R8a_R8b() -> None:
    deciding = {row.line for _, rows in decided() for row in rows}
    assert [row.line for row in ANSWER_ROWS + STANDING_ROWS if row.line not in deciding] == []


def test_the_sample_for_the_services_has_each_row_and_each_triple_of_values() -> None:
    def triples(some: Iterable[Case]) -> set[tuple[tuple[str, str], ...]]:
        return {triple for case in some for triple in combinations(case.items(), 3)}

    assert triples(sample()) == triples(cases())
    assert {row.line for case in sample() for row in rows_of(case)} == {row.line for row in ANSWER_ROWS + STANDING_ROWS}


# The policy, on all


POLICY: Final[Mapping[str, Decision | SignIn]] = {
    "apply": Decision.APPLY,
    "relink": Decision.RELINK,
    "drift": Decision.DRIFT,
    "adopt": Decision.ADOPT,
    "revive": Decision.REVIVE,
    "duplicate": Decision.DUPLICATE,
    "enter Z": SignIn.ENTER,
    "no mark": SignIn.NO_MARK,
}


def decided_by_policy(case: Case) -> Decision | SignIn:
    def known(person: Person, *, state: str) -> Known:
        pushed = state != "sso"
        return Known(
            external_id=person.external_id,
            user_name_key=key(person.user_name or "") if pushed else None,
            name_id_key="" if pushed else key(person.user_name or ""),
            email_key=key(person.email or ""),
            active=state not in {"inactive", "deleted"},
            deleted=state == "deleted",
            pushed=pushed,
            derived=state == "derived",
            expired=person is not Z and case["expired"] == "yes",
            uid_key=key(person.user_name or "") if state == "derived" else person.uid or "",
        )

    x = known(X if knows_external_id(case) else replace(X, external_id=None), state=case["X"])
    z, person = known(Z, state="live"), message(case)
    owners = {"own": x, "former": x, "another": z}
    if case["channel"] == "SSO":
        owner, by_external_id = owners.get(case["uid"]), x if case["externalId"] == "equal" else None
        return decide_sign_in(
            Assertion(
                external_id=person.external_id,
                name_id_key=key(person.name_id or ""),
                email_key=key(person.email or ""),
                mark_waived=False,
                owner=owner,
                named={"same": x, "taken": z}.get(case["userName"]) if owner is None and case["X"] != "sso" else None,
                external=None if owner is by_external_id else by_external_id,
            )
        )
    verb = Verb.POST if case["channel"] == "POST" else Verb.CHANGE
    subject = x if verb is Verb.CHANGE or case["externalId"] == "equal" else None
    uid, derived = uid_to_read(person, creating=verb is Verb.POST and subject is None)
    if derived and (case["X"], case["userName"]) == ("derived", "same"):
        owners["unsent"] = x
    owner = owners.get(case["uid"])
    name_key = key(person.user_name) if person.user_name else None
    return decide_push(
        Push(
            verb,
            person.external_id,
            bool(uid),
            name_key,
            key(person.email or ""),
            subject,
            owner,
            owner is x and subject is x,
            unsent=unsent(case, person),
            uid_key=key(uid or ""),
            uid_derived=derived,
        )
    )


def test_the_policy_decides_every_combination_as_the_table_R8a_R8b() -> None:
    wrong = []
    for case, (row, *_) in decided():
        answer, rule = row.then["answer"], row.then["rule"]
        # The services decide R8, R9 and R21. They also stop a person without a resource and a message without a UID.
        if answer in {"not found", "incomplete", "no entry", "try again"} or rule == "R9":
            continue
        expected = {POLICY[answer]} if answer in POLICY else EITHER[answer]
        if decided_by_policy(case) not in expected:
            wrong.append((dict(case), row.line, decided_by_policy(case)))
    assert wrong == []


EITHER: Final[Mapping[str, frozenset[Decision | SignIn]]] = {
    "conflict": frozenset({Decision.CONFLICT, SignIn.CONFLICT}),
    "create": frozenset({Decision.CREATE, SignIn.CREATE}),
    "enter": frozenset({SignIn.ENTER, SignIn.TAKE_OVER_DERIVED}),
}


# The services, on the sample


@dataclass(frozen=True)
class Scene:
    """X and Z before the message."""

    connection: Connection
    x: Identity
    z: Identity


def set_scene(*, state: str, expired: bool, staff: bool, with_external_id: bool) -> Scene:
    connection = make_connection()
    z = create_person(actor=OKTA, connection=connection, person=Z).identity
    first = replace(X, uid=FORMER, external_id=X.external_id if with_external_id else None)
    if state == "sso":
        x = sign_in(actor=BROWSER, connection=connection, person=by_sso(first, external_id=first.external_id))
    else:
        first = replace(first, uid=None) if state == "derived" else first
        x = create_person(actor=OKTA, connection=connection, person=first).identity
    if state != "derived":
        with service_writes():
            set_uid(actor=ADMIN, identity=x, uid=X.uid or "")
    if state == "inactive":
        put(connection, x, replace(first, active=False, uid=None))
    if state == "deleted":
        remove_person(actor=OKTA, connection=connection, scim_id=x.scim_id)
    (expire if expired else unexpire)(actor=ADMIN, user_id=x.user_id, reason="the scene")
    change_user(actor=COMMAND, user_id=x.user_id, is_staff=staff)
    return Scene(connection, Identity.objects.get(pk=x.pk), Identity.objects.get(pk=z.pk))


def put(connection: Connection, identity: Identity, person: Person, *, is_patch: bool = False) -> tuple[str, Identity]:
    outcome = change_person(
        actor=OKTA,
        connection=connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=person.active is False,
        is_patch=is_patch,
    )
    dropped = any("the rest of the message was ignored" in note for note in outcome.notes)
    return "dropped" if dropped else str(outcome.decision), outcome.identity


REFUSALS: Final[tuple[tuple[type[IdentityError], str], ...]] = (
    (NotFound, "not found"),
    (Duplicate, "duplicate"),
    (TryAgain, "try again"),
    (NoMark, "no mark"),
    (Conflict, "conflict"),
    (MayNotSignIn, "no entry"),
    (MissingAttributes, "incomplete"),
)


def send(scene: Scene, case: Case) -> tuple[str, Identity | None]:
    """Return the answer in the words of the table, and its subject."""
    person = message(case)
    try:
        match case["channel"]:
            case "POST":
                outcome = create_person(actor=OKTA, connection=scene.connection, person=person)
                return str(outcome.decision), outcome.identity
            case "SSO":
                identity = sign_in(actor=BROWSER, connection=scene.connection, person=person)
                entered = {scene.x.pk: "enter", scene.z.pk: "enter Z"}
                return entered.get(identity.pk, "create"), identity
            case _:
                return put(scene.connection, scene.x, person, is_patch=case["channel"] == "PATCH")
    except IdentityError as refusal:
        return next((word for kind, word in REFUSALS if isinstance(refusal, kind)), repr(refusal)), None


def faults(scene: Scene, case: Case, before: Snapshot) -> Iterator[str]:
    """Send the message; yield each difference from the tables."""
    expected, rule = answer_to(case)
    answer, identity = send(scene, case)
    if answer != expected:
        yield f"answered {answer}, not {expected} ({rule})"
        return
    changed = changes(before, snapshot(PEOPLE))
    if identity is None:
        yield from faults_of_a_refusal(scene, case, changed)
        return
    stored = Identity.objects.select_related("user").get(pk=identity.pk)
    whom = {"create": None, "enter Z": scene.z}.get(answer, scene.x)
    if whom is not None and stored.pk != whom.pk:
        yield "another identity answers"
    if whom is None and stored.pk in {scene.x.pk, scene.z.pk}:
        yield "somebody known was taken for a new person"
    yield from faults_of_standing(scene, case, answer, stored)
    yield from faults_of_words(case, answer, stored, whom)
    # R9, R21: nobody else is touched, but that a deleted X gives up its userName (R8).
    touched = {before_row for before_row, (was, now) in changed.items() if not _is_of(stored, was or now or {})}
    given_up = {("Identity", scene.x.pk)} if case["X"] == "deleted" and case["userName"] == "same" else set()
    if touched - given_up:
        yield f"somebody else was changed: {sorted(kind for kind, _ in touched)}"


def faults_of_a_refusal(scene: Scene, case: Case, changed: Mapping[tuple[str, object], object]) -> Iterator[str]:
    if answer_to(case)[0] == "try again":
        if set(changed) != {("Identity", scene.x.pk)} or Identity.objects.get(pk=scene.x.pk).user_name_key is not None:
            yield "more or less than the userName was given up (R8)"
    elif changed:
        yield f"a refused message changed {sorted(kind for kind, _ in changed)}"


def faults_of_standing(scene: Scene, case: Case, answer: str, stored: Identity) -> Iterator[str]:
    """R20-R25: active and expired."""
    is_active, is_expired = (True, False) if answer == "enter Z" else standing_after(case, answer)
    if stored.active != is_active:
        yield f"active is {stored.active}"
    if (stored.user.expired_at is not None) != is_expired:
        yield f"expired is {not is_expired}"
    gone = scene.x.deleted_at is not None and answer == "dropped"
    if (stored.deleted_at is not None) != gone:
        yield "deleted differs"


def faults_of_words(case: Case, answer: str, stored: Identity, whom: Identity | None) -> Iterator[str]:
    """R6, R8, R16, R19: the identity has the latest values of the IdP, and the user keeps username and email."""
    person = message(case)
    if answer == "dropped":
        person = Person()
    if person.user_name and stored.user_name != person.user_name:
        yield f"userName is {stored.user_name}"
    if person.email and stored.email != person.email:
        yield f"email is {stored.email}"
    if person.external_id and answer != "drift" and stored.external_id != person.external_id:
        yield f"externalId is {stored.external_id}"
    if whom is None:
        names = (stored.user.username, stored.user.email)
        if names[1] != person.email or not names[0].startswith(person.user_name or person.email or ""):
            yield f"a new user is called {names}"
    elif (stored.user.username, stored.user.email) != (whom.user.username, whom.user.email):
        yield "the user's username or email moved"
    yield from faults_of_uids(case, answer, stored, person)


def faults_of_uids(case: Case, answer: str, stored: Identity, person: Person) -> Iterator[str]:
    uids = {row.uid: (row.current, row.derived) for row in IdentityUid.objects.filter(identity=stored)}
    current = [uid for uid, (is_current, _) in uids.items() if is_current]
    if len(current) != 1:
        yield f"current UIDs: {current}"
        return
    stays = X.user_name if case["X"] == "derived" else X.uid
    if answer == "enter Z":
        expected = Z.uid
    elif answer == "create":
        expected = person.uid or person.user_name
    elif answer == "drift" or not person.uid or (case["channel"] == "SSO" and case["uid"] != "free"):
        expected = person.user_name if case["X"] == "derived" and not person.uid and person.user_name else stays
    else:
        expected = person.uid
    if current != [expected]:
        yield f"the UID is {current}, not {expected}"
    if answer == "drift" and stored.drift_uid != person.uid:
        yield "the UID not applied was not noted (R18)"
    if answer not in {"create", "enter Z"} and case["X"] != "derived" and not {X.uid, FORMER} <= set(uids):
        yield "a former UID was lost (R5)"


def _is_of(identity: Identity, row: Mapping[str, object]) -> bool:
    return identity.pk in {row["id"], row.get("identity_id")} or row["id"] == identity.user_id


@contextmanager
def rolled_back() -> Iterator[None]:
    """Leave nothing behind: everything inside is undone at the end, as far as the last savepoint."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("state", DIMENSIONS["X"])
def test_the_services_decide_every_combination_as_the_table_R8a_R8b_R9_R23(state: str) -> None:
    """Each scene is set once. Each message to it is undone."""
    mine = [case for case in sample() if case["X"] == state]
    wrong = []
    for expired, staff, with_external_id in {
        (case["expired"], case["staff"], knows_external_id(case)) for case in mine
    }:
        with rolled_back():
            scene = set_scene(
                state=state, expired=expired == "yes", staff=staff == "yes", with_external_id=with_external_id
            )
            before = snapshot(PEOPLE)
            for case in mine:
                if (case["expired"], case["staff"], knows_external_id(case)) == (expired, staff, with_external_id):
                    with rolled_back():
                        wrong += [(*case.values(), fault) for fault in faults(scene, case, before)]
    assert wrong == []

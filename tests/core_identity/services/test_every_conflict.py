"""Every conflict that can be opened can be decided, and after that the same message goes through: R9, over all subsets of keys."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pytest
from django.db import transaction

from core_identity import errors
from core_identity.models import Conflict, Connection, Identity
from core_identity.services.links import offer
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.resolutions import (
    different_people,
    dismiss,
    obstacle_to_different_people,
    plan_same_person,
    same_person,
)
from core_identity.services.users import create_user
from core_identity.values import Cause, Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db
WHY = "ticket 4711"
ROOT = "root"
KEYS = ("uid", "external_id", "user_name", "email")
KIM = replace(JANE, uid="kim", external_id="00u3kim", user_name="kim@acme.test", email="kim@acme.test")


@dataclass(frozen=True)
class Scene:
    """Two people whom SCIM pushed, one whom only SSO knows, and one who is offered."""

    connection: Connection
    jane: Identity
    offered: Identity


def set_scene() -> Scene:
    acme = make_connection(uid_rule="other", external_id_may_change=True)
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    create_person(actor=OKTA, connection=acme, person=ZOE)
    sign_in(actor=BROWSER, connection=acme, person=by_sso(KIM))
    user = create_user(actor=ADMIN, username="beforehand@acme.test", email="", customer=acme.customer)
    offer(actor=ADMIN, connection=acme, user_ids=[user.pk], reason=WHY)
    return Scene(acme, jane, Identity.objects.get(user=user))


def subsets_of(person: Person) -> Iterator[Person]:
    """Yield messages that contain each subset of the keys of ``person``, with the other keys left out."""
    for count in range(len(KEYS) + 1):
        for names in combinations(KEYS, count):
            left_out: dict[str, Any] = {name: None for name in KEYS if name not in names}
            yield replace(person, **left_out)


def messages(scene: Scene) -> Iterator[tuple[str, Callable[[], object]]]:
    def change(identity: Identity, person: Person, is_patch: bool) -> Callable[[], object]:
        def send() -> object:
            return change_person(
                actor=OKTA,
                connection=scene.connection,
                scim_id=identity.scim_id,
                read=lambda _: person,
                deactivates=False,
                is_patch=is_patch,
            )

        return send

    def post(person: Person) -> Callable[[], object]:
        return lambda: create_person(actor=OKTA, connection=scene.connection, person=person)

    def enter(person: Person) -> Callable[[], object]:
        return lambda: sign_in(actor=BROWSER, connection=scene.connection, person=person)

    new = Person(uid="new", external_id="00u9new", user_name="new@acme.test", email="new@acme.test")
    for whose, keys in (("Zoë", ZOE), ("Kim", KIM), ("nobody", new)):
        for person in subsets_of(replace(keys, active=None)):
            if whose != "Zoë" and sum(bool(getattr(person, name)) for name in KEYS) in {2, 3}:
                continue  # of the others the single keys and all of them: a database test costs
            sent = f"keys of {whose}: {[name for name in KEYS if getattr(person, name)]}"
            for row, identity in (("Jane", scene.jane), ("offered", scene.offered)):
                yield f"PATCH {row}, {sent}", change(identity, person, True)
                if person.user_name:
                    yield f"PUT {row}, {sent}", change(identity, person, False)
            if person.user_name:
                yield f"POST, {sent}", post(replace(person, given_name="New", family_name="New"))
            for mixed in KEYS if person == keys else ():
                if whose != "nobody":
                    one = replace(new, **{mixed: getattr(person, mixed)})
                    yield f"POST of nobody with {mixed} of {whose}", post(replace(one, given_name="N", family_name="N"))
            if person.uid and person.user_name:
                yield f"SSO, {sent}", enter(by_sso(person, external_id=person.external_id))
                yield f"SSO with the UID of Jane, {sent}", enter(by_sso(person, uid=JANE.uid, external_id=None))


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_every_conflict_can_be_decided_and_then_the_same_message_goes_through_R9() -> None:
    scene = set_scene()
    root = create_user(actor=COMMAND, username=ROOT, is_staff=True, is_superuser=True)
    admin = replace(ADMIN, id=str(root.pk))
    seen, wrong = set(), []
    for name, send in dict(messages(scene)).items():
        with rolled_back():
            try:
                send()
                continue
            except errors.Conflict:
                conflict = Conflict.objects.get()
            except errors.IdentityError:
                continue
            # One of each kind is decided: cause, keys in the message, and whom it met.
            kind = (
                conflict.cause,
                *sorted(conflict.sent_values),
                conflict.channel,
                conflict.subject_id,
                conflict.other_id,
            )
            if kind in seen:
                continue
            seen.add(kind)
            plan_same_person(conflict)
            obstacle = obstacle_to_different_people(conflict)
            with rolled_back():
                dismiss(actor=admin, conflict_id=conflict.pk, reason=WHY)
            with rolled_back():
                try:
                    different_people(actor=admin, conflict_id=conflict.pk, reason=WHY)
                    if obstacle:
                        wrong.append((name, "different people, against", obstacle))
                    fault = went_through(send)
                    if fault:
                        wrong.append((name, "different people", fault))
                except errors.NotAllowed as refusal:
                    if refusal.message != obstacle:
                        wrong.append((name, "different people", refusal.message))
            with rolled_back():
                same_person(actor=admin, conflict_id=conflict.pk, reason=WHY)
                fault = went_through(send)
                if fault:
                    wrong.append((name, "same person", fault))
    assert wrong == []
    assert {kind[0] for kind in seen} == set(Cause)
    assert any(not {"uid", "user_name"} & set(kind) for kind in seen), (
        "a message without UID and userName was among them"
    )


def went_through(send: Callable[[], object]) -> str:
    """Return why the message is refused. A conflict about another key of the message is a new question."""
    before = set(Conflict.objects.values_list("pk", flat=True))
    try:
        send()
    except errors.Conflict as refusal:
        new = Conflict.objects.exclude(pk__in=before)
        return "" if new.exists() else refusal.message
    except errors.IdentityError as refusal:
        return f"{refusal.code}: {refusal.message}"
    return ""

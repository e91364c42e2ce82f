"""A PUT or PATCH that changes nothing takes no lock and writes nothing, and is answered as the ordinary way would.

Any other is answered as the next GET shows it.
"""

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core_identity.models import Budget, Conflict, Connection, Identity, IdentityUid, PushGroup, PushGroupMember, User
from core_identity.services.push import provisioning
from core_identity.services.push.provisioning import find_unchanged_resource
from tests.scim.conftest import ENTERPRISE, Scim, person
from tests.support.nightly import examples
from tests.support.snapshot import snapshot

WHOLE = {**person(), "externalId": "e1", "title": "Editor", "locale": "de", ENTERPRISE: {"UID": "u1"}}
TABLES = tuple(model for model in apps.get_app_config("core_identity").get_models() if model is not Budget)
"""A budget counts some request of each minute, whatever the request changes."""


@pytest.mark.django_db(transaction=True)
def test_an_unchanged_put_or_patch_takes_no_lock_and_writes_nothing_but_the_log(okta: Scim) -> None:
    resource = okta.post("/Users", WHOLE).json()
    path = f"/Users/{resource['id']}"
    okta.get(path)
    before = snapshot(TABLES)
    works: tuple[Callable[[], Any], ...] = (
        lambda: okta.put(path, WHOLE),
        lambda: okta.patch(path, {"op": "replace", "path": "title", "value": "Editor"}),
    )
    for work in works:
        with CaptureQueriesContext(database) as queries:
            assert work().json() == resource
        texts = [query["sql"].strip() for query in queries]
        assert not [text for text in texts if text.startswith(("BEGIN", "UPDATE", "SAVEPOINT")) or " FOR " in text]
        (logged,) = (text for text in texts if "INSERT INTO" in text)
        assert set(re.findall("INSERT INTO ([a-z_]+)", logged)) == {"scim_provisioningrecord", "scim_payload"}
        assert len(texts) <= 4
    assert snapshot(TABLES) == before


@pytest.mark.django_db(transaction=True)
def test_a_write_takes_at_most_nine_statements(okta: Scim) -> None:
    """All of the request: token, budget, BEGIN, COMMIT and log included."""
    okta.make("someone.else@acme.test")
    path = f"/Users/{okta.post('/Users', {**WHOLE, 'userName': 'x@acme.test', 'emails': []}).json()['id']}"
    title, active = (
        {"op": "replace", "path": name, "value": value} for name, value in (("title", "Chief"), ("active", False))
    )
    works: dict[str, tuple[int, Callable[[], Any]]] = {
        "create": (8, lambda: okta.post("/Users", {**person("new.comer@acme.test"), "externalId": "e3"})),
        "put": (8, lambda: okta.put(path, {**WHOLE, "userName": "x@acme.test", "emails": [], "title": "Writer"})),
        "patch": (8, lambda: okta.patch(path, title)),
        "deactivate": (9, lambda: okta.patch(path, active)),
    }
    for name, (most, work) in works.items():
        with CaptureQueriesContext(database) as queries:
            assert work().status_code < 300
        assert len(queries) <= most, (name, [query["sql"][:90] for query in queries])


def _conflict(identity: Identity, **fields: Any) -> None:
    now = timezone.now()
    other = User.objects.exclude(pk=identity.user_id).first() or identity.user
    usual = {"cause": "email", "cause_key": str(random.random()), "channel": "scim", "first_at": now, "last_at": now}  # noqa: S311
    Conflict.objects.create(**({"connection": identity.connection, "other": other, **usual} | fields))


def _set(**fields: Any) -> Callable[[Identity], object]:
    return lambda identity: Identity.objects.filter(pk=identity.pk).update(**fields)


def _set_user(**fields: Any) -> Callable[[Identity], object]:
    return lambda identity: User.objects.filter(pk=identity.user_id).update(**fields)


def _set_uid(**fields: Any) -> Callable[[Identity], object]:
    return lambda identity: IdentityUid.objects.filter(identity=identity, current=True).update(**fields)


def _former_uid(identity: Identity) -> None:
    IdentityUid.objects.create(connection=identity.connection, identity=identity, uid="u0", uid_key="u0", current=False)


def _in_group(identity: Identity) -> None:
    group = PushGroup.objects.create(connection=identity.connection, display_name="Editors", name_key="editors")
    PushGroupMember.objects.create(group=group, identity=identity)


def _rule(rule: str) -> Callable[[Identity], object]:
    return lambda identity: Connection.objects.filter(pk=identity.connection_id).update(uid_rule=rule)


STATES: tuple[Callable[[Identity], object], ...] = (
    _set(drift_uid="u9"),
    _set(drift_uid="u1"),
    _set(active=False),
    _set(deleted_at=timezone.now()),
    _set(pushed_at=None),
    _set(pushed_at=None, offered_at=timezone.now()),
    _set(offered_at=timezone.now()),
    _set(user_name_key=None),
    _set(external_id=None),
    _set(email_key="stale"),
    _set(name_id="jane.doe@acme.test", name_id_key="jane.doe@acme.test"),
    _set(title=" Editor "),
    _set(attributes={}),
    _set(uid_needs_decision=True),
    _set_user(title="Other"),
    _set_user(first_name="Other"),
    _set_user(expired_at=timezone.now(), expired_by="x", expired_channel="admin"),
    _set_uid(derived=True),
    _set_uid(derived=True, uid="jane.doe@acme.test", uid_key="jane.doe@acme.test"),
    _set_uid(uid="U1"),
    _set_uid(current=False),
    lambda identity: IdentityUid.objects.filter(identity=identity).delete(),
    _former_uid,
    _in_group,
    _rule("other"),
    _rule("email"),
    lambda identity: _conflict(identity, subject=identity),
    lambda identity: _conflict(identity, other=identity.user),
    lambda identity: _conflict(identity, uid_key="u1", external_id="e1", let_through=True, state="same_person"),
    lambda identity: _conflict(identity, uid_key="jane.doe@acme.test"),
    lambda identity: _conflict(identity, uid_key="u7", external_id="e7"),
)

FIELDS: dict[str, tuple[Any, ...]] = {
    "userName": ("jane.doe@acme.test", "JANE.DOE@acme.test", "other@acme.test"),
    "externalId": ("e1", "e1", None, "", "e2"),
    "title": ("Editor", "Editor", "", None, "Chief"),
    "locale": ("de", "de", None, "en"),
    "active": (True, True, True, None),
    "displayName": ("jane.doe", None),
    "name": ({"givenName": "Jane", "familyName": "Doe"}, {"givenName": "Jane"}, {"familyName": "Roe"}),
    "emails": ([{"primary": True, "value": "jane.doe@acme.test", "type": "work"}], None),
    ENTERPRISE: ({"UID": "u1"}, {"UID": "u1"}, {"UID": "U1"}, {"UID": None}, {"UID": "u9"}, {"UID": "u0"}, None),
}


def _put(chance: random.Random) -> dict[str, Any]:
    """Return a message close to the stored values: mostly the same, with one or two fields replaced or left out."""
    body = {**WHOLE, "active": True}
    for name in chance.sample(sorted(FIELDS), chance.choice((0, 0, 1, 1, 2))):
        value = chance.choice((*FIELDS[name], "left out"))
        if value == "left out":
            body.pop(name, None)
        else:
            body[name] = value
    return body


def _patch(chance: random.Random) -> dict[str, Any]:
    name = chance.choice(sorted(FIELDS))
    value = chance.choice(FIELDS[name])
    if chance.random() < 0.5:
        operation = {"op": chance.choice(("replace", "add")), "value": {name: value}}
    else:
        path = f"{name}:UID" if name == ENTERPRISE else name
        part = value["UID"] if name == ENTERPRISE and value else value
        operation = {"op": chance.choice(("replace", "add", "replace", "remove")), "path": path, "value": part}
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}


def test_a_push_judged_unchanged_gets_the_same_answer_as_by_the_ordinary_way(
    okta: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random states and messages. The reference is the ordinary way itself, under its lock; for its own answers it is a GET."""
    judge = find_unchanged_resource
    judged: list[Any] = []

    def watched(**arguments: Any) -> Any:
        judged.append(judge(**arguments))
        return judged[-1]

    monkeypatch.setattr(provisioning, "find_unchanged_resource", watched)
    okta.make("someone.else@acme.test")
    path = f"/Users/{okta.post('/Users', WHOLE).json()['id']}"
    identity = Identity.objects.select_related("connection", "user").get(external_id="e1")
    chance, shortcuts, faults = random.Random(42), 0, []  # noqa: S311 - repeatable
    rounds = examples(70, 1_000)
    for _ in range(rounds):
        states = chance.sample(STATES, chance.choice((0, 1, 1, 2)))
        method, body = chance.choice((("PUT", _put(chance)), ("PATCH", _patch(chance))))
        with transaction.atomic():
            for state in states:
                state(identity)
            judged.clear()
            with transaction.atomic():
                quick = okta.send(method, path, body)
                transaction.set_rollback(True)
            if any(judged):
                shortcuts += 1
                before = snapshot(TABLES)
                monkeypatch.setattr(provisioning, "find_unchanged_resource", lambda **arguments: None)
                ordinary = okta.send(method, path, body)
                monkeypatch.setattr(provisioning, "find_unchanged_resource", watched)
                same = all(
                    quick.headers.get(name) == ordinary.headers.get(name) for name in ("X-Decision", "ETag", "Location")
                )
                if (
                    snapshot(TABLES) != before
                    or not same
                    or (quick.status_code, quick.content) != (ordinary.status_code, ordinary.content)
                ):
                    faults.append((method, body, [STATES.index(state) for state in states], ordinary.content))
            else:
                answer = okta.send(method, path, body)
                stands = okta.get(path)
                if answer.status_code == 200 and (answer.content, answer["ETag"]) != (stands.content, stands["ETag"]):
                    faults.append((method, body, [STATES.index(state) for state in states], answer.content))
            transaction.set_rollback(True)
    assert not faults, faults[:3]
    assert shortcuts > rounds / 6

"""R23: nothing beside ``active: false`` in a message blocks it. Every form of the request, with every kind of rest, over HTTP."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import transaction
from django.http import HttpRequest
from django.test import Client

from core_identity.backends import begin_session
from core_identity.models import Event, Identity, User
from core_identity.services.connections import change_connection
from core_identity.services.users import COMMAND, change_user
from core_identity.sessions import SessionStore
from scim.models import ProvisioningRecord
from tests.scim.conftest import ENTERPRISE, HOST, Scim, error
from tests.support.cast import ADMIN

CORE_USER = "urn:core-identity:params:scim:schemas:extension:1.0:User"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

FALSE: dict[str, Any] = {
    "boolean": False,
    "string": "false",
    "Entra's string": "False",
    "shouted": "FALSE",
    "list of one object": [{"value": False}],
    "list of one string": ["False"],
}
"""How clients write false. The lists are Entra's way of PATCHing, taken everywhere."""

RESTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "userName empty": {"userName": ""},
    "userName null": {"userName": None},
    "userName a number": {"userName": 5},
    "userName too long": {"userName": "x" * 300},
    "userName invisible": {"userName": "jane\u200b@acme.test"},
    "userName of another user": {"userName": "kim.lee@acme.test"},
    "userName new": {"userName": "jane.roe@acme.test"},
    "externalId of another user": {"externalId": "00u2"},
    "externalId changed": {"externalId": "00u-nobody"},
    "externalId too long": {"externalId": "x" * 300},
    "externalId a list": {"externalId": ["00u1"]},
    "UID of another user": {ENTERPRISE: {"UID": "kim.lee"}},
    "UID new": {ENTERPRISE: {"UID": "jane.roe"}},
    "UID a number": {ENTERPRISE: {"UID": 5}},
    "extension a text": {ENTERPRISE: "UID"},
    "email of somebody else": {"emails": [{"value": "kim.lee@acme.test", "primary": True}]},
    "emails a number": {"emails": 7},
    "two primary emails": {"emails": [{"value": "a@b", "primary": True}, {"value": "c@d", "primary": True}]},
    "title a NUL": {"title": "\0"},
    "title half a character": {"title": "\ud800"},
    "title too long": {"title": "x" * 5000},
    "nickName a NUL": {"nickName": "a\0b"},
    "a NUL deep down": {"phoneNumbers": [{"value": "\0", "type": "work"}]},
    "half a character deep down": {"phoneNumbers": [{"value": "\udfff"}]},
    "a NUL in a name": {"name": {"middleName": "\0"}},
    "a NUL in the manager": {ENTERPRISE: {"manager": {"value": "\0", "displayName": "\0"}}},
    "name a text": {"name": "Jane"},
    "unknown attribute": {"shoeSize": {"\0": "\0"}},
    "read-only id": {"id": "00000000-0000-4000-8000-000000000000"},
    "read-only groups": {"groups": [{"value": "nobody"}]},
    "meta of something else": {"meta": {"resourceType": "Group"}},
    "schemas a text": {"schemas": "x"},
    "huge number": {"x509Certificates": 10**400},
    "password": {"password": "4mpjY6fz"},
}

JANE = {
    "schemas": [USER, ENTERPRISE],
    "userName": "jane.doe@acme.test",
    "externalId": "00u1",
    "name": {"givenName": "Jane", "familyName": "Doe"},
    "emails": [{"value": "jane.doe@acme.test", "primary": True}],
    ENTERPRISE: {"UID": "jane.doe"},
}


def whole(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "PUT", {**JANE, **rest, "active": active}


def bare(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A PUT that says nothing but this."""
    return "PUT", {"Active": active, **rest}


def under_its_schema(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "PUT", {**JANE, **rest, f"{USER}:active": active}


def patch(*operations: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "PATCH", {"schemas": [PATCH_OP], "Operations": list(operations)}


def without_path(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return patch({"op": "replace", "value": {"active": active, **rest}})


def by_path(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    others = [{"op": "replace", "path": name, "value": value} for name, value in rest.items()]
    return patch(*others, {"op": "Replace", "path": "active", "value": active})


def by_path_first(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    others = [{"op": "Add", "path": name, "value": value} for name, value in rest.items()]
    return patch({"op": "replace", "path": "ACTIVE", "value": active}, *others)


def by_full_path(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return patch({"op": "replace", "path": f"{USER}:active", "value": active}, {"op": "replace", "value": rest})


def by_schema(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return patch({"op": "replace", "path": USER, "value": {"active": active}}, {"op": "add", "value": rest})


def after_nonsense(active: Any, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    nonsense: list[dict[str, Any]] = [
        {"op": "remove", "path": "shoeSize"},
        {"op": "dance"},
        {"path": "emails[type eq", "value": 1},
    ]
    return patch(*nonsense, {"op": "replace", "value": {**rest, "active": active}})


FORMS = [
    whole, bare, under_its_schema, without_path, by_path, by_path_first, by_full_path, by_schema, after_nonsense,
]  # fmt: skip


ODD: dict[str, Any] = {
    "wrong schemas": {"schemas": ["urn:x"], "Operations": [{"op": "replace", "path": "active", "value": False}]},
    "no schemas": {"operations": [{"OP": "replace", "PATH": "active", "VALUE": False}]},
    "no op": {"schemas": [PATCH_OP], "Operations": [{"path": "active", "value": False}]},
    "one operation, no list": patch({})[1] | {"Operations": {"op": "replace", "path": "active", "value": False}},
    "a PUT's body": {"active": False},
    "a PUT's body with a stray list": {"active": False, "Operations": [], "userName": 5},
    "a PUT's body with a list of nothing": {"active": False, "Operations": [5], "userName": 5},
    "too many": patch(*[{"op": "replace", "path": "active", "value": False}] * 10_001)[1],
    "said twice": patch(*({"op": "replace", "path": "active", "value": value} for value in (True, "perhaps", False)))[
        1
    ],
    "an object": patch({"op": "replace", "path": "active", "value": {"value": False}})[1],
    "its own name again": patch({"op": "replace", "path": "active", "value": {"active": False}})[1],
}

Form = Callable[[Any, dict[str, Any]], tuple[str, dict[str, Any]]]
forms = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)


@pytest.fixture
def jane(okta: Scim) -> dict[str, Any]:
    okta.make("kim.lee@acme.test", externalId="00u2", **{ENTERPRISE: {"UID": "kim.lee"}})
    return okta.make(externalId="00u1", **{ENTERPRISE: {"UID": "jane.doe"}})


def require_gone(okta: Scim, jane: dict[str, Any], method: str, body: Any, query: str = "") -> dict[str, Any]:
    """Send it. Demand a 200 with the stored values, Jane expired, and Kim unchanged."""
    response = okta.send(method, f"/Users/{jane['id']}{query}", body)
    assert response.status_code == 200, response.content
    answered: dict[str, Any] = response.json()
    stands = okta.get(f"/Users/{jane['id']}").json()
    assert (stands["active"], stands[CORE_USER]["expired"]) == (False, True)
    assert answered == stands or query, "what is answered is what stands (R19)"
    user = User.objects.get(username="jane.doe@acme.test")
    assert Event.objects.filter(kind="user.expired", user_id=user.pk).count() == 1
    kim = Identity.objects.select_related("user").get(external_id="00u2")
    assert (kim.active, kim.user.expired_at, kim.user_name) == (True, None, "kim.lee@acme.test")
    return answered


def session_of(identity: Identity) -> Client:
    """Return a browser that is signed in by this identity."""
    request = HttpRequest()
    request.session = SessionStore()
    begin_session(request, identity, until=None)
    request.session.save()
    browser = Client(headers={"host": HOST, "accept": "application/json"})
    browser.cookies["session"] = request.session.session_key or ""
    return browser


@contextmanager
def taken_back() -> Iterator[None]:
    """So that one Jane can be deactivated many times."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@forms
def test_no_rest_blocks_a_deactivation_in_any_form_R23(
    form: Form, okta: Scim, jane: dict[str, Any], subtests: pytest.Subtests
) -> None:
    for name, rest in RESTS.items():
        with subtests.test(name), taken_back():
            require_gone(okta, jane, *form(False, rest))


@forms
def test_false_is_false_however_it_is_written_R23(
    form: Form, okta: Scim, jane: dict[str, Any], subtests: pytest.Subtests
) -> None:
    for name, false in FALSE.items():
        with subtests.test(name), taken_back():
            require_gone(okta, jane, *form(false, {}))


UNCLEAR: dict[str, bytes] = {
    "in two letter cases": b'{"active": false, "Active": false, "userName": "jane.doe@acme.test"}',
    "the last of two": b'{"active": true, "userName": "jane.doe@acme.test", "active": false}',
    "another name twice": b'{"Operations": [{"op": "replace", "path": "active", "value": false}], "title": 1, "Title": 2}',
    "an operation in two": b'{"Operations": [{"op": "add", "Op": "replace", "path": "active", "value": false}]}',
    "nested deep": b'{"active": false, "x": ' + b"[" * 100 + b"]" * 100 + b"}",
    "no number": b'{"active": false, "x": NaN, "y": 1e999}',
}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_no_unclear_json_blocks_a_deactivation_R23(
    okta: Scim, jane: dict[str, Any], method: str, subtests: pytest.Subtests
) -> None:
    for name, body in UNCLEAR.items():
        with subtests.test(name), taken_back():
            require_gone(okta, jane, method, body)


def test_unclear_json_can_only_deactivate(okta: Scim, jane: dict[str, Any]) -> None:
    for body in (
        b'{"active": false, "userName": "jane.doe@acme.test", "Active": true}',
        b'{"active": true, "userName": "jane.doe@acme.test", "title": "a", "Title": "b"}',
        b'{"active": false, "x": ',
        b'{"active": false, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ):
        error(okta.send("PUT", f"/Users/{jane['id']}", body), 400, "invalidSyntax")
    assert okta.get(f"/Users/{jane['id']}").json() == jane
    body = UNCLEAR["in two letter cases"].replace(b"jane.doe", b"new")
    error(okta.send("POST", "/Users", body), 400, "invalidSyntax")


@pytest.mark.parametrize("name", [name for name in ODD if name.startswith("a PUT's body")])
def test_an_odd_put_that_contains_a_deactivation_deactivates_R23(name: str, okta: Scim, jane: dict[str, Any]) -> None:
    require_gone(okta, jane, "PUT", ODD[name])


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_an_odd_patch_that_contains_a_deactivation_deactivates_R23(body: Any, okta: Scim, jane: dict[str, Any]) -> None:
    require_gone(okta, jane, "PATCH", body)


@pytest.mark.parametrize(
    "query", ["?attributes=userName&excludedAttributes=emails", "?attributes=shoeSize", "?count=x", "?filter=%00"]
)
@pytest.mark.parametrize("form", [whole, without_path], ids=lambda form: form.__name__)
def test_nothing_in_the_query_blocks_a_deactivation_R23(
    form: Form, query: str, okta: Scim, jane: dict[str, Any]
) -> None:
    require_gone(okta, jane, *form(False, {}), query)


def test_the_log_shows_that_the_rest_of_a_deactivation_was_dropped_R23(okta: Scim, jane: dict[str, Any]) -> None:
    answered = require_gone(okta, jane, *whole(False, {"externalId": "00u2", "title": "Chief"}))
    assert (answered["externalId"], "title" in answered) == ("00u1", False)
    row = ProvisioningRecord.objects.order_by("pk").filter(method="PUT").get()
    assert row.decision == "deactivated; the rest of the message was ignored: conflict", "without anybody's data (R34)"
    event = Event.objects.get(kind="push.rest_dropped")
    assert "00u2" in event.reason
    assert event.subject_id == Identity.objects.get(external_id="00u1").pk


@pytest.mark.parametrize(
    "flags", [{"is_staff": True}, {"is_staff": True, "is_superuser": True}], ids=["staff", "superuser"]
)
def test_staff_and_superusers_are_expired_like_everybody_R26(
    flags: dict[str, bool], okta: Scim, jane: dict[str, Any]
) -> None:
    user = User.objects.get(username="jane.doe@acme.test")
    change_user(actor=COMMAND, user_id=user.pk, **flags)
    require_gone(okta, jane, *without_path(False, {}))


@pytest.mark.parametrize("end", [whole, without_path, None], ids=["PUT", "PATCH", "DELETE"])
def test_the_session_is_over_on_the_next_click_R21(end: Form | None, okta: Scim, jane: dict[str, Any]) -> None:
    identity = Identity.objects.select_related("user", "connection").get(external_id="00u1")
    browser = session_of(identity)
    assert browser.get("/me").status_code == 200
    if end is None:
        assert okta.delete(f"/Users/{jane['id']}").status_code == 204
    else:
        require_gone(okta, jane, *end(False, {}))
    assert browser.get("/me").status_code == 401
    assert not browser.session.get(SESSION_KEY)


def test_a_reactivation_request_unexpires_only_if_the_connection_opted_in_R22(okta: Scim, jane: dict[str, Any]) -> None:
    for policy, expired in (("keep_expired", True), ("unexpire_own", False)):
        change_connection(actor=ADMIN, connection_id=okta.connection.pk, reactivation=policy)
        okta.send("PUT", f"/Users/{jane['id']}", {**JANE, "active": False})
        answered = okta.send("PUT", f"/Users/{jane['id']}", {**JANE, "active": True}).json()
        assert (answered["active"], answered[CORE_USER]["expired"]) == (True, expired)


def test_an_opted_in_reactivation_does_not_let_in_a_user_with_moved_keys_R22(okta: Scim, jane: dict[str, Any]) -> None:
    change_connection(actor=ADMIN, connection_id=okta.connection.pk, reactivation="unexpire_own")
    okta.send("PUT", f"/Users/{jane['id']}", {**JANE, "active": False})
    moved = {**JANE, "userName": "newcomer@acme.test", "active": True}
    answered = okta.send("PUT", f"/Users/{jane['id']}", moved).json()
    assert (answered["active"], answered[CORE_USER]["expired"]) == (True, True)
    assert Identity.objects.get(external_id="00u1").reactivation_requested_at is not None

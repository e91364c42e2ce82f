"""Requests that mean harm, or nothing: each has one exact answer, changes no row, and leaves the service answering."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from tests.scim.conftest import ENTERPRISE, Scim, error
from tests.support.snapshot import changes, snapshot

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE_USER = "urn:core-identity:params:scim:schemas:extension:1.0:User"
ONE_USER, ONE_GROUP = "/Users/{user}", "/Groups/{group}"
NOBODY = "7f4b2b5e-7c58-4b4e-a5c1-0d9fbb7f6d01"
BIG = "x" * 1_000_000


@dataclass(frozen=True)
class Hostile:
    """One request; ``{user}`` and ``{group}`` in it are ids that exist. ``status`` and ``scim_type`` are its only answer."""

    request: str
    body: Any = None
    status: int = 400
    scim_type: str | None = "invalidValue"
    headers: dict[str, str] = field(default_factory=dict)


def user_with(name: str, value: Any) -> bytes:
    """A User with one attribute of this value, the value written as JSON or given as the bytes on the wire."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b'{"userName": "new@acme.test", "' + name.encode() + b'": ' + content + b"}"


def each(*values: Any) -> tuple[Any, ...]:
    """Values of all types, for which a type checker finds no common one."""
    return values


def op(path: Any = None, value: Any = None, name: Any = "replace", **more: Any) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": [{"op": name, "path": path, "value": value, **more}]}


def wrong_types() -> Iterator[Hostile]:
    values: list[Any] = [10**1_024, 1.5, True, [], [1, 2], {}, {"a": 1}]
    for name in ("userName", "externalId", "title", "displayName", "nickName", "locale"):
        for value in values[:3] + values[4:5] + values[6:]:
            body = {"userName": "new@acme.test", name: value}
            yield Hostile("POST /Users", body)
    for value in ("perhaps", "", 0, 1, [True, False], {"nope": True}, "\x00"):
        yield Hostile("POST /Users", {"userName": "new@acme.test", "active": value})
    for name in ("name", "emails", "phoneNumbers", "addresses"):
        for value in (5, True, [[]], [5], {"value": {"a": {}}} if name != "name" else {"givenName": []}):
            if name != "addresses" or not isinstance(value, dict):
                yield Hostile("POST /Users", {"userName": "new@acme.test", name: value})
    yield Hostile("POST /Users", {"userName": "new@acme.test", "emails": [{"value": "a@b.c", "primary": "perhaps"}]})
    yield Hostile("POST /Users", {"userName": "new@acme.test", "emails": [{"value": f"{n}@b.c"} for n in range(201)]})
    for value in (5, "x", [], True):
        yield Hostile("POST /Users", {"userName": "new@acme.test", ENTERPRISE: value})
    for value in (5.5, True, ["a", "b"], {"a": 1}):
        yield Hostile("POST /Users", {"userName": "new@acme.test", ENTERPRISE: {"UID": value}})
    for value in ("x", 5, {}, [5], [None]):
        yield Hostile("POST /Users", {"userName": "new@acme.test", "schemas": value}, scim_type="invalidSyntax")


def no_text() -> Iterator[Hostile]:
    """Characters that no column holds, and texts that are too long."""
    for name in ("userName", "externalId", "title", "displayName", "nickName"):
        for value in (rb'"a\u0000b"', rb'"\ud800"', rb'"\udc00\ud800"'):
            yield Hostile(
                "POST /Users", user_with(name, value) if name != "userName" else b'{"userName": ' + value + b"}"
            )
    for name in ("externalId", "title", "displayName"):
        yield Hostile("POST /Users", {"userName": "new@acme.test", name: "x" * 1_025})
    for body in (
        {"userName": "x" * 1_025},
        {"userName": ""},
        {"userName": "   "},
        {"userName": None},
        {},
        {"userName": "new@acme.test", "title": BIG},
        {"userName": "new@acme.test", "name": {"givenName": BIG}},
        {"userName": "new@acme.test", "emails": [{"value": BIG}]},
        {"userName": "new@acme.test", ENTERPRISE: {"UID": BIG}},
    ):
        yield Hostile("POST /Users", body)
    yield Hostile("POST /Groups", b'{"displayName": "a\\u0000b"}')
    yield Hostile("POST /Groups", b'{"displayName": "\\ud800"}')
    yield Hostile("POST /Groups", {"displayName": BIG})


def no_json() -> Iterator[Hostile]:
    bodies = [
        b"",
        b" ",
        b"null",
        b"true",
        b"5",
        b'"text"',
        b"[]",
        b"[{}]",
        b"{",
        b"}",
        b"{}{}",
        b"{'userName': 'x'}",
        b'{"userName": "x",}',
        b'{"userName": "x"} trailing',
        b"<User/>",
        b"userName=x",
        b"\x00",
        b"\xff\xfe{\x00}\x00",
        b'{"userName": "\xff"}',
        b'{"userName": "\xed\xa0\x80"}',
        b'{"userName": "\xc0\xaf"}',
        b'{"userName": "line\nbreak"}',
        b'{"userName": "\\x41"}',
        b'{"userName": NaN}',
        b'{"userName": Infinity}',
        b'{"userName": -Infinity}',
        b'{"userName": 1e999}',
        b'{"userName": 01}',
        b'{"userName": ' + b"9" * 5_000 + b"}",
        b'{"userName": "a", "userName": "b"}',
        b'{"userName": "a", "USERNAME": "b"}',
        b'{"userName": "a", "name": {"givenName": "a", "givenname": "b"}}',
        b"[" * 50_000 + b"]" * 50_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"userName": "a", "x": ' + b"[" * 40 + b"]" * 40 + b"}",
    ]
    for body in bodies:
        yield Hostile("POST /Users", body, scim_type="invalidSyntax")
    for body in bodies[:7]:
        yield Hostile(f"PUT {ONE_USER}", body, scim_type="invalidSyntax")
        yield Hostile(f"PATCH {ONE_GROUP}", body, scim_type="invalidSyntax")
        yield Hostile("POST /Users/.search", body, scim_type="invalidSyntax")


def media() -> Iterator[Hostile]:
    for content_type in (
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json+scim",
        "application/scim+json2",
        "application/*",
        "x" * 5_000,
        ";",
    ):
        yield Hostile("POST /Users", b"{}", 415, None, {"Content-Type": content_type})
    yield Hostile("POST /Users", b'{"userName": "' + b"x" * (1024 * 1024) + b'"}', 413, None)
    yield Hostile(f"PATCH {ONE_USER}", b" " * (1024 * 1024 + 1), 413, None)
    yield Hostile("POST /Groups", b" " * (8 * 1024 * 1024 + 1), 413, None)


def patches() -> Iterator[Hostile]:
    for operations in each(None, {}, [], "x", 5, [None], ["remove"], [[]], [5], [{}], [{"op": 5}], [{"op": "move"}]):
        yield Hostile(f"PATCH {ONE_USER}", {"Operations": operations}, scim_type="invalidSyntax")
        yield Hostile(f"PATCH {ONE_GROUP}", {"Operations": operations}, scim_type="invalidSyntax")
    yield Hostile(
        f"PATCH {ONE_USER}", {"Operations": [{"op": "remove", "path": "title"}] * 10_001}, 400, "invalidSyntax"
    )
    yield Hostile(f"PATCH {ONE_USER}", {**op("title", "x"), "schemas": ["urn:x"]}, scim_type="invalidSyntax")
    for path in each(
        5,
        [],
        {"a": 1},
        "nope",
        "[",
        "emails[",
        "emails[]",
        "emails[type]",
        'emails[type eq "work"',
        'emails[type eq "work"].nope',
        'emails[nope eq "work"]',
        'emails[type eq "work"][value pr]',
        "emails.value",
        "name.givenName.x",
        f"{ENTERPRISE}:nope",
        "a" * 5_000,
        "(" * 3_000,
        "emails[" + "(" * 25 + "type pr" + ")" * 25 + "]",
        "emails[" + " or ".join(["type pr"] * 101) + "]",
        'emails[value eq "\\u0000"]',
        "members",
    ):
        yield Hostile(f"PATCH {ONE_USER}", op(path, "x"), scim_type="invalidPath")
    for path in ("id", "meta", "meta.created", "schemas", "groups", f"{CORE_USER}:expired", f"{CORE_USER}:email"):
        yield Hostile(f"PATCH {ONE_USER}", op(path, "x"), scim_type="mutability")
    for path in ("userName", USER, CORE_USER, "active"):
        yield Hostile(f"PATCH {ONE_USER}", op(path, name="remove"), scim_type="mutability")
    yield Hostile(f"PATCH {ONE_USER}", op(name="remove"), scim_type="noTarget")
    yield Hostile(f"PATCH {ONE_USER}", op("", name="remove"), scim_type="noTarget")
    yield Hostile(f"PATCH {ONE_USER}", op('emails[value co "nobody"].value', "x"), scim_type="noTarget")
    for value in each(None, "x", 5, [], [{}], True):
        yield Hostile(f"PATCH {ONE_USER}", op(None, value))
    for path, value in each(
        ("userName", ""),
        ("userName", 5.5),
        ("userName", BIG),
        ("title", {"a": 1}),
        ("title", "\x00"),
        ("active", "perhaps"),
        ("name", "x"),
        ("name", {"nope": 1}),
        ("emails", 5),
        ("emails", [{"nope": 1}]),
        (ENTERPRISE, "x"),
        (f"{ENTERPRISE}:manager", 5),
    ):
        yield Hostile(f"PATCH {ONE_USER}", op(path, value))
    yield Hostile(f"PATCH {ONE_USER}", op("emails", [{"nope": 1}], "remove"))


def groups() -> Iterator[Hostile]:
    for body in ({}, {"displayName": ""}, {"displayName": None}, {"displayName": 5.5}, {"displayName": ["x"]}):
        yield Hostile("POST /Groups", body)
        yield Hostile(f"PUT {ONE_GROUP}", body)
    for members in each(
        5, True, [5], [None], [[]], [{}], [{"value": 5}], [{"value": ""}], [{"$ref": "x"}], {"value": []}
    ):
        yield Hostile("POST /Groups", {"displayName": "New", "members": members})
        yield Hostile(f"PATCH {ONE_GROUP}", op("members", members, "add"))
        yield Hostile(f"PATCH {ONE_GROUP}", op("members", members, "remove"))
    for path in (
        "members.value",
        'members[value co "x"]',
        'members[display eq "x"]',
        "members[value eq 5]",
        "members[value pr]",
        'members[not (value eq "x")]',
        'members[value eq "x" and type eq "User"]',
        'members[value eq "x"].display',
        "nope",
    ):
        yield Hostile(f"PATCH {ONE_GROUP}", op(path, name="remove"), scim_type="invalidPath")
    yield Hostile(f"PATCH {ONE_GROUP}", op("displayName", name="remove"), scim_type="mutability")
    yield Hostile(f"PATCH {ONE_GROUP}", op("id", "x"), scim_type="mutability")
    yield Hostile("POST /Groups", {"displayName": "editors"}, 409, "uniqueness")


def queries() -> Iterator[Hostile]:
    for text in (
        "",
        "userName",
        'userName eq "x',
        "userName eq 'x'",
        'userName = "x"',
        'userName eq "x" or',
        'nope eq "x"',
        "userName eq 5",
        'active eq "perhaps"',
        'userName eq "\\u0000"',
        'userName eq "\\ud800"',
        "' OR 1=1 --",
        'userName eq "x"; DROP TABLE x',
        "(" * 3_900,
        'userName eq "' + "x" * 4_000 + '"',
        " or ".join(['userName eq "x"'] * 101),
    ):
        yield Hostile(f"GET /Users?filter={quote(text)}", scim_type="invalidFilter")
        yield Hostile("POST /Users/.search", {"filter": text}, scim_type="invalidFilter")
    for raw in ("%00", "%ff", "%ed%a0%80"):
        yield Hostile(f"GET /Users?filter={raw}", scim_type="invalidFilter")
    for query in ("count=x", "count=1.5", "startIndex=x", "startIndex=%00", "count=" + "9" * 5_000, "count=NaN"):
        yield Hostile(f"GET /Users?{query}")
    yield Hostile("GET /Users?attributes=userName&excludedAttributes=title")
    for body in each(
        {"filter": 5},
        {"filter": ["x"]},
        {"count": "x"},
        {"count": {}},
        {"startIndex": []},
        {"attributes": 5},
    ):
        yield Hostile("POST /Users/.search", body)
        yield Hostile("POST /Groups/.search", body)


def addresses() -> Iterator[Hostile]:
    for identifier in (NOBODY, "0", "-1", "null", "%00", "%2e%2e%2f", "x" * 5_000, "%ff", "*", "'", f"{NOBODY}%20"):
        yield Hostile(f"GET /Users/{identifier}", None, 404, None)
        yield Hostile(f"DELETE /Groups/{identifier}", None, 404, None)
    yield Hostile(f"PUT /Users/{NOBODY}", {"userName": "new@acme.test"}, 404, None)
    yield Hostile(f"PATCH /Users/{NOBODY}", op("active", value=False), 404, None)
    yield Hostile("GET /Users/{group}", None, 404, None)
    yield Hostile("PUT /Users", {"userName": "new@acme.test"}, 405, None)
    yield Hostile("DELETE /Users", None, 405, None)
    yield Hostile("PATCH /Groups", op("displayName", "x"), 405, None)


AREAS = (wrong_types, no_text, no_json, media, patches, groups, queries, addresses)


@dataclass(frozen=True)
class Target:
    """A person and a group with the person in it, and what the database is while nothing is changed."""

    okta: Scim
    ids: dict[str, str]

    def send(self, one: Hostile) -> Any:
        method, _, path = one.request.partition(" ")
        for name, value in self.ids.items():
            path = path.replace("{" + name + "}", value)
        return self.okta.send(method, path, one.body, **one.headers)


@pytest.fixture
def target(okta: Scim) -> Target:
    user = okta.make("jane.doe@acme.test", externalId="00u1", title="Editor")["id"]
    response = okta.post("/Groups", {"displayName": "Editors", "members": [{"value": user}]})
    return Target(okta, {"user": user, "group": response.json()["id"]})


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.__name__)
def test_hostile_requests_have_one_answer_each_and_change_nothing(target: Target, area: Any) -> None:
    before = snapshot()
    wrong = []
    for one in area():
        response = target.send(one)
        document = json.loads(response.content or b"{}")
        if (response.status_code, document.get("scimType")) != (one.status, one.scim_type) or snapshot() != before:
            wrong.append((one.request[:80], str(one.body)[:80], one.headers, response.status_code, str(document)[:200]))
            assert snapshot() == before, (wrong[-1], changes(before, snapshot()))
        else:
            error(response, one.status, one.scim_type)
    assert wrong == []
    assert target.okta.get(f"/Users/{target.ids['user']}").status_code == 200


def test_at_least_300_hostile_requests_are_tried() -> None:
    assert sum(1 for area in AREAS for _ in area()) >= 300

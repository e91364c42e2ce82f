"""No secret of a message reaches the log, wherever and however a client wrote it (R34, R35). Each case is an attack; ``hunter2`` must be gone."""

import json
from typing import Any

import pytest

from scim.wire.redaction import MAX_ITEMS, MAX_NODES, REMOVED, UNREADABLE, Redaction
from scim.wire.secret_names import names_secret

SECRET = "hunter2"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TOKEN = "ci_4711abc"


def patch(**operation: Any) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", **operation}],
    }


BODIES: dict[str, Any] = {
    "plain": {"userName": "jane", "password": SECRET},
    "upper case": {"PASSWORD": SECRET},
    "mixed case": {"PassWord": SECRET},
    "full width": {"ｐａｓｓｗｏｒｄ": SECRET},
    "with an invisible character": {"pass\u200bword": SECRET},
    "with blanks": {" pass word ": SECRET},
    "camel case": {"userPassword": SECRET},
    "snake case": {"client_secret": SECRET},
    "kebab case": {"api-key": SECRET},
    "a token": {"accessToken": SECRET},
    "credentials of Okta": {"credentials": {"password": {"value": SECRET}, "recovery_question": {"question": "q", "answer": SECRET}}},
    "a number": {"pin": 4711, "x": {"PIN": SECRET}},
    "an object as the value": {"password": {"value": SECRET}},
    "a list as the value": {"password": [SECRET, {"x": SECRET}]},
    "the secret as a name": {"password": {SECRET: True}},
    "by URN": {f"{CORE}:password": SECRET},
    "by URN, upper case": {f"{CORE.upper()}:PASSWORD": SECRET},
    "below a URN": {CORE: {"password": SECRET}},
    "below a foreign URN": {"urn:acme:Password:1.0": {"anything": SECRET}},
    "in an extension": {ENTERPRISE: {"department": "x", "secretAnswer": SECRET}},
    "deep": {"a": [{"b": [{"c": {"Password": SECRET}}]}]},
    "PATCH path": patch(path="password", value=SECRET),
    "PATCH path, upper case": {"operations": [{"OP": "Add", "PATH": "PASSWORD", "VALUE": SECRET}]},
    "PATCH path by URN": patch(path=f"{CORE}:password", value=SECRET),
    "PATCH path with blanks": patch(path=" password ", value=SECRET),
    "PATCH path with a sub-attribute": patch(path="password.value", value=SECRET),
    "PATCH path with a selector": patch(path=f'password[value eq "{SECRET}"].value', value=SECRET),
    "PATCH path, secret in a selector": patch(path=f'emails[password eq "{SECRET}"].value', value="x"),
    "PATCH path, selector by type": patch(path=f'logins[type eq "password" and value eq "{SECRET}"]', value=SECRET),
    "PATCH path that cannot be read": patch(path=f'password[value eq "{SECRET}', value=SECRET),
    "PATCH path that holds it": patch(path=f"password={SECRET}", value="x"),
    "PATCH value object": patch(value={"password": SECRET}),
    "PATCH value object by URN": patch(value={f"{CORE}:Password": SECRET}),
    "PATCH value object below a URN": patch(value={CORE: {"password": SECRET}}),
    "PATCH value list": patch(path="password", value=[{"value": SECRET}]),
    "PATCH name with a selector": patch(value={f'emails[password eq "{SECRET}"].value': "x"}),
    "PATCH with other names": patch(attribute="password", newValue=SECRET),
    "name and value": {"attributes2": [{"name": "password", "value": SECRET}]},
    "type and value": {"logins": [{"type": "Secret", "value": SECRET}]},
    "key and value": {"x": {"Key": "clientSecret", "Value": SECRET}},
    "a pair": {"x": ["password", SECRET]},
    "JSON in a text": {"title": json.dumps({"password": SECRET})},
    "JSON in JSON in a text": {"title": json.dumps(json.dumps({"a": [json.dumps({"Password": SECRET})]}))},
    "JSON in a text, a list": {"title": json.dumps([{"path": "password", "value": SECRET}])},
    "JSON in a text, the name said twice": {"title": '{"password": "hunter2", "password": "x"}'},
    "JSON in a text, with a mark before it": {"title": "\ufeff " + json.dumps({"password": SECRET})},
    "JSON in a text, broken": {"title": '{"password": "hunter2"'},
    "JSON in a text, no quotes": {"title": "{pwd: 1, password: hunter2}"},
    "JSON behind a text": {"title": 'data {"password": "hunter2"}'},
    "JSON in a text of PATCH": patch(path="title", value=json.dumps({"password": SECRET})),
    "a form in a text": {"title": f"user=x&password={SECRET}"},
    "a header in a text": {"title": f"Authorization: Bearer {SECRET}"},
    "a sentence": {"title": f"my password is {SECRET}"},
    "a text with a colon": {"title": f"password:{SECRET}"},
    "a text that looks like a URN": {"title": f"urn:password:{SECRET}"},
    "XML in a text": {"title": f"<password>{SECRET}</password>"},
    "the name holds it": {f"password {SECRET}": "x"},
    "a name with a selector": {f'logins[type eq "password" and value eq "{SECRET}"].value': "x"},
    "a filter": {"filter": f'password eq "{SECRET}"'},
    "a filter, upper case": {"FILTER": f'userName eq "x" or PassWord sw "{SECRET}"'},
    "a filter that cannot be read": {"filter": f'password eq "{SECRET}'},
    "a filter that is no filter": {"filter": f"password = {SECRET}"},
    "a token in a field": {"externalId": TOKEN + SECRET},
    "a JSON Web Token": {"externalId": f"eyJhbGciOiJub25lIn0.eyJ{SECRET}.x"},
    "a private key": {"title": f"-----BEGIN PRIVATE KEY-----\n{SECRET}"},
    "bulk": {"Operations": [{"method": "POST", "path": "/Users", "bulkId": "a", "data": {"password": SECRET}}]},
    "bulk with a patch": {"Operations": [{"method": "PATCH", "path": "/Users/1", "data": patch(path="password", value=SECRET)}]},
    "bulk, secret in a path": {"Operations": [{"method": "POST", "path": f"/Users?password={SECRET}", "bulkId": "a"}]},
    "too deep": {"a": json.loads("[" * 30 + json.dumps({"password": SECRET}) + "]" * 30)},
    "too long": {"title": "x" * 3000 + SECRET},
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_secret_of_a_body_is_kept_R34(body: Any) -> None:
    redaction = Redaction(token=TOKEN)
    kept = json.dumps(redaction.tree(body))
    assert SECRET not in kept
    assert "4711" not in kept
    assert not [name for name in redaction.names if SECRET in name]


FILTERS = {
    f'password eq "{SECRET}"': f'password eq "{REMOVED}"',
    f'userName eq "jane" and (PASSWORD sw "{SECRET}")': f'userName eq "jane" and PASSWORD sw "{REMOVED}"',
    f'{CORE}:password eq "{SECRET}"': f'{CORE}:password eq "{REMOVED}"',
    f'not (pin eq "{SECRET}")': f'not (pin eq "{REMOVED}")',
    f'password[value eq "{SECRET}"]': f'password[value eq "{REMOVED}"]',
    f'emails[type eq "work" and secret eq "{SECRET}"]': f'emails[type eq "{REMOVED}" and secret eq "{REMOVED}"]',
    f'logins[type eq "password" and value eq "{SECRET}"]': f'logins[type eq "{REMOVED}" and value eq "{REMOVED}"]',
    "password pr": "password pr",
    f'password eq "{SECRET}': UNREADABLE,
    f"password = {SECRET}": UNREADABLE,
    f'userName eq "{TOKEN}{SECRET}"': f'userName eq "{REMOVED}"',
    'userName eq "jane" or (title pr and active eq true)': 'userName eq "jane" or (title pr and active eq true)',
    'emails[type eq "work"].value eq "jane@acme.test"': 'emails[type eq "work" and value eq "jane@acme.test"]',
}


@pytest.mark.parametrize(("text", "kept"), FILTERS.items())
def test_a_filter_is_read_and_written_again_without_secrets_R34(text: str, kept: str) -> None:
    assert Redaction(token=TOKEN).filter(text) == kept


def test_values_that_are_not_secret_are_kept_as_sent() -> None:
    body = {
        "schemas": [CORE, ENTERPRISE],
        "userName": "jill.doe@acme.test",
        "externalId": "00u6a7b8c9",
        "name": {"givenName": "Jill", "familyName": "Doe"},
        "emails": [{"value": "jane.doe@acme.test", "primary": True, "type": "work"}],
        "active": True,
        "title": "Secretary of State",
        ENTERPRISE: {"UID": "jill.doe", "manager": None, "costCenter": "7", "passport": "x"},
        "number": 1.5,
    }
    redaction = Redaction()
    assert redaction.tree({**body, "password": SECRET}) == {**body, "password": REMOVED}
    assert redaction.secrets == [SECRET]
    moved = patch(path='members[value eq "4711-1"]', value=[{"value": "4711-2"}])
    assert redaction.tree(moved) == moved


def test_a_secret_is_removed_also_beside_a_known_schema_R34() -> None:
    assert Redaction().tree([CORE, "password", SECRET]) == [REMOVED, "password", REMOVED]
    assert Redaction().tree({"path": "password", "value": CORE}) == {"path": "password", "value": REMOVED}


def test_people_are_found_by_every_name_that_is_kept_R35() -> None:
    redaction = Redaction()
    redaction.tree({
        "userName": "jill", "externalId": "00u6", "name": {"givenName": "Jill"}, "emails": [{"value": "j@acme.test", "type": "work"}],
        ENTERPRISE: {"UID": "jill.doe", "department": "Press"}, "password": SECRET, "title": json.dumps({"mail": "k@acme.test"}),
    })  # fmt: skip
    assert redaction.names == ["jill", "00u6", "j@acme.test", "jill.doe", "k@acme.test"]
    redaction = Redaction()
    redaction.tree(patch(path='members[value eq "one"]', value=[{"value": "two", "display": "Two"}]))
    redaction.filter('userName eq "three" and emails[type eq "work" and value eq "four"]')
    assert redaction.names == ["one", "two", "Two", "three", "four"]


def test_the_size_of_what_is_kept_is_bounded() -> None:
    members = [{"value": str(number)} for number in range(10_000)]
    kept = Redaction().tree({"members": members, **{f"x{number}": 1 for number in range(1000)}})
    assert len(kept["members"]) == MAX_ITEMS + 1
    assert kept["members"][-1] == f"(left out: {10_000 - MAX_ITEMS} more)"
    assert len(kept) == MAX_ITEMS + 1
    redaction = Redaction()
    redaction.tree([[[number] * 40 for number in range(40)] for _ in range(40)])
    assert len(redaction.names) <= MAX_NODES
    assert redaction.nodes < 20 * MAX_NODES


@pytest.mark.parametrize(
    ("body", "sentence", "quotes"),
    [
        ({"password": SECRET}, f"active must be true or false, not {{'password': '{SECRET}'}}.", True),
        ({"password": {"a": SECRET}}, "not {'password': {'a': 'hunt…", True),
        ({"password": "hun'ter"}, f"not {'hun' + chr(39) + 'ter'!r}", True),
        ({"password": "h\tx"}, "not 'h\\tx'", True),
        ({"userName": "jane", "password": SECRET}, "The userName 'jane' is already in use.", False),
        ({"userName": "jane"}, "The userName 'jane' is already in use…", False),
        ({"filter": f"password eq {SECRET}"}, f"found '{SECRET}'", True),
    ],
)
def test_a_sentence_that_quotes_a_secret_is_seen_R34(body: Any, sentence: str, quotes: bool) -> None:
    redaction = Redaction()
    redaction.tree(body)
    assert redaction.quotes_secret(sentence) is quotes


@pytest.mark.parametrize(
    "name", ["userName", "passport", "compass", "opinion", "secretary", "author", "shopping", "members.value", "tokyo"]
)
def test_names_that_are_not_secret_are_kept(name: str) -> None:
    assert not names_secret(name) or name == "secretary"

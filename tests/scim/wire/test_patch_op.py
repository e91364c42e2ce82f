"""PATCH on a User: every documented form, on one person, as a table."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_identity.values import Person
from scim.wire.apply_patch import apply_patch
from scim.wire.attributes import Attribute
from scim.wire.document import left_out
from scim.wire.errors import (
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    ScimError,
    TooMany,
)
from scim.wire.patch_op import parse_patch
from scim.wire.user import UserWire

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
WIRE = UserWire("UID")
NAMELESS = {"name.formatted": None, "name.middleName": None, "name.honorificPrefix": None, "name.honorificSuffix": None}
WORK: dict[str, Any] = {"value": "jane@work.test", "type": "work", "primary": True}
HOME: dict[str, Any] = {"value": "jane@home.test", "type": "home"}
JANE: dict[str, Any] = {
    "schemas": [CORE_URN, ENTERPRISE],
    "id": "7f4b2b5e-7c58-4b4e-a5c1-0d9fbb7f6d01",
    "externalId": "00u1jane",
    "userName": "jane@acme.test",
    "name": {"givenName": "Jane", "familyName": "Doe"},
    "title": "Editor",
    "active": True,
    "emails": [WORK, HOME],
    "phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "mobile"}],
    "groups": [{"value": "g"}],
    "meta": {"resourceType": "User"},
    ENTERPRISE: {"UID": "jane.doe", "department": "Press", "manager": {"value": "m", "displayName": "M"}},
}


def patch(*operations: object, **more: object) -> Person:
    return WIRE.read_patch({"schemas": [PATCH_OP], "Operations": list(operations), **more}, JANE)


@pytest.mark.parametrize(
    ("operation", "person"),
    [
        # Okta, catalogue apps
        ({"op": "replace", "value": {"active": False}}, Person(active=False)),
        ({"op": "replace", "value": {"id": "x", "active": True}}, Person(active=True)),
        ({"op": "replace", "value": {"password": "secret"}}, Person()),
        # Entra
        ({"op": "Replace", "path": "active", "value": "False"}, Person(active=False)),
        ({"op": "Add", "path": "title", "value": "Chief"}, Person(title="Chief")),
        ({"op": "Replace", "path": "title", "value": [{"$ref": None, "value": "Chief"}]}, Person(title="Chief")),
        (
            {"op": "Add", "value": {"name.familyName": "Roe", f"{ENTERPRISE}:department": "Film"}},
            Person(given_name="Jane", family_name="Roe", department="Film", attributes=NAMELESS),
        ),
        (
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "new@work.test"},
            Person(
                email="new@work.test",
                attributes={"emails": [{"value": "new@work.test", "type": "work", "primary": True}, HOME]},
            ),
        ),
        (
            {"op": "Add", "value": {'emails[type eq "other"].value': "jane@other.test"}},
            Person(
                email="jane@work.test",
                attributes={"emails": [WORK, HOME, {"type": "other", "value": "jane@other.test"}]},
            ),
        ),
        (
            {"op": "Add", "path": 'phoneNumbers[type eq "fax"].value', "value": "3"},
            Person(
                attributes={
                    "phoneNumbers": [
                        {"value": "1", "type": "work"},
                        {"value": "2", "type": "mobile"},
                        {"type": "fax", "value": "3"},
                    ]
                }
            ),
        ),
        (
            {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "boss"},
            Person(attributes={f"{ENTERPRISE}:manager": {"value": "boss", "displayName": "M"}}),
        ),
        # RFC 7644 section 3.5.2: core URN, extension as a whole, complex attributes merge
        ({"op": "replace", "path": f"{CORE_URN}:title", "value": "Chief"}, Person(title="Chief")),
        ({"op": "replace", "path": CORE_URN, "value": {"title": "Chief"}}, Person(title="Chief")),
        (
            {"op": "replace", "path": ENTERPRISE, "value": {"UID": "j.d", "department": "Film"}},
            Person(uid="j.d", department="Film"),
        ),
        ({"op": "add", "value": {ENTERPRISE: {"uid": "j.d"}}}, Person(uid="j.d")),
        ({"op": "replace", "path": f"{ENTERPRISE}:uid", "value": "j.d"}, Person(uid="j.d")),
        (
            {"op": "replace", "path": "name", "value": {"givenName": "Janet"}},
            Person(given_name="Janet", family_name="Doe", attributes=NAMELESS),
        ),
        (
            {"op": "replace", "path": "name.givenName", "value": "Janet"},
            Person(given_name="Janet", family_name="Doe", attributes=NAMELESS),
        ),
        (
            {"op": "add", "path": "emails", "value": [{"value": "new@x.test", "primary": True}]},
            Person(
                email="new@x.test",
                attributes={"emails": [{"value": "new@x.test", "primary": True}, {**WORK, "primary": False}, HOME]},
            ),
        ),
        (
            {"op": "add", "path": "emails", "value": [HOME]},
            Person(email=WORK["value"], attributes={"emails": [WORK, HOME]}),
        ),
        (
            {"op": "replace", "path": "emails", "value": [{"value": "only@x.test"}]},
            Person(email="only@x.test", attributes={"emails": [{"value": "only@x.test"}]}),
        ),
        (
            {"op": "replace", "path": 'emails[type eq "home"]', "value": {"value": "n@home.test", "type": "home"}},
            Person(email=WORK["value"], attributes={"emails": [WORK, {"value": "n@home.test", "type": "home"}]}),
        ),
        # RFC 7644 section 3.5.2.3: a value replaced as a whole keeps nothing of its own, but what selected it
        (
            {"op": "replace", "path": 'emails[type eq "work"]', "value": {"value": "n@work.test"}},
            Person(email="n@work.test", attributes={"emails": [{"type": "work", "value": "n@work.test"}, HOME]}),
        ),
        (
            {"op": "add", "path": 'emails[type eq "work"]', "value": {"display": "Desk"}},
            Person(email=WORK["value"], attributes={"emails": [{**WORK, "display": "Desk"}, HOME]}),
        ),
        # Entra: parts of values that are not there yet, booleans as texts, a manager that is cleared
        (
            {"op": "Add", "path": 'addresses[type eq "work"].formatted', "value": "1 Main St"},
            Person(attributes={"addresses": [{"type": "work", "formatted": "1 Main St"}]}),
        ),
        (
            {"op": "Replace", "path": 'roles[primary eq "True"].value', "value": "Chief"},
            Person(attributes={"roles": [{"primary": True, "value": "Chief"}]}),
        ),
        (
            {"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": ""},
            Person(attributes={f"{ENTERPRISE}:manager": None}),
        ),
        (
            {"op": "Replace", "path": f"{ENTERPRISE.lower()}:DEPARTMENT", "value": "Film"},
            Person(department="Film"),
        ),
        # Nulls in parts say nothing of the other parts, and nothing is added by them
        ({"op": "replace", "value": {"name": {"formatted": None}}}, Person()),
        ({"op": "add", "path": "emails", "value": [None, {}]}, Person()),
        ({"op": "add", "path": "emails", "value": []}, Person()),
        (
            {"op": "replace", "path": "emails", "value": [{"value": None}]},
            Person(email="", attributes={"emails": None}),
        ),
        # Removals
        (
            {"op": "remove", "path": "emails", "value": [{"type": "work", "value": "JANE@WORK.TEST"}]},
            Person(email=HOME["value"], attributes={"emails": [HOME]}),
        ),
        (
            {"op": "Remove", "path": "phoneNumbers", "value": [{"value": "1", "$ref": None}]},
            Person(attributes={"phoneNumbers": [{"value": "2", "type": "mobile"}]}),
        ),
        (
            {"op": "remove", "path": "phoneNumbers", "value": [{"type": "mobile"}]},
            Person(attributes={"phoneNumbers": [{"value": "1", "type": "work"}]}),
        ),
        (
            {"op": "Remove", "path": 'phoneNumbers[type eq "work"].value'},
            Person(attributes={"phoneNumbers": [{"value": "2", "type": "mobile"}]}),
        ),
        ({"op": "remove", "path": "title"}, Person(title="")),
        ({"op": "remove", "path": "title", "value": ""}, Person(title="")),
        ({"op": "replace", "path": "title", "value": None}, Person(title="")),
        (
            {"op": "remove", "path": "name.givenName"},
            Person(given_name="", family_name="Doe", attributes=NAMELESS),
        ),
        (
            {"op": "remove", "path": 'emails[type eq "work"]'},
            Person(email=HOME["value"], attributes={"emails": [HOME]}),
        ),
        (
            {"op": "remove", "path": 'emails[value co "home" and not (primary eq true)]'},
            Person(email=WORK["value"], attributes={"emails": [WORK]}),
        ),
        (
            {"op": "remove", "path": "emails", "value": [{"value": "jane@work.test"}]},
            Person(email=HOME["value"], attributes={"emails": [HOME]}),
        ),
        ({"op": "remove", "path": "emails", "value": []}, Person()),
        ({"op": "remove", "path": "emails"}, Person(email="", attributes={"emails": None})),
        (
            {"op": "remove", "path": 'phoneNumbers[type eq "work"].type'},
            Person(attributes={"phoneNumbers": [{"value": "1"}, {"value": "2", "type": "mobile"}]}),
        ),
        (
            {"op": "remove", "path": 'emails[type eq "fax"]'},
            Person(email=WORK["value"], attributes={"emails": [WORK, HOME]}),
        ),
        # R6, R8a: a removed UID or externalId is contained in the message, and clears nothing
        ({"op": "remove", "path": f"{ENTERPRISE}:UID"}, Person(uid="")),
        ({"op": "remove", "path": "externalId"}, Person(external_id="")),
        (
            {"op": "remove", "path": ENTERPRISE},
            Person(
                uid="",
                organization="",
                department="",
                attributes={
                    f"{ENTERPRISE}:{name}": None for name in ("employeeNumber", "costCenter", "division", "manager")
                },
            ),
        ),
        # Entra: a plain manager, and one that is selected
        (
            {"op": "Add", "path": "manager", "value": [{"$ref": None, "value": "boss"}]},
            Person(attributes={f"{ENTERPRISE}:manager": {"value": "boss", "displayName": "M"}}),
        ),
        ({"op": "Remove", "path": "manager"}, Person(attributes={f"{ENTERPRISE}:manager": None})),
        ({"op": "Remove", "path": 'manager[value eq "m"]'}, Person(attributes={f"{ENTERPRISE}:manager": None})),
        (
            {"op": "remove", "path": f'{ENTERPRISE}:manager[value eq "m"].displayName'},
            Person(attributes={f"{ENTERPRISE}:manager": {"value": "m"}}),
        ),
        (
            {"op": "remove", "path": 'manager[value eq "somebody else"]'},
            Person(attributes={f"{ENTERPRISE}:manager": {"value": "m", "displayName": "M"}}),
        ),
        (
            {"op": "replace", "path": 'manager[value eq "m"].displayName', "value": "Boss"},
            Person(attributes={f"{ENTERPRISE}:manager": {"value": "m", "displayName": "Boss"}}),
        ),
        # Okta: a whole number is its digits
        ({"op": "replace", "path": "title", "value": 7}, Person(title="7")),
        # Nothing to do
        *(
            ({"op": op, "path": f"urn:example:params:scim:schemas:{path}", "value": "x"}, Person())
            for op in ("add", "replace", "remove")
            for path in ("extension:1.0", "extension:acme:2.0:User", "ext_1:2.0:User:a.b", 'ext:2.0:a[b eq "c"].d')
        ),
        ({"op": "add", "path": "title", "value": None}, Person()),
        ({"op": "replace", "value": {"shoeSize": 44, "groups": [], "schemas": [], "meta": {}}}, Person()),
    ],
)
def test_an_operation_is_read_as_this_change(operation: dict[str, Any], person: Person) -> None:
    assert patch(operation) == person


def _orders(attribute: Attribute, selected: str) -> Iterator[tuple[Attribute, ...]]:
    parts = [one for one in attribute.sub_attributes if one.name != selected][:4]
    return permutations(parts)


@pytest.mark.parametrize(("selected", "selector", "stored"), [("primary", "True", True), ("type", "x", "x")])
def test_entra_makes_a_value_by_parts_in_any_order(selected: str, selector: str, stored: object) -> None:
    swept = 0
    for target in WIRE.resource_type.targets:
        attribute = target.attribute
        if not attribute.multi_valued or attribute.mutability == "readOnly":
            continue
        for parts in _orders(attribute, selected):
            values = {one.name: False if one.type == "boolean" else f"{one.name}@x" for one in parts}
            paths = {f'{attribute.name}[{selected} eq "{selector}"].{name}': value for name, value in values.items()}
            one_by_one = [{"op": "Add", "path": path, "value": value} for path, value in paths.items()]
            for operations in (one_by_one, [{"op": "Replace", "value": paths}]):
                flat, touched = apply_patch(parse_patch({"Operations": operations}, WIRE.resource_type), {})
                assert flat == {attribute.name: [{selected: stored, **values}]}, operations
                assert touched == {attribute.name}
                swept += 1
        labels = [f'{attribute.name}[{selected} eq "{selector}"].{name}' for name in ("display", "type", "primary")]
        labels = [path for path in labels if attribute.sub(path.rpartition(".")[2]) and not path.endswith(selected)]
        only_labels = [{"op": "Add", "path": path, "value": "True"} for path in labels]
        with pytest.raises(NoTarget):  # the end of the message shows that nothing is described
            apply_patch(parse_patch({"Operations": only_labels}, WIRE.resource_type), {})
    assert swept > 100


def test_a_part_that_is_taken_away_does_not_take_the_parts_that_came_before_it() -> None:
    role = 'roles[primary eq "True"]'
    assert patch(
        {"op": "Add", "path": f"{role}.display", "value": "Chief"},
        {"op": "Replace", "path": f"{role}.type", "value": None},
        {"op": "Add", "path": f"{role}.value", "value": "chief"},
    ) == Person(attributes={"roles": [{"primary": True, "display": "Chief", "value": "chief"}]})


def test_operations_apply_in_their_order_each_to_the_result_of_the_former() -> None:
    assert patch(
        {"op": "remove", "path": "emails"},
        {"op": "add", "path": "emails", "value": [HOME]},
        {"op": "replace", "path": 'emails[type eq "home"].value', "value": "late@home.test"},
        {"op": "replace", "path": "title", "value": "First"},
        {"op": "replace", "path": "title", "value": "Last"},
    ) == Person(
        title="Last", email="late@home.test", attributes={"emails": [{"value": "late@home.test", "type": "home"}]}
    )


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ({"op": "remove"}, NoTarget),
        ({"op": "remove", "value": {"title": ""}}, NoTarget),
        ({"op": "remove", "path": "userName"}, Mutability),
        ({"op": "replace", "path": "userName", "value": None}, Mutability),
        ({"op": "replace", "path": "id", "value": "x"}, Mutability),
        ({"op": "replace", "path": "meta.created", "value": "x"}, Mutability),
        ({"op": "add", "path": "schemas", "value": ["x"]}, Mutability),
        ({"op": "remove", "path": 'groups[value eq "g"]'}, Mutability),
        (
            {
                "op": "replace",
                "path": "urn:core-identity:params:scim:schemas:extension:1.0:User:expired",
                "value": False,
            },
            Mutability,
        ),
        ({"op": "remove", "path": "urn:core-identity:params:scim:schemas:extension:1.0:User"}, Mutability),
        ({"op": "remove", "path": CORE_URN}, Mutability),
        ({"op": "remove", "path": "shoeSize"}, InvalidPath),
        ({"op": "add", "path": "shoeSize", "value": 44}, InvalidPath),
        ({"op": "remove", "path": "emails.value"}, InvalidPath),
        ({"op": "replace", "path": "emails.value", "value": "x"}, InvalidPath),
        ({"op": "remove", "path": 'emails[type eq "work"].nope'}, InvalidPath),
        ({"op": "remove", "path": 'emails[nope eq "work"]'}, InvalidPath),
        ({"op": "remove", "path": 'title[value eq "x"]'}, InvalidPath),
        # A manager is one value with parts: a selector that does not fit finds nothing to set
        ({"op": "replace", "path": f'{ENTERPRISE}:manager[value eq "x"].displayName', "value": "B"}, NoTarget),
        ({"op": "remove", "path": f'{ENTERPRISE}:manager[nope eq "x"]'}, InvalidPath),
        # An unknown name of a schema that is known must not look done, in no spelling of the URN
        ({"op": "replace", "path": "isActive", "value": False}, InvalidPath),
        ({"op": "replace", "path": f"{CORE_URN}:isActive", "value": False}, InvalidPath),
        ({"op": "replace", "path": "urn:scim:schemas:core:1.0:isActive", "value": False}, InvalidPath),
        ({"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:Usr:active", "value": False}, InvalidPath),
        ({"op": "replace", "path": "urn:ietf:params:scim:schemas:core:3.0:User:active", "value": False}, InvalidPath),
        ({"op": "replace", "path": f"{ENTERPRISE}:UIDD", "value": "j.d"}, InvalidPath),
        ({"op": "replace", "path": "urn:x", "value": "j.d"}, InvalidPath),
        # Selectors without meaning, also where there is nothing to select from
        ({"op": "remove", "path": 'ims[nope eq "work"]'}, InvalidPath),
        ({"op": "remove", "path": 'ims[type eq "work" or nope pr]'}, InvalidPath),
        ({"op": "remove", "path": 'emails[primary eq "perhaps"]'}, InvalidPath),
        ({"op": "remove", "path": "emails[primary gt true]"}, InvalidPath),
        ({"op": "remove", "path": "emails[type eq 5]"}, InvalidPath),
        ({"op": "remove", "path": "emails[type gt null]"}, InvalidPath),
        ({"op": "remove", "path": 'emails[not (emails[type eq "work"])]'}, InvalidPath),
        # No part of the value is understood. To continue would remove everything.
        ({"op": "remove", "path": "emails", "value": [{"nope": "x"}]}, InvalidValue),
        ({"op": "remove", "path": "emails", "value": [{}]}, InvalidValue),
        ({"op": "remove", "path": "emails", "value": {}}, InvalidValue),
        ({"op": "replace", "path": "emails", "value": [{"nope": "x"}]}, InvalidValue),
        ({"op": "replace", "path": "name", "value": {"nope": "x"}}, InvalidValue),
        ({"op": "remove", "path": "active"}, Mutability),
        # RFC 7644 section 3.5.2.3: nothing fulfils the selector, and it describes no value that could be made
        ({"op": "replace", "path": 'emails[value eq "old@x.test"].value', "value": "new@x.test"}, NoTarget),
        ({"op": "replace", "path": 'emails[value eq "old@x.test"]', "value": {"type": "home"}}, NoTarget),
        ({"op": "add", "path": 'emails[value eq "old@x.test"].type', "value": "home"}, NoTarget),
        ({"op": "replace", "path": 'emails[type eq "other"].primary', "value": True}, NoTarget),
        # null empties; no value at all says nothing
        ({"op": "add", "path": "title"}, InvalidValue),
        ({"op": "replace", "path": "emails"}, InvalidValue),
        ({"op": "replace", "path": 'emails[type eq "a" or type eq "b"].value', "value": "x"}, NoTarget),
        ({"op": "replace", "path": "ims[not (primary eq true)].value", "value": "x"}, NoTarget),
        ({"op": "remove", "path": "emails["}, InvalidPath),
        ({"op": "remove", "path": 5}, InvalidPath),
        ({"op": "replace", "path": 'emails[value co "nobody"].value', "value": "x"}, NoTarget),
        ({"op": "replace", "path": "active", "value": "perhaps"}, InvalidValue),
        ({"op": "replace", "path": "title", "value": {"a": 1}}, InvalidValue),
        ({"op": "replace", "path": "title", "value": True}, InvalidValue),
        ({"op": "replace", "path": "title", "value": 7.0}, InvalidValue),
        ({"op": "replace", "path": "title", "value": 10**1_024}, InvalidValue),
        ({"op": "replace", "value": "x"}, InvalidValue),
        ({"op": "replace"}, InvalidValue),
        ({"op": "replace", "path": 'emails[type eq "work"]', "value": [{"value": "a"}, {"value": "b"}]}, InvalidValue),
        ({"op": "move", "path": "title"}, InvalidSyntax),
        ({"op": None, "path": "title"}, InvalidSyntax),
        ({"path": "title", "value": "x"}, InvalidSyntax),
        ("remove", InvalidSyntax),
    ],
)
def test_an_operation_that_is_not_understood_is_an_error_and_nothing_applies(
    operation: object, error: type[ScimError]
) -> None:
    before = copy.deepcopy(JANE)
    with pytest.raises(error):
        patch({"op": "replace", "path": "title", "value": "Chief"}, operation)
    assert before == JANE


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"Operations": []},
        {"Operations": {}},
        {"Operations": [{"op": "remove", "path": "title"}] * 10_001},
        {"schemas": ["urn:x"], "Operations": [{"op": "remove", "path": "title"}]},
        {"schemas": PATCH_OP, "Operations": [{"op": "remove", "path": "title"}]},
    ],
)
def test_a_body_that_is_not_a_patch_op_message_is_refused(body: object) -> None:
    with pytest.raises(InvalidSyntax):
        WIRE.read_patch(body, JANE)


@pytest.mark.parametrize(
    ("operations", "error"),
    [
        ([{"op": "add", "path": "ims", "value": [{"value": str(number)}]} for number in range(10_000)], InvalidValue),
        ([{"op": "add", "path": f'ims[type eq "{n}"].value', "value": "x"} for n in range(10_000)], InvalidValue),
        ([{"op": "remove", "path": "emails[" + " or ".join(['value sw "x"'] * 100) + "]"}] * 2_000, TooMany),
        ([{"op": "remove", "path": "emails", "value": [{"value": str(n)} for n in range(199)]}] * 2_000, TooMany),
    ],
)
def test_operations_that_would_take_long_are_refused(operations: list[dict[str, Any]], error: type[ScimError]) -> None:
    with pytest.raises(error):
        patch(*operations)


PATHS = st.sampled_from(
    [
        "title",
        "emails",
        'emails[type eq "work"].value',
        "name.givenName",
        "members",
        "active",
        "id",
        ENTERPRISE,
        "",
        "[",
        f"{ENTERPRISE}:UID",
        'addresses[primary eq "True"]',
        "groups",
        "schemas",
        'roles[primary eq "True"].display',
        "urn:scim:schemas:core:1.0:active",
        'manager[value eq "m"]',
        "roles[value gt 5]",
        "password",
        CORE_URN,
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["False", "\0", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(PATHS | st.sampled_from(["value", "type", "primary", "display"]), inner, max_size=3)
    ),
    max_leaves=8,
)
OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "Remove", "REPLACE", "x", None, 5]),
        "path": PATHS | VALUES,
        "value": VALUES,
    },
)


@given(st.lists(OPERATIONS | VALUES, max_size=5))
def test_any_patch_is_a_person_or_a_scim_error_and_leaves_the_document_alone(operations: list[Any]) -> None:
    before = copy.deepcopy(JANE)
    left_out({"Operations": operations}, WIRE.resource_type)
    with suppress(ScimError):
        patch(*operations)
    assert before == JANE

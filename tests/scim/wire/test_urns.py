"""Older and shortened spellings of URNs mean today's, in every place of a message."""

from itertools import product
from typing import Any

import pytest

from core_identity.values import Person
from scim.wire import urns
from scim.wire.bulk import read_bulk
from scim.wire.deactivation import contains_deactivation
from scim.wire.document import EXTENSION, GROUP_MEMBER, left_out
from scim.wire.errors import InvalidSyntax, ScimError
from scim.wire.patch_op import raw_operations
from scim.wire.resource_types import GROUP_TYPE
from scim.wire.selection import Selection
from scim.wire.user import UserWire

WIRE = UserWire("UID")
USER_TYPE = WIRE.resource_type
STARTS = ("urn:", "urn:ietf:params:")
CORE = [f"{start}scim:schemas:core:{n}.0{end}" for start, n, end in product(STARTS, (1, 2), ("", ":User"))]
ENTERPRISE = [
    f"{start}scim:schemas:extension:enterprise:{n}.0{end}" for start, n, end in product(STARTS, (1, 2), ("", ":User"))
]


@pytest.mark.parametrize("enterprise", ENTERPRISE)
def test_the_uid_is_read_under_every_spelling_of_the_extension(enterprise: str) -> None:
    inside = {"UID": "jane.doe", "department": "Press"}
    person = Person(uid="jane.doe", department="Press")
    for body in (
        {"schemas": [enterprise], enterprise: inside},
        {enterprise.upper(): inside},
        {f"{enterprise}:{name}": value for name, value in inside.items()},
    ):
        assert WIRE.read_new(body) == person
        assert left_out(body, USER_TYPE) == ()
    operations: list[list[dict[str, Any]]] = [
        [{"op": "add", "path": enterprise, "value": inside}],
        [{"op": "add", "value": {enterprise: inside}}],
        [{"op": "add", "path": f"{enterprise}:{name}", "value": value} for name, value in inside.items()],
    ]
    for one in operations:
        assert WIRE.read_patch({"Operations": one}, {}) == person
    document = {"schemas": [], "id": "1", "userName": "jane", urns.ENTERPRISE_USER: inside}
    shown = {"schemas": [], "id": "1", urns.ENTERPRISE_USER: {"UID": "jane.doe"}}
    assert Selection.read(USER_TYPE, [f"{enterprise}:UID"], []).of(document) == shown
    assert urns.ENTERPRISE_USER not in Selection.read(USER_TYPE, [], [enterprise]).of(document)


@pytest.mark.parametrize("core", CORE)
def test_a_user_is_read_under_every_spelling_of_the_core_schema(core: str) -> None:
    assert WIRE.read_new({"schemas": [core], f"{core}:userName": "jane"}) == Person(user_name="jane")
    assert WIRE.read_new({core: {"userName": "jane"}}) == Person(user_name="jane")
    for operation in (
        {"op": "replace", "path": f"{core}:active", "value": False},
        {"op": "replace", "path": core, "value": {"active": False}},
        {"op": "replace", "value": {core: {"active": False}}},
    ):
        message = {"schemas": [core], "Operations": [operation]}
        if core.endswith("User"):
            message.pop("schemas")
        assert WIRE.read_patch(message, {"userName": "jane", "active": True}) == Person(active=False)
        assert contains_deactivation(message, USER_TYPE)


def test_the_kind_that_a_urn_names_must_be_that_of_the_address() -> None:
    for other in ("urn:scim:schemas:core:1.0:Group", "urn:ietf:params:scim:schemas:core:2.0:Group", "urn:x:y:z"):
        with pytest.raises(InvalidSyntax):
            WIRE.read_new({"schemas": [other], "userName": "jane"})
    assert GROUP_TYPE.schema("urn:scim:schemas:core:1.0") is GROUP_TYPE.core
    assert GROUP_TYPE.schema("urn:scim:schemas:core:2.0:User") is None


def test_messages_are_read_under_every_spelling() -> None:
    operation = {"op": "replace", "path": "title", "value": "x"}
    bulk = {"method": "DELETE", "path": "/Users/1"}
    for urn in ("urn:scim:api:messages:2.0:", "urn:scim:schemas:core:2.0:", "URN:ietf:params:scim:api:messages:2.0:"):
        assert list(raw_operations({"schemas": [f"{urn}PatchOp"], "Operations": [operation]}))
        assert read_bulk({"schemas": [f"{urn}BulkRequest"], "Operations": [bulk]}).operations
        for wrong in (f"{urn}ListResponse", f"{urn}Nope"):
            with pytest.raises(ScimError):
                list(raw_operations({"schemas": [wrong], "Operations": [operation]}))
            with pytest.raises(ScimError):
                read_bulk({"schemas": [wrong], "Operations": [bulk]})
    assert read_bulk({"schemas": ["urn:scim:schemas:core:1.0"], "Operations": [bulk]}).operations


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ({"urn:example:params:scim:schemas:1.0:User": {"x": 1}}, (EXTENSION,)),
        ({"urn:example:params:scim:schemas:1.0:User:x": 1}, (EXTENSION,)),
        ({"Operations": [{"op": "add", "path": "urn:a:b:c", "value": 1}, {"path": "title"}]}, (EXTENSION,)),
        ({"Operations": [{"op": "add", "value": {"urn:a:b:c": 1}}]}, (EXTENSION,)),
        ({"shoeSize": 44, "schemas": ["urn:a:b:c"], urns.ENTERPRISE_USER: {"x": 1}, urns.CORE_USER: {}}, ()),
        ({"Operations": [{"op": "add", "path": 5, "value": 1}, 7]}, ()),
        (None, ()),
    ],
)
def test_each_part_of_a_message_that_is_left_out_has_a_sentence(body: object, notes: tuple[str, ...]) -> None:
    assert left_out(body, USER_TYPE) == notes


def test_a_group_as_a_member_has_a_sentence() -> None:
    group, person = ({"value": "x", "type": kind} for kind in ("Group", "User"))
    for body in (
        {"MEMBERS": [person, group]},
        {"members": group},
        {"Operations": [{"op": "add", "path": "members", "value": [group]}]},
        {"Operations": [{"op": "add", "value": {"members": [group]}}]},
    ):
        assert left_out(body, GROUP_TYPE) == (GROUP_MEMBER,)
    assert left_out({"members": [person, 5, "x"]}, GROUP_TYPE) == ()

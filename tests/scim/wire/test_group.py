"""Group messages as sets of members."""

from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_identity.values import GroupChange
from scim.wire.document import left_out
from scim.wire.errors import InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, ScimError
from scim.wire.group import read_group, read_group_patch
from scim.wire.resource_types import GROUP_TYPE
from scim.wire.values import resource_id

GROUP_URN = "urn:ietf:params:scim:schemas:core:2.0:Group"
# Fixed: they are in the names of tests, and all workers must collect the same names.
A, B, C = (UUID(f"{letter * 8}-1111-4111-8111-111111111111") for letter in "abc")
a, b, c = ({"value": str(one), "display": "x"} for one in (A, B, C))


def patch(*operations: object) -> GroupChange:
    return read_group_patch({"Operations": list(operations)})


def members(*ids: UUID) -> frozenset[UUID | str]:
    return frozenset(str(one) for one in ids)


@pytest.mark.parametrize(
    ("operations", "change"),
    [
        # Okta, catalogue apps: a rename comes with id, then removals and one add, or a full replace
        ([{"op": "replace", "value": {"id": "g", "displayName": "New"}}], GroupChange(display_name="New")),
        (
            [
                {"op": "remove", "path": f'members[value eq "{A}"]'},
                {"op": "remove", "path": f'members[value eq "{B}"]'},
                {"op": "add", "path": "members", "value": [c]},
            ],
            GroupChange(remove=members(A, B), add=members(C)),
        ),
        ([{"op": "replace", "path": "members", "value": [a, b]}], GroupChange(members=members(A, B))),
        # Entra: removal by value, with "$ref": null, ops in PascalCase
        (
            [{"op": "Remove", "path": "members", "value": [{"value": str(A), "$ref": None}]}],
            GroupChange(remove=members(A)),
        ),
        ([{"op": "Add", "path": "members", "value": [{"$ref": None, "value": str(A)}]}], GroupChange(add=members(A))),
        ([{"op": "Replace", "path": "displayName", "value": "New"}], GroupChange(display_name="New")),
        # Others
        ([{"op": "add", "value": {"members": [a]}}], GroupChange(add=members(A))),
        ([{"op": "add", "path": f"{GROUP_URN}:members", "value": a}], GroupChange(add=members(A))),
        ([{"op": "replace", "value": {GROUP_URN: {"displayName": "New"}}}], GroupChange(display_name="New")),
        ([{"op": "add", "path": "members", "value": str(A)}], GroupChange(add=members(A))),
        ([{"op": "remove", "path": "members"}], GroupChange(members=members())),
        ([{"op": "remove", "path": "members", "value": []}], GroupChange()),
        ([{"op": "replace", "path": "members", "value": []}], GroupChange(members=members())),
        (
            [{"op": "remove", "path": f'members[value eq "{A}" or value eq "{B}"]'}],
            GroupChange(remove=members(A, B)),
        ),
        (
            [{"op": "replace", "path": f'members[value eq "{A}"]', "value": b}],
            GroupChange(remove=members(A), add=members(B)),
        ),
        ([{"op": "replace", "path": "externalId", "value": "g1"}], GroupChange(external_id="g1")),
        ([{"op": "remove", "path": "externalId"}], GroupChange(external_id="")),
        # A whole schema as the path, its older spellings, whole numbers, and an extension that nobody here knows
        ([{"op": "replace", "path": GROUP_URN, "value": {"displayName": "New"}}], GroupChange(display_name="New")),
        (
            [
                {"op": "replace", "path": "urn:scim:schemas:core:1.0:displayName", "value": "New"},
                {"op": "add", "value": {"urn:scim:schemas:core:2.0": {"members": [a]}}},
            ],
            GroupChange(display_name="New", add=members(A)),
        ),
        ([{"op": "replace", "path": "displayName", "value": 5}], GroupChange(display_name="5")),
        ([{"op": "add", "path": "urn:example:params:scim:schemas:Group:x", "value": 5}], GroupChange()),
        # In their order
        (
            [{"op": "add", "path": "members", "value": [a]}, {"op": "remove", "path": f'members[value eq "{A}"]'}],
            GroupChange(remove=members(A)),
        ),
        (
            [{"op": "remove", "path": f'members[value eq "{A}"]'}, {"op": "add", "path": "members", "value": [a]}],
            GroupChange(add=members(A)),
        ),
        (
            [
                {"op": "add", "path": "members", "value": [a]},
                {"op": "replace", "path": "members", "value": [b]},
                {"op": "add", "path": "members", "value": [c]},
            ],
            GroupChange(members=members(B), add=members(C)),
        ),
        # An id that nobody can have is passed over
        ([{"op": "add", "path": "members", "value": [{"value": "00919288221112222"}, a]}], GroupChange(add=members(A))),
        ([{"op": "remove", "path": 'members[value eq "x"]'}], GroupChange()),
    ],
)
def test_operations_are_compiled_to_sets(operations: list[dict[str, Any]], change: GroupChange) -> None:
    assert patch(*operations) == change


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ({"op": "remove"}, NoTarget),
        ({"op": "remove", "value": {"members": [a]}}, NoTarget),
        ({"op": "remove", "path": "displayName"}, Mutability),
        ({"op": "replace", "path": "id", "value": "x"}, Mutability),
        ({"op": "replace", "path": "meta", "value": {}}, Mutability),
        ({"op": "remove", "path": "owners"}, InvalidPath),
        ({"op": "remove", "path": "members.value"}, InvalidPath),
        ({"op": "remove", "path": f'members[value eq "{A}"].display'}, InvalidPath),
        ({"op": "remove", "path": f'members[value ne "{A}"]'}, InvalidPath),
        ({"op": "remove", "path": f'members[value eq "{A}" and type eq "User"]'}, InvalidPath),
        ({"op": "remove", "path": 'members[display eq "Jane"]'}, InvalidPath),
        ({"op": "remove", "path": "members[value eq 5]"}, InvalidPath),
        ({"op": "remove", "path": f"members[{A}]"}, InvalidPath),
        ({"op": "add", "path": f'members[value eq "{A}"]', "value": a}, InvalidPath),
        ({"op": "remove", "path": 'displayName[value eq "x"]'}, InvalidPath),
        ({"op": "add", "path": "members", "value": [5]}, InvalidValue),
        ({"op": "remove", "path": "members", "value": [{"$ref": "x"}]}, InvalidValue),
        ({"op": "add", "path": "members", "value": [{"value": None}]}, InvalidValue),
        ({"op": "replace", "path": "members", "value": "nobody"}, InvalidValue),
        ({"op": "replace", "path": "members"}, InvalidValue),
        ({"op": "replace", "path": "displayName", "value": 5.5}, InvalidValue),
        ({"op": "replace", "path": f"{GROUP_URN}:owners", "value": "x"}, InvalidPath),
        ({"op": "remove", "path": GROUP_URN}, InvalidPath),
        ({"op": "replace", "value": [a]}, InvalidValue),
        ({"op": "add", "path": "members", "value": [a] * 100_001}, InvalidSyntax),
    ],
)
def test_a_removal_or_any_operation_that_is_not_understood_is_an_error(
    operation: dict[str, Any], error: type[ScimError]
) -> None:
    with pytest.raises(error):
        patch(operation)


def test_a_thousand_operations_become_two_sets() -> None:
    ids = [uuid4() for _ in range(1_000)]
    removals = [{"op": "remove", "path": f'members[value eq "{one}"]'} for one in ids[:999]]
    added = {"op": "add", "path": "members", "value": [{"value": str(ids[999])}]}
    assert patch(*removals, added) == GroupChange(remove=members(*ids[:999]), add=members(*ids[999:]))


def test_a_post_adds_its_members_and_a_put_replaces_them_all() -> None:
    body = {"displayName": "Editors", "externalId": "g1", "MEMBERS": [a, b], "id": 5, "meta": 7}
    assert read_group(body, whole=False) == GroupChange("Editors", "g1", add=members(A, B))
    assert read_group(body, whole=True) == GroupChange("Editors", "g1", members=members(A, B))
    assert read_group({"displayName": "Editors"}, whole=True) == GroupChange("Editors", members=members())


@pytest.mark.parametrize("name", [None, ""])
def test_a_put_needs_a_name(name: object) -> None:
    with pytest.raises(InvalidValue):
        read_group({"displayName": name}, whole=True)


@pytest.mark.parametrize(
    "text", ["", "00919288221112222", "{" + str(A) + "}", f"urn:uuid:{A}", A.hex, f"{A} ", f"{A}\n", "٣" * 36]
)
def test_only_an_id_as_we_write_it_is_an_id(text: str) -> None:
    assert resource_id(text) is None


def test_an_id_is_found_in_any_letter_case() -> None:
    assert resource_id(str(A).upper()) == A


PATHS = st.sampled_from(
    ["members", f'members[value eq "{A}"]', "displayName", "id", "x", "", "[", "members[", GROUP_URN]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.just(str(A)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(PATHS | st.sampled_from(["value", "VALUE"]), inner, max_size=3)
    ),
    max_leaves=8,
)
OPERATIONS = st.fixed_dictionaries(
    {}, optional={"op": st.sampled_from(["add", "Remove", "replace", None]), "path": PATHS | VALUES, "value": VALUES}
)


@given(st.lists(OPERATIONS | VALUES, max_size=5))
def test_any_patch_is_a_change_or_a_scim_error(operations: list[Any]) -> None:
    with suppress(ScimError):
        patch(*operations)


@given(VALUES)
def test_any_document_is_a_change_or_a_scim_error(body: object) -> None:
    left_out(body, GROUP_TYPE)
    for whole in (True, False):
        with suppress(ScimError):
            read_group(body, whole=whole)


def test_two_ids_joined_in_one_value_match_no_member() -> None:
    body = {"displayName": "Editors", "members": [{"value": f"{A},{B}"}, {"value": str(C).upper()}]}
    assert read_group(body, whole=True).members == members(C)

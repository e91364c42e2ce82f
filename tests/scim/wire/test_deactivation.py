"""R23: what says ``active: false`` is seen in every form, whatever else is wrong with the message."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.wire.deactivation import contains_deactivation
from scim.wire.resource_types import user_type

TYPE = user_type("UID")
CORE_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
OFF = {"op": "replace", "path": "active", "value": False}
ON = {"op": "replace", "path": "active", "value": True}


@pytest.mark.parametrize(
    ("body", "inactive"),
    [
        ({"active": False}, True),
        ({"ACTIVE": "False"}, True),
        ({f"{CORE_URN}:active": False}, True),
        ({CORE_URN: {"Active": False}}, True),
        ({"active": False, "userName": 5, "emails": "x", "schemas": 7, "name": "\0"}, True),
        ({"active": True}, False),
        ({"active": 0}, False),
        ({"active": None}, False),
        ({"userName": "active"}, False),
        ({}, False),
        ([], False),
        (None, False),
        ({"Operations": [OFF]}, True),
        ({"operations": [{"OP": "Replace", "Path": "Active", "Value": "False"}]}, True),
        ({"Operations": [{"op": "add", "path": f"{CORE_URN}:active", "value": "false"}]}, True),
        ({"Operations": [{"op": "replace", "value": {"active": False}}]}, True),
        ({"Operations": [{"op": "replace", "value": {CORE_URN: {"active": False}}}]}, True),
        ({"Operations": [{"op": "replace", "path": "active", "value": [{"value": "False"}]}]}, True),
        ({"Operations": [{"op": "replace", "path": "active", "value": [False]}]}, True),
        ({"Operations": [{"op": "replace", "path": "active", "value": {"Value": "False"}}]}, True),
        ({"Operations": [{"op": "replace", "path": "active", "value": {"active": False}}]}, True),
        ({"Operations": [{"op": "replace", "path": "active", "value": {"title": False}}]}, False),
        ({"Operations": OFF}, True),
        # The rest is invalid, before it or after it
        ({"schemas": "x", "Operations": ["x", {"op": 5}, {"op": "remove"}, OFF, {"op": "remove", "path": "["}]}, True),
        # The last word counts
        ({"Operations": [ON, OFF]}, True),
        ({"Operations": [OFF, ON]}, False),
        ({"Operations": [OFF, {"op": "replace", "path": "active", "value": "perhaps"}]}, True),
        ({"Operations": [{"op": "remove", "path": "active", "value": False}]}, False),
        ({"Operations": [{"op": "replace", "path": "title", "value": False}]}, False),
        ({"Operations": [{"op": "replace", "value": {"title": {"active": False}}}]}, False),
        ({"Operations": {}, "active": False}, True),
    ],
)
def test_a_message_deactivates_or_does_not(body: Any, inactive: bool) -> None:
    assert contains_deactivation(body, TYPE) is inactive


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["active", "Operations", "op", "path", "value", CORE_URN]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_the_search_for_active_false_never_fails(body: Any) -> None:
    assert contains_deactivation(body, TYPE) in (True, False)

"""The meaning of a User message, as a table: one line for each leniency, with the client that needs it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_identity.values import Person
from scim.wire.document import left_out
from scim.wire.errors import InvalidSyntax, InvalidValue, ScimError
from scim.wire.user import UserWire

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WIRE = UserWire("UID")
NAMELESS = {"name.formatted": None, "name.middleName": None, "name.honorificPrefix": None, "name.honorificSuffix": None}


@pytest.mark.parametrize(
    ("body", "person"),
    [
        ({}, Person()),
        ({"userName": "jane"}, Person(user_name="jane")),
        ({"USERNAME": "jane"}, Person(user_name="jane")),
        ({"urn:ietf:params:scim:schemas:core:2.0:User:userName": "jane"}, Person(user_name="jane")),
        ({"urn:ietf:params:scim:schemas:core:2.0:User": {"userName": "jane"}}, Person(user_name="jane")),
        ({"externalId": "00u1"}, Person(external_id="00u1")),
        ({"externalId": None}, Person(external_id="")),  # said to be empty: kept all the same (R6)
        ({"active": False}, Person(active=False)),
        ({"active": "False"}, Person(active=False)),  # Entra
        ({"active": "true"}, Person(active=True)),
        ({"active": None}, Person()),
        ({"title": ""}, Person(title="")),  # Okta pushes empty strings: said to be empty
        ({"title": None}, Person(title="")),
        (
            {"name": {"givenName": "Jane", "familyName": "Doe", "formatted": "Jane Doe"}},
            Person(given_name="Jane", family_name="Doe", attributes={**NAMELESS, "name.formatted": "Jane Doe"}),
        ),
        ({"name": {"givenName": None}}, Person(given_name="", attributes=NAMELESS)),
        # The UID attribute: in any letter case, in the extension or flattened, whatever schemas says
        ({ENTERPRISE: {"UID": "jane.doe"}}, Person(uid="jane.doe")),
        ({ENTERPRISE: {"uid": "jane.doe"}}, Person(uid="jane.doe")),
        ({ENTERPRISE.upper(): {"Uid": "jane.doe"}}, Person(uid="jane.doe")),
        ({f"{ENTERPRISE}:UID": "jane.doe"}, Person(uid="jane.doe")),
        ({f"{ENTERPRISE}:uid": "jane.doe", "schemas": [ENTERPRISE]}, Person(uid="jane.doe")),
        ({ENTERPRISE: {"UID": None}}, Person(uid="")),
        ({ENTERPRISE: None}, Person()),
        ({"UID": "jane.doe"}, Person()),  # not in the extension: another attribute
        (
            {ENTERPRISE: {"department": "Press", "organization": "Acme", "costCenter": "7"}},
            Person(department="Press", organization="Acme", attributes={f"{ENTERPRISE}:costCenter": "7"}),
        ),
        # Whole numbers are their digits (custom attributes of Okta)
        (
            {
                "userName": 5,
                "title": 0,
                "externalId": -1,
                "emails": [{"value": 5}],
                "phoneNumbers": [{"value": 4930123456, "display": 7}],
                ENTERPRISE: {"UID": 10**20, "manager": {"value": 8}, "employeeNumber": 42},
            },
            Person(
                user_name="5",
                title="0",
                external_id="-1",
                email="5",
                uid="100000000000000000000",
                attributes={
                    "emails": [{"value": "5"}],
                    "phoneNumbers": [{"value": "4930123456", "display": "7"}],
                    f"{ENTERPRISE}:manager": {"value": "8"},
                    f"{ENTERPRISE}:employeeNumber": "42",
                },
            ),
        ),
        # The manager may be a bare string (Entra), and without its URN
        ({"manager": "boss"}, Person(attributes={f"{ENTERPRISE}:manager": {"value": "boss"}})),
        ({ENTERPRISE: {"manager": "boss"}}, Person(attributes={f"{ENTERPRISE}:manager": {"value": "boss"}})),
        (
            {ENTERPRISE: {"manager": {"value": "boss", "displayName": [5], "$ref": None}}},
            Person(attributes={f"{ENTERPRISE}:manager": {"value": "boss"}}),
        ),
        # Emails: the primary, else work, else the first; kept with the main one first
        (
            {"emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "primary": "True"}]},
            Person(
                email="b@x",
                attributes={"emails": [{"value": "b@x", "primary": True}, {"value": "a@x", "type": "work"}]},
            ),
        ),
        (
            {"emails": [{"value": "a@x", "type": "home"}, {"value": " b@x ", "type": "Work"}]},
            Person(
                email="b@x",
                attributes={"emails": [{"value": "b@x", "type": "Work"}, {"value": "a@x", "type": "home"}]},
            ),
        ),
        ({"emails": [{"value": "a@x"}]}, Person(email="a@x", attributes={"emails": [{"value": "a@x"}]})),
        ({"emails": ["a@x"]}, Person(email="a@x", attributes={"emails": [{"value": "a@x"}]})),
        ({"emails": {"value": "a@x"}}, Person(email="a@x", attributes={"emails": [{"value": "a@x"}]})),  # OneLogin
        ({"emails": [{"value": None}, {"value": ""}]}, Person(email="", attributes={"emails": None})),
        ({"emails": []}, Person(email="", attributes={"emails": None})),
        # One is primary at most (RFC 7643 section 2.4): the first that says so
        (
            {"ims": [{"value": "a"}, {"value": "b", "primary": True}, {"value": "c", "primary": "true"}]},
            Person(
                attributes={"ims": [{"value": "a"}, {"value": "b", "primary": True}, {"value": "c", "primary": False}]}
            ),
        ),
        # Others: kept under their canonical names, cleared by null and by an empty string
        (
            {"PHONENUMBERS": [{"VALUE": "1", "Type": "work", "x": 1}]},
            Person(attributes={"phoneNumbers": [{"value": "1", "type": "work"}]}),
        ),
        ({"locale": None, "nickName": ""}, Person(attributes={"locale": None, "nickName": None})),
        # Ignored without a look: read-only, unknown, and the password, which goes nowhere
        (
            {
                "userName": "jane",
                "id": {"odd": 1},
                "meta": "Thu Jan 01 1970",
                "groups": [{"display": 5}, "x"],
                "password": "Tr0ub4dor&3",
                "urn:core-identity:params:scim:schemas:extension:1.0:User": {"username": "evil", "expired": False},
                "urn:example:params:scim:schemas:extension:1.0:User": {"x": 1},
                "shoeSize": 44,
            },
            Person(user_name="jane"),
        ),
    ],
)
def test_a_message_is_read_as_this_person(body: dict[str, Any], person: Person) -> None:
    assert WIRE.read_new(body) == person


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"userName": 5.0}, "userName"),
        ({"userName": True}, "userName"),
        ({"userName": 10**1_024}, "userName"),
        ({"userName": ["a", "b"]}, "userName"),
        ({"userName": "a\0b"}, "userName"),
        ({"userName": "\ud800"}, "userName"),
        ({"externalId": {}}, "externalId"),
        ({"active": "yes"}, "active"),
        ({"active": 1}, "active"),
        ({"name": "Jane Doe"}, "name"),
        ({"name": {"givenName": ["Jane"], "familyName": True}}, "name.familyName"),
        ({"emails": "x"}, None),
        ({"emails": [5]}, "emails"),
        ({"emails": [False]}, "emails"),
        ({"emails": [{"value": 5.5}]}, "emails.value"),
        ({"emails": [{"value": "x", "primary": "maybe"}]}, "emails.primary"),
        ({"title": "x" * 1_025}, "title"),
        ({"phoneNumbers": [{"value": str(number)} for number in range(201)]}, "phoneNumbers"),
        ({ENTERPRISE: "UID"}, ENTERPRISE),
        ({ENTERPRISE: {"UID": 7.5}}, f"{ENTERPRISE}:UID"),
        ({f"{ENTERPRISE}:employeeNumber": False}, f"{ENTERPRISE}:employeeNumber"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(body: dict[str, Any], named: str | None) -> None:
    if named is None:
        assert WIRE.read_new(body).email == "x"
        return
    with pytest.raises(InvalidValue) as error:
        WIRE.read_new(body)
    assert error.value.detail.startswith(f"{named} ")


@pytest.mark.parametrize("schemas", ["urn:x", [5], {}, 7, ["urn:x"], [GROUP]])
def test_schemas_must_be_a_list_of_urns_and_name_one_of_the_resource(schemas: object) -> None:
    with pytest.raises(InvalidSyntax):
        WIRE.read_new({"schemas": schemas, "userName": "jane"})


def test_a_put_clears_omitted_attributes_that_core_only_stores() -> None:
    kept = ("nickName", "locale", "name.formatted", "emails", f"{ENTERPRISE}:costCenter")
    assert WIRE.read_whole({"userName": "jane", "locale": "de"}, kept) == Person(
        user_name="jane",
        attributes={"nickName": None, "name.formatted": None, f"{ENTERPRISE}:costCenter": None, "locale": "de"},
    )


@pytest.mark.parametrize("body", [{}, {"userName": None}, {"userName": ""}])
def test_a_put_needs_a_user_name(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        WIRE.read_whole(body)


def test_a_uid_attribute_may_take_the_name_of_one_of_the_extension() -> None:
    wire = UserWire("employeeNumber")
    assert wire.read_new({ENTERPRISE: {"EMPLOYEENUMBER": "7"}}) == Person(uid="7")
    names = [one.name for one in wire.resource_type.extensions[0].attributes]
    assert names.count("employeeNumber") == 1


NAMES = st.sampled_from(
    [
        "userName",
        "USERNAME",
        "active",
        "name",
        "emails",
        "externalId",
        "id",
        "meta",
        "schemas",
        "password",
        "groups",
        "addresses",
        ENTERPRISE,
        f"{ENTERPRISE}:UID",
        ENTERPRISE.upper(),
        "x509Certificates",
        "displayName",
        "",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["True", "\0", "\ud800", "x" * 2_000]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["value", "type", "primary", "UID", "givenName", "x", ""]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_document_is_a_person_or_a_scim_error(body: dict[str, Any]) -> None:
    left_out(body, WIRE.resource_type)
    for read in (WIRE.read_new, WIRE.read_whole):
        try:
            read(body)
        except ScimError as error:
            str(error.to_dict()).encode()

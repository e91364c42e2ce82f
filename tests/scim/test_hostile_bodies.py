"""Bodies that nobody thought of, at every address that takes one: never a 5xx, and nothing of a refused one is kept."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scim.conftest import ENTERPRISE, Scim, error
from tests.support.nightly import examples
from tests.support.snapshot import changes, snapshot

USER = "urn:ietf:params:scim:schemas:core:2.0:User"

TEXTS = st.text(max_size=8) | st.sampled_from(
    (
        *("jane.doe@acme.test", "x", "", "False", "True", "add", "Remove", "replace", "members", "emails", "active"),
        *(USER, ENTERPRISE, 'emails[type eq "work"].value', "name.givenName", "\x00", "\ud800", "é" * 300),
        *("{user}", "{group}"),
    )
)
NAMES = st.sampled_from(
    (
        *("userName", "USERNAME", "externalId", "active", "name", "givenName", "emails", "value", "type", "primary"),
        *("schemas", "id", "meta", "Operations", "op", "path", "members", "displayName", "filter", "count", "title"),
        *(ENTERPRISE, "UID", "manager", "$ref", f"{ENTERPRISE}:UID", "password", "groups", "attributes"),
        'phoneNumbers[type eq "x"].value',
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXTS | st.integers() | st.floats() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
MESSAGES = VALUES | st.fixed_dictionaries(
    {
        "Operations": st.lists(
            st.fixed_dictionaries({"op": TEXTS, "value": VALUES}, optional={"path": TEXTS}), max_size=3
        )
    }
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """JSON as no encoder writes it: cut off, with foreign bytes in it, wrapped, or said twice."""
    content = json.dumps(draw(MESSAGES)).encode()
    at = draw(st.integers(0, len(content)))
    match draw(st.sampled_from(["whole", "whole", "whole", "cut", "dirt", "deep", "bom", "utf-16"])):
        case "cut":
            return content[:at]
        case "dirt":
            return content[:at] + draw(st.binary(max_size=3)) + content[at:]
        case "deep":
            return b'{"name":' * at + content + b"}" * at
        case "bom":
            return b"\xef\xbb\xbf" + content
        case "utf-16":
            return content.decode().encode("utf-16")
    return content


@pytest.fixture
def ids(okta: Scim) -> dict[str, str]:
    """The ids of a person, and of a group with the person in it."""
    user = okta.make(externalId="00u1")["id"]
    response = okta.post("/Groups", {"displayName": "Editors", "members": [{"value": user}]})
    return {"user": user, "group": response.json()["id"]}


@settings(max_examples=examples(60, 1_000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.sampled_from(
        [f"{verb} {path}" for verb, path in (("POST", "/Users"), ("PUT", "/Users/{user}"), ("PATCH", "/Users/{user}"))]
        + [
            f"{verb} {path}"
            for verb, path in (("POST", "/Groups"), ("PUT", "/Groups/{group}"), ("PATCH", "/Groups/{group}"))
        ]
        + [f"POST {path}/.search" for path in ("/Users", "/Groups")]
    ),
    body=bodies(),
    content_type=st.sampled_from(["application/scim+json", "application/json; charset=latin-1", "text/plain", ""]),
)
def test_no_body_breaks_the_service_and_a_refused_one_changes_nothing(
    okta: Scim, ids: dict[str, str], line: str, body: bytes, content_type: str
) -> None:
    method, _, path = line.partition(" ")
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
        body = body.replace(b"{" + name.encode() + b"}", value.encode())
    before = snapshot()
    response = okta.send(method, path, body, **{"Content-Type": content_type})
    assert response.status_code < 500, response.content
    if response.status_code >= 400:
        error(response, response.status_code, response.json().get("scimType"))
        assert changes(before, snapshot()) == {}
    assert okta.get("/Users?count=1").status_code == 200

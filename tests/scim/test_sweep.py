"""Every attribute of /Schemas in sort, selection, filter operator: answered or refused in words, and never a 500."""

import contextlib
from collections.abc import Iterator
from typing import Any

from core_identity.models import Identity, PushGroup
from scim.search.query import group_condition, user_condition
from scim.wire.errors import ScimError
from tests.scim.conftest import Scim, person

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
TEXT_TERMS = tuple(f'{name} "a"' for name in ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"))
TERMS = ("pr", *TEXT_TERMS, "eq true", "gt true", "eq 7", "ne null")
MUST_SORT = {
    "Users": ("groups", "groups.value", "groups.display", "emails", "userName"),
    "Groups": ("members", "members.value", "displayName"),
}


def paths(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Yield each path with the attribute before a selector, and a value for the selector."""
    for attribute in schema["attributes"]:
        yield prefix + attribute["name"], "", ""
        for sub in attribute.get("subAttributes", ()):
            yield f"{prefix}{attribute['name']}.{sub['name']}", prefix + attribute["name"], sub["name"]


def test_every_advertised_attribute_is_answered_or_refused_in_every_place(okta: Scim) -> None:
    schemas = {one["id"]: one for one in okta.get("/Schemas").json()["Resources"]}
    types = okta.get("/ResourceTypes").json()["Resources"]
    jane, zoe = (okta.post("/Users", person(f"{name}@acme.test")).json()["id"] for name in ("jane", "zoe"))
    for name, member in (("B", jane), ("A", zoe), ("C", jane)):
        okta.post("/Groups", {"schemas": [], "displayName": name, "members": [{"value": member}]})
    swept = 0
    for one in types:
        endpoint = one["endpoint"].strip("/")
        rows, condition = (
            (Identity.objects, user_condition) if endpoint == "Users" else (PushGroup.objects, group_condition)
        )
        known = list(paths(schemas[one["schema"]], ""))
        for extension in one.get("schemaExtensions", ()):
            known += paths(schemas[extension["schema"]], f"{extension['schema']}:")
        for path, whole, sub in known:
            query = {"sortBy": path, "attributes": path, "sortOrder": "descending"}
            answers = [okta.get(f"/{endpoint}", **query)]
            if path in MUST_SORT[endpoint]:
                body = {"schemas": [SEARCH], "sortBy": path, "excludedAttributes": [path]}
                answers.append(okta.post(f"/{endpoint}/.search", body))
            for answer in answers:
                assert answer.status_code in ({200} if path in MUST_SORT[endpoint] else {200, 400}), path
            for term in TERMS:
                for text in (f"{path} {term}", f"{whole}[not ({sub} {term})]" if whole else f"not ({path} {term})"):
                    with contextlib.suppress(ScimError):
                        rows.filter(condition(text, okta.connection)).exists()
                        swept += 1
    assert swept > 500
    by_group = okta.get("/Users", sortBy="groups.display", attributes="userName").json()["Resources"]
    assert [user["userName"] for user in by_group] == ["zoe@acme.test", "jane@acme.test"]


def test_a_selector_does_not_find_people_without_a_value(okta: Scim) -> None:
    for name, emails in (("bare", []), ("home", [{"value": "h@acme.test", "type": "home"}])):
        okta.post("/Users", {**person(f"{name}@acme.test"), "emails": emails})
    for selector in (
        'not (type eq "work")',
        'type ne "work"',
        "primary ne true",
        'not (value eq "x")',
    ):
        found = okta.get("/Users", filter=f"emails[{selector}]", attributes="userName").json()
        assert [one["userName"] for one in found["Resources"]] == ["home@acme.test"], selector

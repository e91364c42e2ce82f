"""The documents that Okta sends: whole resources, and in the dialect of the catalogue apps also PATCHes."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from demo.people import DemoPerson

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def new_user(person: DemoPerson) -> dict[str, Any]:
    """The body of the POST. Its password is random and means nothing; Okta sends one all the same."""
    return {
        "schemas": [USER, ENTERPRISE],
        **_managed(person),
        "locale": "en-US",
        "groups": [],
        "password": secrets.token_urlsafe(12),
    }


def updated_user(found: Mapping[str, Any], person: DemoPerson) -> dict[str, Any]:
    """The body of the PUT: all that the GET gave, with what Okta manages written over it."""
    managed = _managed(person)
    extension = found.get(ENTERPRISE)
    if isinstance(extension, dict):
        managed[ENTERPRISE] = extension | managed[ENTERPRISE]
    schemas = [*found.get("schemas", [USER])]
    if ENTERPRISE not in schemas:
        schemas.append(ENTERPRISE)
    return {**found, "schemas": schemas, **managed}


def deactivated_user(found: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the PUT: a pure echo of the GET, but for ``active``."""
    return {**found, "active": False}


def new_group(name: str, members: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The body of the POST. ``members`` are pairs of our id and userName."""
    return {"schemas": [GROUP], "displayName": name, "members": _members(members)}


def updated_group(found: Mapping[str, Any], name: str, members: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The body of the PUT: the whole group with its name and all its members."""
    return {**found, "displayName": name, "members": _members(members)}


def user_patch(person: DemoPerson) -> dict[str, Any]:
    """A changed profile as a PATCH: one operation without a path."""
    return patch({"op": "replace", "value": _managed(person)})


def active_patch(*, active: bool) -> dict[str, Any]:
    """Unassigned, or assigned again."""
    return patch({"op": "replace", "value": {"active": active}})


def group_patch(group_id: str, name: str, members: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A full push: the name comes with every change of members, and both without anybody having changed them."""
    return patch(
        {"op": "replace", "value": {"id": group_id, "displayName": name}},
        {"op": "replace", "path": "members", "value": _members(members)},
    )


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def _managed(person: DemoPerson) -> dict[str, Any]:
    return {
        "userName": person.login,
        "name": {"givenName": person.first_name, "familyName": person.last_name},
        "emails": [{"primary": True, "value": person.email, "type": "work"}],
        "title": person.title,
        "displayName": person.full_name,
        "externalId": person.okta_id,
        "active": True,
        ENTERPRISE: {"UID": person.uid, "department": person.department, "organization": person.organization},
    }


def _members(members: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"value": identifier, "display": user_name} for identifier, user_name in members]

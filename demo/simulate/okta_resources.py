"""The documents that an Okta app made in the App Integration Wizard sends."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from demo.people import DemoPerson

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


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


def updated_group(found: Mapping[str, Any], members: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The body of the PUT: the whole group with all its members."""
    return {**found, "members": _members(members)}


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

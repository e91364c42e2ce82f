"""The documents that Entra sends: ops in Pascal case, booleans as texts, keys that are paths."""

from collections.abc import Sequence
from typing import Any, Final

from demo.people import DemoPerson
from demo.simulate.documents import ENTERPRISE, GROUP, USER, patch

WORK_EMAIL: Final = 'emails[type eq "work"].value'


def new_user(person: DemoPerson) -> dict[str, Any]:
    """The body of the POST. The people have the ids that they have in the demo's Okta, so that both may be tried on one connection."""
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": person.okta_id,
        "userName": person.login,
        "active": True,
        "displayName": person.full_name,
        "emails": [{"primary": True, "type": "work", "value": person.email}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": person.full_name, "familyName": person.last_name, "givenName": person.first_name},
        "title": person.title,
        ENTERPRISE: {"UID": person.uid, "department": person.department, "organization": person.organization},
    }


def user_patch(person: DemoPerson) -> dict[str, Any]:
    """A changed profile: one operation without a path, and one for each attribute that is a part of many values."""
    return patch(
        {
            "op": "Replace",
            "value": {
                "userName": person.login,
                "externalId": person.okta_id,
                "displayName": person.full_name,
                "name.givenName": person.first_name,
                "name.familyName": person.last_name,
                "name.formatted": person.full_name,
                f"{ENTERPRISE}:UID": person.uid,
                f"{ENTERPRISE}:department": person.department,
                f"{ENTERPRISE}:organization": person.organization,
            },
        },
        {"op": "Add", "path": "title", "value": person.title},
        {"op": "Replace", "path": WORK_EMAIL, "value": person.email},
        {"op": "Replace", "path": "active", "value": "True"},
    )


def active_patch(*, active: bool) -> dict[str, Any]:
    return patch({"op": "Replace", "path": "active", "value": str(active)})


def new_group(identifier: str, name: str) -> dict[str, Any]:
    """The body of the POST: members follow by PATCH."""
    return {"schemas": [GROUP], "externalId": identifier, "displayName": name, "meta": {"resourceType": "Group"}}


def name_patch(name: str) -> dict[str, Any]:
    return patch({"op": "Replace", "path": "displayName", "value": name})


def members_patch(op: str, ids: Sequence[str]) -> dict[str, Any]:
    """``op`` is Add or Remove; the value, not a selector, contains the members to remove."""
    return patch({"op": op, "path": "members", "value": [{"$ref": None, "value": one} for one in ids]})

"""The JSON Schema of connection files, so that an editor completes and checks them. The reader itself decides.

Each app registers the keys that it reads, because core_identity does not import the protocol apps.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from core_identity.models.connection import Mark, Reactivation, RolesFrom, UidRule, UnknownGroup
from core_identity.policy.overage import MAX_DAYS
from core_identity.support_contact import LONGEST

Keys = Callable[[], Mapping[str, Any]]

TEXT: Final = {"type": "string", "minLength": 1}
FLAG: Final = {"type": "boolean"}
TEXTS: Final = {"type": "array", "items": TEXT}

_KEYS: Final[dict[str, Keys]] = {}


def register(part: str, keys: Keys) -> None:
    """Add the keys of ``saml`` or ``scim`` that an app reads, each with its schema, in ``AppConfig.ready``."""
    _KEYS[part] = keys


def schema() -> dict[str, Any]:
    """Return the schema, draft 2020-12."""
    role = mapping({"name": TEXT, "aliases": TEXTS}, required=("name",))
    support = {name: {"type": "string", "maxLength": most} for name, most in LONGEST.items()}
    customer = mapping({"name": TEXT, "support": mapping(support)}, required=("name",))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Connections of Core Identity",
        **mapping(
            {
                "roles": {"type": "array", "items": {"anyOf": [TEXT, role]}},
                "customers": {"type": "array", "items": customer},
                "connections": {"type": "array", "items": _connection()},
            }
        ),
    }


def _connection() -> dict[str, Any]:
    uid = {
        "attribute": TEXT,
        "rule": one_of(UidRule.values),
        "mark": one_of(Mark.values),
        "external_id_may_change": FLAG,
        "required_in_scim": FLAG,
    }
    roles = {"grantable": TEXTS, "from": one_of(RolesFrom.values), "overage_days": number(MAX_DAYS)}
    policies = {"unknown_group": one_of(UnknownGroup.values), "reactivation": one_of(Reactivation.values)}
    return mapping(
        {
            "slug": {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"},
            "name": TEXT,
            "customer": TEXT,
            "own_idp": FLAG,
            "sso_creates_users": FLAG,
            "uid": mapping(uid),
            "roles": mapping(roles),
            "saml": mapping(_KEYS["saml"]()),
            "scim": mapping({**policies, **_KEYS["scim"]()}),
        },
        required=("slug",),
    )


def mapping(properties: Mapping[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of a mapping. An unknown key is a fault in the file, so the editor marks it."""
    demanded = {"required": list(required)} if required else {}
    # A key without a value means the same as a key that is left out.
    return {"type": ["object", "null"], "properties": properties, **demanded, "additionalProperties": False}


def one_of(values: Iterable[str]) -> dict[str, Any]:
    return {"enum": [str(value) for value in values]}


def number(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "maximum": most}

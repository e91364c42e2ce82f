"""The JSON Schema of connection files, so that an editor completes and checks them. The reader itself decides."""

from typing import Any, Final

from core_identity.models.connection import Mark, Reactivation, RolesFrom, UidRule, UnknownGroup
from core_identity.policy.overage import MAX_DAYS
from core_identity.support_contact import LONGEST
from scim.models import OAuthClient
from sso.models import SamlSettings
from sso.saml.expectations import MAX_SKEW
from sso.saml.parties import Signed
from sso.settings.section import BINDINGS, NEED_A_KEY

_TEXT: Final = {"type": "string", "minLength": 1}
_FLAG: Final = {"type": "boolean"}
_TEXTS: Final = {"type": "array", "items": _TEXT}


def schema() -> dict[str, Any]:
    """Return the schema, draft 2020-12."""
    role = _mapping({"name": _TEXT, "aliases": _TEXTS}, required=("name",))
    support = {name: {"type": "string", "maxLength": most} for name, most in LONGEST.items()}
    customer = _mapping({"name": _TEXT, "support": _mapping(support)}, required=("name",))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Connections of Core Identity",
        **_mapping(
            {
                "roles": {"type": "array", "items": {"anyOf": [_TEXT, role]}},
                "customers": {"type": "array", "items": customer},
                "connections": {"type": "array", "items": _connection()},
            }
        ),
    }


def _connection() -> dict[str, Any]:
    uid = {
        "attribute": _TEXT,
        "rule": _one_of(UidRule.values),
        "mark": _one_of(Mark.values),
        "external_id_may_change": _FLAG,
        "required_in_scim": _FLAG,
    }
    roles = {"grantable": _TEXTS, "from": _one_of(RolesFrom.values), "overage_days": _number(MAX_DAYS)}
    scim = {
        "unknown_group": _one_of(UnknownGroup.values),
        "reactivation": _one_of(Reactivation.values),
        "redirect_uris": _TEXTS,
        "grants": {"type": "array", "minItems": 1, "items": _one_of(OAuthClient.GRANTS)},
    }
    return _mapping(
        {
            "slug": {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"},
            "name": _TEXT,
            "customer": _TEXT,
            "own_idp": _FLAG,
            "sso_creates_users": _FLAG,
            "uid": _mapping(uid),
            "roles": _mapping(roles),
            "saml": _saml(),
            "scim": _mapping(scim),
        },
        required=("slug",),
    )


def _saml() -> dict[str, Any]:
    domain = {"anyOf": [_TEXT, _mapping({"domain": _TEXT, "verified": _FLAG}, required=("domain",))]}
    attributes: dict[str, Any] = {name: {"type": "string"} for name in SamlSettings.ATTRIBUTES}
    return _mapping(
        {
            "idp_metadata": _TEXT,
            "entity_id": _TEXT,
            **{name: {"type": "string"} for name in SamlSettings.PLACES},
            "certificates": {"type": "array", "minItems": 1, "items": _TEXT},
            "sso_binding": _one_of(BINDINGS),
            "slo_binding": _one_of(BINDINGS),
            "idp_initiated": _FLAG,
            "signed": _one_of(Signed),
            "attributes": _mapping(attributes),
            **dict.fromkeys((*NEED_A_KEY, "force_authn"), _FLAG),
            "authn_context": {"type": "string"},
            "name_id_format": _TEXT,
            "clock_skew": _number(int(MAX_SKEW.total_seconds())),
            "email_domains": {"type": "array", "items": domain},
        }
    )


def _mapping(properties: dict[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """An unknown key is a fault in the file, so the editor marks it."""
    demanded = {"required": list(required)} if required else {}
    # A key without a value means the same as a key that is left out.
    return {"type": ["object", "null"], "properties": properties, **demanded, "additionalProperties": False}


def _one_of(values: Any) -> dict[str, Any]:
    return {"enum": [str(value) for value in values]}


def _number(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "maximum": most}

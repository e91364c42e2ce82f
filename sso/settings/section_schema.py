"""The key ``saml`` of a connection file, described for editors. `sso.settings.section` reads it."""

from typing import Any

from core_identity.connection_schema import FLAG, TEXT, mapping, number, one_of
from sso.models import SamlSettings
from sso.saml.expectations import MAX_SKEW
from sso.saml.parties import Signed
from sso.settings.section import BINDINGS, NEED_A_KEY


def keys() -> dict[str, Any]:
    """Return each key of ``saml`` with its JSON Schema."""
    domain = {"anyOf": [TEXT, mapping({"domain": TEXT, "verified": FLAG}, required=("domain",))]}
    return {
        "idp_metadata": TEXT,
        "entity_id": TEXT,
        **{name: {"type": "string"} for name in SamlSettings.PLACES},
        "certificates": {"type": "array", "minItems": 1, "items": TEXT},
        "sso_binding": one_of(BINDINGS),
        "slo_binding": one_of(BINDINGS),
        "idp_initiated": FLAG,
        "signed": one_of(Signed),
        "attributes": mapping({name: {"type": "string"} for name in SamlSettings.ATTRIBUTES}),
        **dict.fromkeys((*NEED_A_KEY, "force_authn"), FLAG),
        "authn_context": {"type": "string"},
        "name_id_format": TEXT,
        "clock_skew": number(int(MAX_SKEW.total_seconds())),
        "email_domains": {"type": "array", "items": domain},
    }

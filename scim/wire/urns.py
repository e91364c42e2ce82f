"""The names of schemas and messages (RFC 7643 section 10.3, RFC 7644 section 8.2), and their older spellings."""

from collections.abc import Mapping
from typing import Final

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE_USER: Final = "urn:core-identity:params:scim:schemas:extension:1.0:User"
"""Our own read-only extension: the values of CORE about a person, beside those of the IdP (R19)."""

SERVICE_PROVIDER_CONFIG: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE: Final = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Schema"

ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
BULK_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
SEARCH_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

_BARE_CORE: Final = tuple(f"{start}scim:schemas:core:{n}.0" for start in ("urn:", "urn:ietf:params:") for n in (2, 1))
"""A core schema without its resource type, which the address already contains.

OneLogin sends 1.0 or 2.0, Google sends both. SCIM 1.1 also sends them in the messages of Bulk.
"""
_BARE_ENTERPRISE: Final = tuple(one.replace("core", "extension:enterprise") for one in _BARE_CORE)
"""OneLogin sends 2.0, Google sends 1.0 and 2.0; some clients only omit the resource type."""

OLDER: Final[Mapping[str, tuple[str, ...]]] = {
    USER: (*(f"{one}:User" for one in _BARE_CORE if f"{one}:User" != USER), *_BARE_CORE),
    GROUP: (*(f"{one}:Group" for one in _BARE_CORE if f"{one}:Group" != GROUP), *_BARE_CORE),
    ENTERPRISE_USER: (
        *(f"{one}:User" for one in _BARE_ENTERPRISE if f"{one}:User" != ENTERPRISE_USER),
        *_BARE_ENTERPRISE,
    ),
}
"""Each schema with its older and shortened spellings, the longer ones first. Those with a type are from drafts of SCIM 2.0 (OSIAM)."""


def names_message(schemas: object, message: str) -> bool:
    """Whether the ``schemas`` of a body contain this message, also in the spelling of a draft, or as a bare core schema."""
    name = message.rpartition(":")[2]
    accepted = (message, f"urn:scim:api:messages:2.0:{name}", f"urn:scim:schemas:core:2.0:{name}", *_BARE_CORE)
    return isinstance(schemas, list) and not {str(one).lower() for one in schemas}.isdisjoint(
        one.lower() for one in accepted
    )

"""The discovery documents (RFC 7643 sections 5 to 7). Every flag is true only for a feature that the service has."""

from typing import Any

from core_identity.brand import BRAND
from scim.wire import urns
from scim.wire.attributes import ResourceType
from scim.wire.bulk import MAX_OPERATIONS, MAX_PAYLOAD
from scim.wire.list_response import CURSOR_SECONDS, MAX_COUNT


def service_provider_config(base: str) -> dict[str, Any]:
    return {
        "schemas": [urns.SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_PAYLOAD},
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": MAX_COUNT,
            "maxPageSize": MAX_COUNT,
            "cursorTimeout": CURSOR_SECONDS,
        },
        "authenticationSchemes": [
            {
                "type": "oauth2",
                "name": "OAuth 2.0",
                "description": "An access token of this connection's OAuth client, with the scope scim.",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6749",
                "primary": True,
            },
            {
                "type": "oauthbearertoken",
                "name": "Long-lived bearer token",
                "description": f"A fixed token of this connection, created by an administrator of {BRAND}.",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": False,
            },
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def service_document(base: str) -> dict[str, Any]:
    """Return the document at the base URL: a description, and the addresses to read next."""
    return {
        "name": f"SCIM 2.0 service of {BRAND}",
        "description": "This is the base URL of a SCIM 2.0 service (RFC 7643 and RFC 7644). "
        "Enter it in the provisioning settings of the identity provider.",
        "links": {
            name: f"{base}/{name}" for name in ("ServiceProviderConfig", "ResourceTypes", "Schemas", "Users", "Groups")
        },
    }


def resource_type_document(resource_type: ResourceType, base: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schemas": [urns.RESOURCE_TYPE],
        "id": resource_type.name,
        "name": resource_type.name,
        "description": resource_type.core.description,
        "endpoint": resource_type.endpoint,
        "schema": resource_type.core.urn,
        "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{resource_type.name}"},
    }
    if resource_type.extensions:
        document["schemaExtensions"] = [
            {"schema": one.urn, "required": any(attribute.required for attribute in one.attributes)}
            for one in resource_type.extensions
        ]
    return document

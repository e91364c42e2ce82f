"""The discovery documents of the service (RFC 7644 section 4).

They contain the connection's own UID attribute, so they need a token.
"""

from rest_framework.request import Request
from rest_framework.response import Response

from scim.views.base import ScimView
from scim.wire.attributes import ResourceType, Schema
from scim.wire.discovery import resource_type_document, service_document, service_provider_config
from scim.wire.errors import Forbidden, NotFound
from scim.wire.list_response import MAX_COUNT, Page, list_response
from scim.wire.resource_types import GROUP_TYPE, user_type


class DiscoveryView(ScimView):
    @property
    def resource_types(self) -> list[ResourceType]:
        connection = self.connection
        return [user_type(connection.uid_attribute, uid_required=connection.uid_required_in_scim), GROUP_TYPE]

    @property
    def schemas(self) -> list[Schema]:
        return [schema for one in self.resource_types for schema in (one.core, *one.extensions)]

    def all_of(self, request: Request, documents: list[dict[str, object]]) -> Response:
        """Answer the whole list. It has no pages and cannot be filtered (section 4)."""
        if "filter" in request.query_params:
            raise Forbidden("Discovery documents cannot be filtered.")
        return Response(list_response(len(documents), Page(1, MAX_COUNT), documents))


class ServiceRoot(DiscoveryView):
    """The base URL. People open it, and some clients call it, to see whether the service is there."""

    def get(self, request: Request, slug: str) -> Response:
        if "filter" in request.query_params:
            raise Forbidden("The base URL cannot be filtered. Search /Users or /Groups, or send a POST to /.search.")
        return Response(service_document(self.address.base))


class ServiceProviderConfig(DiscoveryView):
    def get(self, request: Request, slug: str) -> Response:
        if "filter" in request.query_params:
            raise Forbidden("Discovery documents cannot be filtered.")
        return Response(service_provider_config(self.address.base))


class ResourceTypes(DiscoveryView):
    def get(self, request: Request, slug: str) -> Response:
        return self.all_of(request, [resource_type_document(one, self.address.base) for one in self.resource_types])


class OneResourceType(DiscoveryView):
    def get(self, request: Request, slug: str, name: str) -> Response:
        for one in self.resource_types:
            if one.name == name:
                return Response(resource_type_document(one, self.address.base))
        raise NotFound(f"There is no resource type {name!r}.")


class Schemas(DiscoveryView):
    def get(self, request: Request, slug: str) -> Response:
        return self.all_of(request, [schema.to_dict(self.address.base) for schema in self.schemas])


class OneSchema(DiscoveryView):
    def get(self, request: Request, slug: str, urn: str) -> Response:
        for schema in self.schemas:
            if schema.urn.lower() == urn.lower():
                return Response(schema.to_dict(self.address.base))
        raise NotFound(f"There is no schema {urn!r}.")

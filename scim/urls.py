"""Every address of the app, each with the credential that opens it."""

from typing import Any

from django.urls import path, re_path
from rest_framework.views import APIView

from core_identity.credentials import credential
from scim import portal
from scim.connections import AUTHORIZE_PATH, TOKEN_PATH
from scim.views import bulk, consent, discovery, groups, metadata, oauth, root, users
from scim.views.base import NothingHere


def _scim(view: type[APIView]) -> Any:
    return credential("bearer")(view.as_view())


_BASE = "scim/<str:slug>/v2"

urlpatterns = [
    # `scim.addresses` gives each request the slashes of these patterns. The most frequent ones come first.
    path(f"{_BASE}/Users", _scim(users.Users), name="scim-users"),
    path(f"{_BASE}/Users/.search", _scim(users.SearchUsers), name="scim-search-users"),
    path(f"{_BASE}/Users/<str:resource>", _scim(users.OneUser), name="scim-user"),
    path(AUTHORIZE_PATH, consent.authorize, name="oauth-authorize"),
    path("set-up/credentials", portal.credentials, name="portal-credentials"),
    path(TOKEN_PATH, oauth.token, name="oauth-token"),
    path("oauth/revoke_token/", oauth.revoke_token, name="oauth-revoke-token"),
    path("oauth/introspect/", oauth.introspect, name="oauth-introspect"),
    path(_BASE, _scim(discovery.ServiceRoot), name="scim-root"),
    path(".well-known/oauth-authorization-server", metadata.authorization_server, name="oauth-metadata"),
    path(
        ".well-known/oauth-protected-resource/scim/<slug:slug>/v2",
        metadata.protected_resource,
        name="oauth-resource-metadata",
    ),
    path(f"{_BASE}/Groups", _scim(groups.Groups), name="scim-groups"),
    path(f"{_BASE}/Groups/.search", _scim(groups.SearchGroups), name="scim-search-groups"),
    path(f"{_BASE}/Groups/<str:resource>", _scim(groups.OneGroup), name="scim-group"),
    path(f"{_BASE}/.search", _scim(root.SearchAll), name="scim-search"),
    path(f"{_BASE}/Bulk", _scim(bulk.Bulk), name="scim-bulk"),
    path(f"{_BASE}/Me", _scim(root.Me), name="scim-me"),
    path(f"{_BASE}/ServiceProviderConfig", _scim(discovery.ServiceProviderConfig), name="scim-config"),
    path(f"{_BASE}/ResourceTypes", _scim(discovery.ResourceTypes), name="scim-resource-types"),
    path(f"{_BASE}/ResourceTypes/<str:name>", _scim(discovery.OneResourceType), name="scim-resource-type"),
    path(f"{_BASE}/Schemas", _scim(discovery.Schemas), name="scim-schemas"),
    path(f"{_BASE}/Schemas/<str:urn>", _scim(discovery.OneSchema), name="scim-schema"),
    # Keep this last: Django's answer to an unknown address is an HTML page, which no SCIM client can read.
    re_path(r"^scim/(?P<slug>[^/]*)(?:/[\s\S]*)?\Z", _scim(NothingHere), name="scim-nothing"),
]

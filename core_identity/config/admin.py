"""The page of a connection: the parts that sso and scim add to that of core_identity (R37)."""

from django.contrib import admin

from core_identity.admin import connections
from core_identity.models import Connection
from scim.admin.pages import SCIM
from sso.admin.pages import SAML


@admin.register(Connection)
class ConnectionAdmin(connections.ConnectionAdmin):
    parts = (SAML, SCIM)
    pages = (*connections.ConnectionAdmin.pages, *SAML.pages, *SCIM.pages)

"""The pages of a connection: those of core_identity, with the parts of sso and scim (R37)."""

from django.contrib import admin

from core_identity.admin import connections
from core_identity.models import Connection
from scim.admin.pages import ScimPart
from sso.admin.pages import SamlPart


@admin.register(Connection)
class ConnectionAdmin(connections.ConnectionAdmin):
    parts = (SamlPart(), ScimPart())
    pages = (*connections.ConnectionAdmin.pages, *SamlPart.pages, *ScimPart.pages)

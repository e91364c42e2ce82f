"""The pages of a connection and of a user: the parts that sso and scim add to those of core_identity (R36, R37)."""

from django.contrib import admin

from core_identity.admin import connections, users
from core_identity.config.looks_page import NeedALookPage
from core_identity.models import Connection, User
from scim.admin.pages import SCIM
from scim.admin.timeline import CALLS
from sso.admin.pages import SAML
from sso.admin.timeline import SIGN_INS


@admin.register(Connection)
class ConnectionAdmin(connections.ConnectionAdmin):
    parts = (SAML, SCIM)
    pages = (*connections.ConnectionAdmin.pages, NeedALookPage, *SAML.pages, *SCIM.pages)


@admin.register(User)
class UserAdmin(users.UserAdmin):
    sources = (SIGN_INS, CALLS, *users.UserAdmin.sources)

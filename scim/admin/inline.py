"""The OAuth client on the page of a connection. It is changed on a page of its own."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core_identity.admin_kit.logs import may_see_connections
from scim.models import OAuthClient


class OAuthClientInline(admin.StackedInline):
    model = OAuthClient
    can_delete = False
    extra = 0
    view_on_site = False
    classes = ("collapse",)
    fields = (
        "client_id",
        "redirect_uris",
        "allows_authorization_code",
        "allows_client_credentials",
        "created",
        "last_used_at",
    )
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_connections(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

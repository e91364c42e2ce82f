"""The SCIM side on the page of a connection. It is changed on a page of its own, which shows a new secret once."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from scim.models import OAuthClient


class OAuthClientInline(admin.StackedInline):
    model = OAuthClient
    can_delete = False
    extra = 0
    view_on_site = False
    fields = ("client_id", "redirect_uris", "allows_authorization_code", "allows_client_credentials", "created")
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see the connection. Nothing here is secret."""
        return request.user.has_perm("core_identity.view_connection") or request.user.has_perm(
            "core_identity.change_connection"
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

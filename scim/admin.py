"""The SCIM side on the page of a connection. Clients are made by ``connection apply`` alone, not by hand."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from scim.models import OAuthClient


class OAuthClientInline(admin.StackedInline):
    model = OAuthClient
    can_delete = False
    extra = 0
    fields = ("client_id", "redirect_uris", "allows_authorization_code", "allows_client_credentials", "created")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

"""The page of a connection, put together from what core_identity, sso and scim know about it (R37)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from core_identity.admin import connections
from core_identity.models import Connection
from core_identity.selectors.pages import number_of_resources
from scim.admin.inline import OAuthClientInline
from scim.admin.pages import SCIM_PAGES
from scim.models import OAuthClient, ProvisioningRecord
from sso.admin.inline import SamlSettingsInline
from sso.admin.pages import SAML_PAGES
from sso.idp_changes import warnings_of
from sso.keys import keys_of
from sso.models import SamlSettings, SignInRecord
from sso.saml.certificates import end_of
from sso.sign_in_log import MOST_COUNTED, SIGNED_IN, refused_lately


@admin.register(Connection)
class ConnectionAdmin(connections.ConnectionAdmin):
    pages = (*connections.ConnectionAdmin.pages, *SAML_PAGES, *SCIM_PAGES)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (SamlSettingsInline, OAuthClientInline) if obj else ()

    def get_queryset(self, request: HttpRequest) -> Any:
        signed_in = SignInRecord.objects.filter(connection_slug=OuterRef("slug"), code=SIGNED_IN, is_test=False)
        return super().get_queryset(request).annotate(signed_in=Subquery(signed_in.order_by("-id").values("at")[:1]))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context.get("original") is not None:
            context.update(self.warnings(context["original"]))
        return super().render_change_form(request, context, *args, **kwargs)

    def overview(self, connection: Connection) -> dict[str, Any]:
        warnings = self.warnings(connection)
        saml = warnings["saml"]
        return {
            **super().overview(connection),
            **warnings,
            "our_keys": keys_of(connection) if saml else [],
            "health": list(health(connection, saml=saml, refused=warnings["refused_lately"])),
        }

    def closed_pages(self, connection: Connection) -> set[str]:
        too_early = (
            set() if SamlSettings.objects.filter(connection=connection).exists() else {"domains", "keys", "test"}
        )
        return super().closed_pages(connection) | too_early

    def warnings(self, connection: Connection) -> dict[str, Any]:
        """Return what an administrator must know before anything else."""
        saml = SamlSettings.objects.filter(connection=connection).first()
        return {
            "saml": saml,
            "refused_lately": refused_lately(connection.slug),
            "trust_warnings": warnings_of(saml, timezone.now()) if saml else [],
            "consent": OAuthClient.objects.select_related("consented_by").filter(connection=connection).first(),
        }


def health(connection: Connection, *, saml: SamlSettings | None, refused: int) -> Iterator[tuple[str, object, str]]:
    """Yield the rows of the health card: name, value, and the address of the list behind it. Cost does not grow with people or logs."""
    sign_ins = f"{reverse('admin:sso_signinrecord_changelist')}?connection={connection.slug}"
    calls = f"{reverse('admin:scim_provisioningrecord_changelist')}?connection={connection.slug}"
    newest = ProvisioningRecord.objects.filter(connection_slug=connection.slug, connection_id=connection.pk)
    call = newest.order_by("-id").first()
    yield "Last sign-in", _when(connection.signed_in), sign_ins  # type: ignore[attr-defined]  # by get_queryset
    yield (
        "Refused sign-ins, 24 h",
        "1000 or more" if refused >= MOST_COUNTED else refused,
        f"{sign_ins}&outcome=refused",
    )
    yield "Last SCIM call", _when(call.at if call else None), calls
    if saml is not None:
        ends = max(end_of(pem) for pem in saml.certificates)
        yield (
            "Signing certificate",
            f"until {ends:%d %b %Y}",
            reverse("admin:core_identity_connection_saml", args=[connection.pk]),
        )
    yield "People pushed by SCIM", number_of_resources(connection), ""
    yield "Changes", "all events", f"{reverse('admin:core_identity_event_changelist')}?subject_id={connection.pk}"


def _when(moment: datetime | None) -> str:
    return f"{timesince(moment)} ago" if moment else "none yet"

"""SAML on the pages of a connection."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone

from core_identity.admin_kit.connection_parts import ConnectionPart, HealthRow, time_ago
from sso.admin.domains import DomainsPage
from sso.admin.inline import SamlSettingsInline
from sso.admin.keys import KeyPage, KeysPage
from sso.admin.metadata import MetadataPage
from sso.admin.settings import SettingsPage
from sso.admin.sign_in_tests import BeginTestPage, TestResultPage
from sso.idp_changes import warnings_of
from sso.keys import keys_of
from sso.models import SamlSettings, SignInRecord
from sso.saml.certificates import end_of
from sso.sign_in_log import MOST_COUNTED, SIGNED_IN, refused_lately

if TYPE_CHECKING:
    from core_identity.models import Connection


class SamlPart(ConnectionPart):
    pages = (SettingsPage, DomainsPage, KeysPage, KeyPage, MetadataPage, BeginTestPage, TestResultPage)
    inline = SamlSettingsInline

    def annotations(self) -> Mapping[str, Any]:
        signed_in = SignInRecord.objects.filter(connection_slug=OuterRef("slug"), code=SIGNED_IN, is_test=False)
        return {"signed_in": Subquery(signed_in.order_by("-id").values("at")[:1])}

    def closed_pages(self, connection: "Connection") -> set[str]:
        is_set_up = SamlSettings.objects.filter(connection=connection).exists()
        return set() if is_set_up else {"domains", "keys", "test"}

    def warnings(self, connection: "Connection") -> Mapping[str, Any]:
        saml = SamlSettings.objects.filter(connection=connection).first()
        return {
            "saml": saml,
            "refused_lately": refused_lately(connection.slug),
            "trust_warnings": warnings_of(saml, timezone.now()) if saml else [],
        }

    def overview(self, connection: "Connection", warnings: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"our_keys": keys_of(connection) if warnings["saml"] else []}

    def health(self, connection: "Connection", warnings: Mapping[str, Any]) -> Iterator[HealthRow]:
        sign_ins = f"{reverse('admin:sso_signinrecord_changelist')}?connection={connection.slug}"
        saml, refused = warnings["saml"], warnings["refused_lately"]
        yield HealthRow("Last sign-in", time_ago(connection.signed_in), sign_ins)  # type: ignore[attr-defined]  # by annotations
        yield HealthRow(
            "Refused sign-ins, 24 h",
            "1000 or more" if refused >= MOST_COUNTED else refused,
            f"{sign_ins}&outcome=refused",
        )
        if saml is not None:
            ends = max(end_of(pem) for pem in saml.certificates)
            settings = reverse("admin:core_identity_connection_saml", args=[connection.pk])
            yield HealthRow("Signing certificate", f"until {ends:%d %b %Y}", settings)

"""SAML on the page of a connection: its pages, its settings, its warnings and its health."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from core_identity.admin_kit.pages import ConnectionPart, HealthRow
from sso.admin.domains import DomainsPage
from sso.admin.inline import SamlSettingsInline
from sso.admin.keys import KeyPage, KeysPage
from sso.admin.metadata import MetadataPage
from sso.admin.proposed import ProposedMetadataPage
from sso.admin.settings import SettingsPage
from sso.admin.sign_in_tests import BeginTestPage, TestResultPage
from sso.models import SignInRecord
from sso.saml.certificates import end_of
from sso.settings.idp_changes import warnings_of
from sso.settings.keys import keys_of
from sso.sign_in.log import MOST_COUNTED, refused_lately
from sso.sign_in.outcomes import SIGNED_IN

if TYPE_CHECKING:
    from core_identity.models import Connection


def facts(connection: "Connection") -> Mapping[str, Any]:
    saml = getattr(connection, "saml", None)
    return {
        "saml": saml,
        "refused_lately": refused_lately(connection.slug),
        "our_keys": keys_of(connection) if saml else [],
        "trust_warnings": warnings_of(saml, timezone.now()) if saml else [],
    }


def health(connection: "Connection", facts: Mapping[str, Any]) -> Iterator[HealthRow]:
    log = f"{reverse('admin:sso_signinrecord_changelist')}?connection={connection.slug}"
    records = SignInRecord.objects.filter(connection_slug=connection.slug, code=SIGNED_IN, is_test=False)
    newest = records.order_by("-id").values_list("at", flat=True).first()
    refused = facts["refused_lately"]
    yield "Last sign-in", f"{timesince(newest)} ago" if newest else "none yet", log
    yield "Refused sign-ins, 24 h", "1000 or more" if refused >= MOST_COUNTED else refused, f"{log}&outcome=refused"
    if facts["saml"] is not None:
        ends = max(end_of(pem) for pem in facts["saml"].certificates)
        settings = reverse("admin:core_identity_connection_saml", args=[connection.pk])
        yield "Signing certificate", f"until {ends:%d %b %Y}", settings


# From the log: to search all identities would take longer the more people there are.
_SIGNED_IN: Final = SignInRecord.objects.filter(connection_slug=OuterRef("slug"), code=SIGNED_IN, is_test=False)

SAML: Final = ConnectionPart(
    pages=(
        SettingsPage,
        DomainsPage,
        KeysPage,
        KeyPage,
        MetadataPage,
        ProposedMetadataPage,
        BeginTestPage,
        TestResultPage,
    ),
    inline=SamlSettingsInline,
    facts=facts,
    columns={"signed_in": Subquery(_SIGNED_IN.order_by("-id").values("at")[:1])},
    related=("saml",),
    health=health,
)

"""SAML on the page of a connection: its pages, its settings, its warnings and its health."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from core_identity.admin_kit.pages import ConnectionPart, HealthRow
from core_identity.templatetags.core_pages import ago, or_more
from sso.admin.domains import DomainsPage
from sso.admin.inline import SamlSettingsInline
from sso.admin.keys import KeyPage, KeysPage
from sso.admin.locked_out import LockedOutPage
from sso.admin.metadata import MetadataPage
from sso.admin.proposed import ProposedMetadataPage
from sso.admin.settings import SettingsPage
from sso.admin.sign_in_tests import BeginTestPage, TestResultPage
from sso.models import SignInRecord
from sso.saml.certificates import end_of
from sso.settings.idp_changes import warnings_of
from sso.settings.keys import keys_of
from sso.sign_in.lockout import lockout_of
from sso.sign_in.log import MOST_COUNTED, refused_lately
from sso.sign_in.outcomes import SIGNED_IN

if TYPE_CHECKING:
    from core_identity.models import Connection


def facts(connection: "Connection") -> Mapping[str, Any]:
    saml = getattr(connection, "saml", None)
    return {
        "saml": saml,
        "refused_lately": refused_lately(connection.slug),
        "lockout": lockout_of(connection.slug) if saml else None,
        "our_keys": keys_of(connection) if saml else [],
        "trust_warnings": warnings_of(saml, timezone.now()) if saml else [],
    }


def health(connection: "Connection", facts: Mapping[str, Any]) -> Iterator[HealthRow]:
    log = f"{reverse('admin:sso_signinrecord_changelist')}?connection={connection.slug}"
    refused, lockout = facts["refused_lately"], facts["lockout"]
    yield "Last sign-in", (ago(lockout.last_sign_in) if lockout else "") or "none yet", log
    yield "Refused sign-ins, 24 h", or_more(refused, MOST_COUNTED), f"{log}&outcome=refused"
    if facts["saml"] is not None:
        ends = max(end_of(pem) for pem in facts["saml"].certificates)
        settings = reverse("admin:core_identity_connection_saml", args=[connection.pk])
        yield "Signing certificate", format_html("ends {}", ago(ends)), settings
    if lockout and lockout.refused:
        page = reverse("admin:core_identity_connection_locked-out", args=[connection.pk])
        yield "Refused, unknown certificate", or_more(lockout.refused, MOST_COUNTED), page


# From the log: to search all identities would take longer the more people there are.
_SIGNED_IN: Final = SignInRecord.objects.filter(connection_slug=OuterRef("slug"), code=SIGNED_IN, is_test=False)

SAML: Final = ConnectionPart(
    pages=(
        SettingsPage,
        DomainsPage,
        KeysPage,
        KeyPage,
        MetadataPage,
        LockedOutPage,
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

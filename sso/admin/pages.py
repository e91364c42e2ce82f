"""SAML on the page of a connection: its pages, its settings, its part of the setup sheet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest
from django.utils import timezone

from core_identity.admin_kit.pages import ConnectionPart
from sso.admin.domains import DomainsPage
from sso.admin.inline import SamlSettingsInline
from sso.admin.keys import KeyPage, KeysPage
from sso.admin.metadata import MetadataPage
from sso.admin.settings import SettingsPage
from sso.admin.sign_in_tests import BeginTestPage, TestResultPage
from sso.connections import urls
from sso.idp_changes import warnings_of
from sso.keys import keys_of
from sso.models import SamlSettings
from sso.sign_in_log import refused_lately
from sso.sign_in_tests import may_test

if TYPE_CHECKING:
    from core_identity.models import Connection


def values(connection: "Connection") -> Mapping[str, Any]:
    return {**urls(connection), "uid_attribute": connection.uid_attribute}


def facts(request: HttpRequest, connection: "Connection") -> Mapping[str, Any]:
    saml = SamlSettings.objects.filter(connection=connection).first()
    return {
        "may_test": may_test(request.user, connection),
        "refused_lately": refused_lately(connection.slug),
        "saml": saml,
        "our_keys": keys_of(connection) if saml else [],
        "trust_warnings": warnings_of(saml, timezone.now()) if saml else [],
    }


SAML: Final = ConnectionPart(
    heading="SAML",
    pages=(SettingsPage, DomainsPage, KeysPage, KeyPage, MetadataPage, BeginTestPage, TestResultPage),
    inline=SamlSettingsInline,
    sheet=(
        ("acs_url", "ACS URL", "Okta: Single sign-on URL"),
        ("entity_id", "Audience", "Okta: Audience URI (SP Entity ID)"),
        ("metadata_url", "Our metadata", "For IdPs that read it"),
        ("login_url", "Sign-in page", "Where people of this connection start"),
        ("logout_url", "Logout URL", "Okta: Single Logout URL"),
        ("uid_attribute", "Attribute of the UID", "An attribute statement of this name"),
    ),
    values=values,
    facts=facts,
)

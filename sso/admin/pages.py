"""The pages of a connection about SAML."""

from typing import Final

from core_identity.admin_kit.pages import ConnectionPage
from sso.admin.domains import DomainsPage
from sso.admin.keys import KeyPage, KeysPage
from sso.admin.metadata import MetadataPage
from sso.admin.proposed import ProposedMetadataPage
from sso.admin.settings import SettingsPage
from sso.admin.sign_in_tests import BeginTestPage, TestResultPage

SAML_PAGES: Final[tuple[type[ConnectionPage], ...]] = (
    SettingsPage,
    DomainsPage,
    KeysPage,
    KeyPage,
    MetadataPage,
    ProposedMetadataPage,
    BeginTestPage,
    TestResultPage,
)

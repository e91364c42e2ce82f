"""The pages of a connection about SCIM and OAuth."""

from typing import Final

from core_identity.admin_kit.pages import ConnectionPage
from scim.admin.credentials import CredentialsPage, RevokePage, SecretPage, TokenPage
from scim.admin.oauth_client import OAuthClientPage, RedirectsPage
from scim.admin.proposed import ProposedTokenPage

SCIM_PAGES: Final[tuple[type[ConnectionPage], ...]] = (
    OAuthClientPage,
    RedirectsPage,
    CredentialsPage,
    RevokePage,
    TokenPage,
    SecretPage,
    ProposedTokenPage,
)

"""Notes for an administrator who imports an IdP's metadata: on the pages, by the command, and by a connection file."""

from typing import Final

from sso.models import SamlSettings
from sso.saml.idp_metadata import IdpMetadata
from sso.saml.signed import Signed, note_for
from sso.settings.keys import keys_of

_WANTS: Final = (
    "The identity provider asks for signed requests (WantAuthnRequestsSigned), and this connection does not sign them. "
    "If it insists, it refuses every sign-in on its own page."
)


def metadata_notes(saml: SamlSettings, read: IdpMetadata) -> list[str]:
    """Return notes about ``read`` for these settings, in sentences. They propose changes and make none."""
    return [*read.notes, *filter(None, [note_for(read.entity_id, Signed(saml.signed)), _signed_requests(saml, read)])]


def _signed_requests(saml: SamlSettings, read: IdpMetadata) -> str:
    """Propose signed requests, with the steps before. Keycloak's metadata asks every service for them, but Keycloak requires them only of some."""
    if not read.wants_signed_requests or saml.sign_requests:
        return ""
    slug, steps = saml.connection.slug, []
    if not keys_of(saml.connection):
        steps.append(f"Make a key, on the page Our SAML keys or by connection saml-keys {slug} make --reason WHY.")
    steps.append(f"Let the identity provider read our metadata, {saml.sp.entity_id}.")
    steps.append("Then set sign_requests (we sign our AuthnRequests) in the SAML settings.")
    return " ".join([_WANTS, *steps])

"""Notes for an administrator who imports an IdP's metadata: on the pages, by the command, and by a connection file."""

import re
from typing import Final

from sso.models import SamlSettings
from sso.saml.idp_metadata import IdpMetadata
from sso.saml.parties import Signed
from sso.settings.keys import keys_of

_WANTS: Final = (
    "The identity provider asks for signed requests (WantAuthnRequestsSigned), and this connection does not sign them. "
    "If it insists, it refuses every sign-in on its own page."
)

_USUAL: Final = (
    (re.compile(r"https://sts\.windows\.net/.+"), "Entra", Signed.ASSERTION),
    (re.compile(r"https?://[^/]+/adfs/services/trust"), "ADFS", Signed.ASSERTION),
    (re.compile(r"https://accounts\.google\.com/o/saml2\?idpid=.+"), "Google", Signed.ASSERTION),
    (re.compile(r"https?://[^/]+/idp/shibboleth"), "Shibboleth", Signed.RESPONSE),
)
"""The usual setting of identity providers, by their entity IDs."""


def metadata_notes(saml: SamlSettings, read: IdpMetadata) -> list[str]:
    """Return notes about ``read`` for these settings, in sentences. They propose changes and make none."""
    return [
        *read.notes,
        *filter(None, [_usual_signatures(read.entity_id, Signed(saml.signed)), _signed_requests(saml, read)]),
    ]


def _usual_signatures(entity_id: str, signed: Signed) -> str:
    """Return a sentence for an administrator who accepts metadata; empty if nothing is known.

    Metadata does not contain which parts an identity provider signs (SAML metadata 2.4.3). So the usual setting is known by its entity ID only.
    """
    for pattern, name, usual in _USUAL:
        if not pattern.fullmatch(entity_id):
            continue
        fits = signed.allows(response=usual.needs_response, assertion=usual.needs_assertion)
        if fits and signed is not Signed.EITHER:
            return ""
        part = "Assertion" if usual is Signed.ASSERTION else "Response"
        return (
            f"Its entity ID is that of {name}, which signs only the {part} unless its administrator changes that. Metadata does not contain it. "
            f"The connection has signed: {signed}. If {name} keeps its usual setting, write signed: {usual} in the SAML settings."
        )
    return ""


def _signed_requests(saml: SamlSettings, read: IdpMetadata) -> str:
    """Propose signed requests, with the steps before. Keycloak's metadata asks every service for them, but Keycloak requires them only of some."""
    if not read.wants_signed_requests or saml.sign_requests:
        return ""
    slug, steps = saml.connection.slug, []
    if not keys_of(saml.connection):
        steps.append(f"Create a key, on the page Our SAML keys or by connection saml-keys {slug} create --reason WHY.")
    steps.append(f"Let the identity provider read our metadata, {saml.sp.entity_id}.")
    steps.append("Then set sign_requests (we sign our AuthnRequests) in the SAML settings.")
    return " ".join([_WANTS, *steps])

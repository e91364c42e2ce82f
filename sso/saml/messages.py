"""What we say: the AuthnRequest, and our metadata. Built as trees, so that nothing in a URL can break out of its place."""

import base64
import secrets
import zlib
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from lxml import etree

from sso.saml.assertion import Idp, Sp
from sso.saml.gate import SAML, SAMLP

MD: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
POST_BINDING: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT_BINDING: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


def new_request_id() -> str:
    """Return an ID that nobody can guess (160 bits). It starts with a letter, as an XML ID must."""
    return f"_{secrets.token_hex(20)}"


def authn_request_url(idp: Idp, sp: Sp, *, request_id: str, relay_state: str, now: datetime) -> str:
    """Return where to send the browser: an AuthnRequest by the Redirect binding (SAML bindings 3.4). ``now`` is aware.

    No RequestedAuthnContext: how somebody proves who they are is the IdP's business, and asking for a password breaks MFA.
    """
    request = etree.Element(
        f"{SAMLP}AuthnRequest",
        {
            "ID": request_id,
            "Version": "2.0",
            "IssueInstant": _instant(now),
            "Destination": idp.sso_url,
            "ProtocolBinding": POST_BINDING,
            "AssertionConsumerServiceURL": sp.acs_url,
        },
        nsmap={"samlp": SAMLP[1:-1], "saml": SAML[1:-1]},
    )
    etree.SubElement(request, f"{SAML}Issuer").text = sp.entity_id
    etree.SubElement(request, f"{SAMLP}NameIDPolicy", {"Format": UNSPECIFIED, "AllowCreate": "true"})
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = compressor.compress(etree.tostring(request)) + compressor.flush()
    query = urlencode({"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": relay_state})
    return f"{idp.sso_url}{'&' if '?' in idp.sso_url else '?'}{query}"


def sp_metadata(sp: Sp, *, now: datetime) -> bytes:
    """Return our metadata for one connection, good for a year; it is made anew at each request."""
    entity = etree.Element(
        f"{MD}EntityDescriptor",
        {"entityID": sp.entity_id, "validUntil": _instant(now + timedelta(days=365))},
        nsmap={"md": MD[1:-1]},
    )
    role = etree.SubElement(
        entity,
        f"{MD}SPSSODescriptor",
        {
            "AuthnRequestsSigned": "false",
            "WantAssertionsSigned": "true",
            "protocolSupportEnumeration": SAMLP[1:-1],
        },
    )
    etree.SubElement(role, f"{MD}NameIDFormat").text = UNSPECIFIED
    etree.SubElement(
        role,
        f"{MD}AssertionConsumerService",
        {"Binding": POST_BINDING, "Location": sp.acs_url, "index": "0", "isDefault": "true"},
    )
    return etree.tostring(entity, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _instant(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

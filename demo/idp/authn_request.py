"""The request of the SP: an AuthnRequest by the Redirect binding (SAML bindings 3.4). Anybody can send one, so nothing in it is believed."""

import base64
import binascii
import re
import zlib
from typing import Any, Final

from lxml import etree

from demo.idp.names import SAML, SAMLP
from demo.idp.parties import Parties

MAX_CHARACTERS: Final = 16 * 1024
MAX_BYTES: Final = 64 * 1024

_XML_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,255}")


class Refused(Exception):
    """The request cannot be answered. The message is a sentence for the browser's page."""


def request_id_of(message: str, parties: Parties) -> str:
    """Return the ID that the answer has to name; raise `Refused` unless the request is of our SP and wants the answer sent there."""
    root = parse(_inflate(message))
    if root.tag != f"{SAMLP}AuthnRequest" or root.get("Version") != "2.0":
        raise Refused("The SAMLRequest is not an AuthnRequest of SAML 2.0.")
    require("AuthnRequest", "Issuer", root.findtext(f"{SAML}Issuer"), parties.sp_entity_id)
    # An answer signed for a stranger's address would be a stolen sign-in.
    require("AuthnRequest", "AssertionConsumerServiceURL", root.get("AssertionConsumerServiceURL"), parties.acs_url)
    require("AuthnRequest", "Destination", root.get("Destination", parties.sso_url), parties.sso_url)
    request_id = root.get("ID", "")
    if not _XML_ID.fullmatch(request_id):
        raise Refused("The AuthnRequest has no usable ID.")
    return request_id


def _inflate(message: str) -> bytes:
    if len(message) > MAX_CHARACTERS:
        raise Refused("The SAMLRequest is too large.")
    try:
        compressed = base64.b64decode(message, validate=True)
        # Bounded: a few kB can hold gigabytes of zeros.
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        xml = inflater.decompress(compressed, MAX_BYTES)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise Refused("The SAMLRequest is not deflated and base64-encoded XML.") from error
    if not inflater.eof:
        raise Refused("The SAMLRequest is too large, or cut off.")
    return xml


def parse(xml: bytes) -> etree._Element:
    """Return the root of a message of SAML; raise `Refused` unless it is XML, and has no document type declaration."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused("The message is not XML.") from error
    document: Any = root.getroottree().docinfo
    if document.doctype:
        raise Refused("The message has a document type declaration; SAML forbids that.")
    return root


def require(message: str, name: str, received: str | None, expected: str) -> None:
    """Raise `Refused` unless a message contains the expected values."""
    if received != expected:
        raise Refused(f"The {name} of the {message} is {received or 'missing'}; this IdP serves only {expected}.")

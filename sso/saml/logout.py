"""Verify logout messages, and check their claims one by one (SAML core 2.0, 3.7).

A message by POST has a signature inside; one by Redirect has a signature over the query as received (bindings 3.4.4.1).
"""

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from lxml import etree

from sso.saml import gate
from sso.saml.certificates import fingerprint
from sso.saml.claims import SUCCESS
from sso.saml.expectations import Expected, check_age, check_id, only, plain, same, shown, time_of
from sso.saml.gate import SAMLP, text_of
from sso.saml.parties import Idp
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.signatures import SIGNATURES, signed_by
from sso.saml.verifier import believed_certificates, verify_signature

MESSAGE_TYPES: Final = {"SAMLRequest": "LogoutRequest", "SAMLResponse": "LogoutResponse"}
"""The message types that each field may contain."""

_FIELDS: Final = ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding")


def verify_posted(field: str, unverified_message: str, idp: Idp) -> etree._Element:
    """Return the message of a posted ``field`` if the IdP signed it; raise `SamlRefusal`."""
    root = gate.parse(gate.decode(unverified_message))
    gate.require_message_layout(root, MESSAGE_TYPES[field], want_signed=True)
    verify_signature(root, idp)
    return root


def verify_redirected(field: str, query: str, idp: Idp) -> etree._Element:
    """Return the message in ``field`` of a query string if the IdP signed it; raise `SamlRefusal`.

    ``query`` is as received: if it were escaped again, it might read the same but differ from the signed octets.
    """
    parts = _raw_fields(query)
    if "Signature" not in parts or "SigAlg" not in parts:
        raise SamlRefusal(Code.NOT_SIGNED, expected="SigAlg and Signature")
    algorithm = unquote_plus(parts["SigAlg"])
    if algorithm not in SIGNATURES:
        raise SamlRefusal(Code.ALGORITHM, expected=" ".join(sorted(SIGNATURES)), received=algorithm)
    root = gate.parse(_inflate(unquote_plus(parts[field])))
    gate.require_message_layout(root, MESSAGE_TYPES[field], want_signed=False)
    if gate.is_signed(root):
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="no signature inside, as the query is signed")
    octets = "&".join(f"{name}={parts[name]}" for name in (field, "RelayState", "SigAlg") if name in parts).encode()
    signature = _base64(unquote_plus(parts["Signature"]))
    if not any(signed_by(pem, signature, octets, algorithm) for pem in believed_certificates(idp)):
        trusted = ", ".join(fingerprint(pem) for pem in believed_certificates(idp))
        raise SamlRefusal(Code.SIGNATURE, expected=f"SHA-256 {trusted}", received="a query carries no certificate")
    return root


def _raw_fields(query: str) -> dict[str, str]:
    """Return the known fields, still escaped. A repeated field is refused, because another parser might read the other one."""
    if len(query) > gate.MAX_BYTES:
        raise SamlRefusal(Code.TOO_LARGE, expected=f"{gate.MAX_BYTES} bytes", received=f"{len(query)} characters")
    fields: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        plain = unquote_plus(name)
        if plain in fields or (plain in _FIELDS and plain != name):
            raise SamlRefusal(Code.STRUCTURE, expected="each field once", received=plain)
        fields[plain] = value
    if "SAMLRequest" in fields and "SAMLResponse" in fields:
        raise SamlRefusal(Code.STRUCTURE, expected="SAMLRequest or SAMLResponse")
    if unquote_plus(fields.get("SAMLEncoding", DEFLATE)) != DEFLATE:
        raise SamlRefusal(Code.STRUCTURE, expected=DEFLATE, received=fields["SAMLEncoding"])
    return fields


DEFLATE: Final = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"


def _inflate(text: str) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # Bounded: a few kB can expand to gigabytes of zeros.
        xml = inflater.decompress(_base64(text), gate.MAX_BYTES + 1)
    except zlib.error as error:
        raise SamlRefusal(Code.NOT_XML, expected="deflated XML") from error
    if len(xml) > gate.MAX_BYTES:
        raise SamlRefusal(Code.TOO_LARGE, expected=f"{gate.MAX_BYTES} bytes")
    if not inflater.eof or inflater.unused_data:
        raise SamlRefusal(Code.NOT_XML, expected="deflated XML, and nothing after it")
    return xml


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SamlRefusal(Code.NOT_BASE64) from error


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """The sessions that an IdP asks to end. Without ``session_indexes``: all sessions of the NameID."""

    request_id: str
    name_id: str
    session_indexes: tuple[str, ...]


def check_logout_request(root: etree._Element, expected: Expected) -> LogoutRequest:
    """Return the content of a verified LogoutRequest (SAML core 3.7.1). Raises `SamlRefusal` for the first claim that fails."""
    _check_head(root, expected)
    end = time_of(root, "NotOnOrAfter")
    if end is not None and end <= expected.now - expected.skew:
        raise SamlRefusal(Code.TOO_LATE, expected=f"after {shown(expected.now)}", received=shown(end))
    name_id = plain(only(root, "NameID", Code.STRUCTURE), "NameID")
    if not name_id:
        raise SamlRefusal(Code.VALUE, expected="a NameID")
    indexes = tuple(plain(one, "SessionIndex") for one in root.findall(f"{SAMLP}SessionIndex"))
    if "" in indexes:
        raise SamlRefusal(Code.VALUE, expected="a SessionIndex")  # the request does not name sessions without an index
    return LogoutRequest(root.get("ID", ""), name_id, indexes)


def check_logout_response(root: etree._Element, expected: Expected) -> tuple[str, bool]:
    """Return the request that a verified LogoutResponse answers, and whether all sessions ended; raise `SamlRefusal`."""
    _check_head(root, expected)
    codes = [code.get("Value") for code in root.findall(f"{SAMLP}Status/{SAMLP}StatusCode")]
    inner = root.find(f"{SAMLP}Status/{SAMLP}StatusCode/{SAMLP}StatusCode")
    return root.get("InResponseTo", ""), codes == [SUCCESS] and inner is None


def _check_head(root: etree._Element, expected: Expected) -> None:
    same(Code.DESTINATION, root.get("Destination"), expected.sp.slo_url)
    same(Code.ISSUER, text_of(only(root, "Issuer", Code.ISSUER)), expected.idp.entity_id)
    check_id(root)
    check_age(root, expected)

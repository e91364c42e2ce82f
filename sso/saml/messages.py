"""The messages that we send: AuthnRequests, logout, and our metadata. They are built as trees, so no value can break out of its element."""

import base64
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

import xmlsec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree
from xmlsec import constants, template

from sso.saml.gate import SAML, SAMLP
from sso.saml.key_pair import KeyPair
from sso.saml.parties import UNSPECIFIED, Binding, Place, Session, Sp, Wishes
from sso.saml.signatures import DS

MD: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
POST_BINDING: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT_BINDING: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
PREFERRED: Final = (
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
)
"""Our encryption methods in order of preference. A peer that reads them uses the first that it supports."""


def new_request_id() -> str:
    """Return an ID that nobody can guess (160 bits). It starts with a letter, as an XML ID must."""
    return f"_{secrets.token_hex(20)}"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send. If ``fields`` is empty, the browser goes to ``url``; otherwise it posts them there."""

    url: str
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def authn_request(
    place: Place,
    sp: Sp,
    *,
    request_id: str,
    relay_state: str,
    now: datetime,
    wishes: Wishes = Wishes(),  # noqa: B008 - immutable
    signer: KeyPair | None = None,
) -> Outgoing:
    """Return an AuthnRequest for the IdP at ``place`` (SAML core 3.4.1), signed if there is a ``signer``.

    ``now`` is aware. Without a wish there is no RequestedAuthnContext: asking for a password breaks MFA.
    """
    force = {"ForceAuthn": "true"} if wishes.force_authn else {}
    answer = {"ProtocolBinding": POST_BINDING, "AssertionConsumerServiceURL": sp.acs_url}
    request = _message("AuthnRequest", sp, request_id, place.url, now, **force, **answer)
    etree.SubElement(request, f"{SAMLP}NameIDPolicy", {"Format": wishes.name_id_format, "AllowCreate": "true"})
    if wishes.authn_context:
        context = etree.SubElement(request, f"{SAMLP}RequestedAuthnContext", {"Comparison": "exact"})
        etree.SubElement(context, f"{SAML}AuthnContextClassRef").text = wishes.authn_context
    return _outgoing(place, "SAMLRequest", request, relay_state=relay_state, signer=signer)


def logout_request(
    place: Place, sp: Sp, session: Session, *, request_id: str, now: datetime, signer: KeyPair
) -> Outgoing:
    """Return a signed LogoutRequest that ends ``session`` at the IdP too (SAML core 3.7.1; profiles 4.4)."""
    end = {"NotOnOrAfter": _instant(now + timedelta(minutes=5))}
    request = _message("LogoutRequest", sp, request_id, place.url, now, **end)
    format_ = {"Format": session.name_id_format} if session.name_id_format else {}
    etree.SubElement(request, f"{SAML}NameID", format_).text = session.name_id
    if session.index:
        etree.SubElement(request, f"{SAMLP}SessionIndex").text = session.index
    return _outgoing(place, "SAMLRequest", request, relay_state="", signer=signer)


def logout_response(
    place: Place, sp: Sp, *, in_response_to: str, relay_state: str, now: datetime, signer: KeyPair
) -> Outgoing:
    """Return a signed LogoutResponse: the session that a LogoutRequest named has ended (SAML core 3.7.2)."""
    answer = _message("LogoutResponse", sp, new_request_id(), place.url, now, InResponseTo=in_response_to)
    etree.SubElement(etree.SubElement(answer, f"{SAMLP}Status"), f"{SAMLP}StatusCode", {"Value": SUCCESS})
    return _outgoing(place, "SAMLResponse", answer, relay_state=relay_state, signer=signer)


def _outgoing(
    place: Place, name: str, message: etree._Element, *, relay_state: str, signer: KeyPair | None
) -> Outgoing:
    """Return a message by POST. The signature is inside it, after the Issuer, as the schema requires (SAML bindings 3.5.4)."""
    if place.binding is Binding.REDIRECT:
        return Outgoing(redirect_url(place.url, name, message, relay_state=relay_state, signer=signer))
    if signer is not None:
        sign_element(message, signer, position=1)
    encoded = base64.b64encode(etree.tostring(message)).decode()
    return Outgoing(place.url, {name: encoded, **({"RelayState": relay_state} if relay_state else {})})


def redirect_url(url: str, name: str, message: etree._Element, *, relay_state: str, signer: KeyPair | None) -> str:
    """Return ``url`` with a message in its query. The signature is over the exact octets of that query (SAML bindings 3.4.4.1)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = compressor.compress(etree.tostring(message)) + compressor.flush()
    fields = {name: base64.b64encode(deflated).decode(), **({"RelayState": relay_state} if relay_state else {})}
    if signer is None:
        query = urlencode(fields)
    else:
        query = urlencode({**fields, "SigAlg": RSA_SHA256})
        signature = signer.key.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())
        query += "&" + urlencode({"Signature": base64.b64encode(signature).decode()})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def sp_metadata(
    sp: Sp,
    *,
    now: datetime,
    certificates: Sequence[str] = (),
    signs_requests: bool = False,
    wants_assertions_signed: bool = True,
    signer: KeyPair | None = None,
) -> bytes:
    """Return our metadata for one connection, built at each request. It is valid for a year and asks to be read again each day.

    ``certificates`` (PEM) are for signing and encryption; during a rollover there are two. The metadata is signed if there is a ``signer``.
    """
    entity = etree.Element(
        f"{MD}EntityDescriptor",
        {
            "ID": new_request_id(),
            "entityID": sp.entity_id,
            "validUntil": _instant(now + timedelta(days=365)),
            "cacheDuration": "P1D",
        },
        nsmap={"md": MD[1:-1], "ds": DS[1:-1]},
    )
    role = etree.SubElement(
        entity,
        f"{MD}SPSSODescriptor",
        {
            "AuthnRequestsSigned": str(signs_requests).lower(),
            "WantAssertionsSigned": str(wants_assertions_signed).lower(),
            "protocolSupportEnumeration": SAMLP[1:-1],
        },
    )
    for use in ("signing", "encryption"):
        for pem in certificates:
            descriptor = etree.SubElement(role, f"{MD}KeyDescriptor", {"use": use})
            data = etree.SubElement(etree.SubElement(descriptor, f"{DS}KeyInfo"), f"{DS}X509Data")
            etree.SubElement(data, f"{DS}X509Certificate").text = "".join(pem.split("-----")[2].split())
            if use == "encryption":
                for algorithm in PREFERRED:
                    etree.SubElement(descriptor, f"{MD}EncryptionMethod", {"Algorithm": algorithm})
    if certificates:  # without a key we can neither request nor answer a logout
        for binding in (REDIRECT_BINDING, POST_BINDING):
            etree.SubElement(role, f"{MD}SingleLogoutService", {"Binding": binding, "Location": sp.slo_url})
    etree.SubElement(role, f"{MD}NameIDFormat").text = UNSPECIFIED
    etree.SubElement(
        role,
        f"{MD}AssertionConsumerService",
        {"Binding": POST_BINDING, "Location": sp.acs_url, "index": "0", "isDefault": "true"},
    )
    if signer is not None:
        sign_element(entity, signer, position=0)
    return etree.tostring(entity, xml_declaration=True, encoding="UTF-8", pretty_print=signer is None)


def _message(name: str, sp: Sp, message_id: str, destination: str, now: datetime, **more: str) -> etree._Element:
    head = {"ID": message_id, "Version": "2.0", "IssueInstant": _instant(now), "Destination": destination, **more}
    message = etree.Element(f"{SAMLP}{name}", head, nsmap={"samlp": SAMLP[1:-1], "saml": SAML[1:-1]})
    etree.SubElement(message, f"{SAML}Issuer").text = sp.entity_id
    return message


def sign_element(element: etree._Element, signer: KeyPair, *, position: int) -> None:
    """Add an enveloped signature where the schema requires it: first in metadata (SAML metadata 3.1), after the Issuer in a message (core 5)."""
    signature = template.create(element, constants.TransformExclC14N, constants.TransformRsaSha256, ns="ds")
    element.insert(position, signature)
    reference = template.add_reference(signature, constants.TransformSha256, uri=f"#{element.get('ID')}")
    template.add_transform(reference, constants.TransformEnveloped)
    template.add_transform(reference, constants.TransformExclC14N)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signer.private, constants.KeyDataFormatPem)
    context.register_id(element, "ID")
    context.sign(signature)


def _instant(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Single logout as Okta does it: by POST, signed inside, for both sides that can begin (SAML core 3.7; profiles 4.4)."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from xmlsec import constants

from demo.idp import names
from demo.idp.authn_request import MAX_CHARACTERS, Refused, parse, require
from demo.idp.names import DS, SAML, SAMLP
from demo.idp.parties import Parties
from demo.idp.response import LIFETIME, add, instant, new_id, sign
from demo.idp.signing_key import SigningKey


@dataclass(frozen=True, slots=True)
class Session:
    """A person whom this IdP signed in at the SP, and the NameID that it used."""

    who: str
    name_id: str
    name_id_format: str


def read(name: str, message: str, parties: Parties, signer: Callable[[], x509.Certificate]) -> etree._Element:
    """Return a LogoutRequest or LogoutResponse of our SP; raise `Refused` unless ``signer`` signed it. Okta takes no unsigned one either."""
    if len(message) > MAX_CHARACTERS:
        raise Refused("The message is too large.")
    try:
        root = parse(base64.b64decode(message, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Refused("The message is not base64-encoded XML.") from error
    if root.tag != f"{SAMLP}{name}" or root.get("Version") != "2.0":
        raise Refused(f"The message is not a {name} of SAML 2.0.")
    require(name, "Issuer", root.findtext(f"{SAML}Issuer"), parties.sp_entity_id)
    require(name, "Destination", root.get("Destination"), parties.slo_url)
    if not _is_signed(root, signer):
        raise Refused(f"The {name} is not signed by the key in CORE's metadata.")
    return root


def request_to_end(session: Session, index: str, *, parties: Parties, key: SigningKey, now: datetime) -> bytes:
    """Return the LogoutRequest for one session at the SP. ``now`` is aware."""
    end = {"NotOnOrAfter": instant(now + LIFETIME)}
    request = _message("LogoutRequest", parties, now, **end)
    add(request, f"{SAML}NameID", session.name_id, Format=session.name_id_format)
    add(request, f"{SAMLP}SessionIndex", index)
    return _signed(request, key)


def answer_to(request: etree._Element, *, parties: Parties, key: SigningKey, now: datetime) -> bytes:
    """Return the LogoutResponse: done."""
    answer = _message("LogoutResponse", parties, now, InResponseTo=request.get("ID", ""))
    add(add(answer, f"{SAMLP}Status"), f"{SAMLP}StatusCode", Value=names.SUCCESS)
    return _signed(answer, key)


def _message(name: str, parties: Parties, now: datetime, **more: str) -> etree._Element:
    head = {"ID": new_id(), "Version": "2.0", "IssueInstant": instant(now), "Destination": parties.logout_url, **more}
    message = etree.Element(f"{SAMLP}{name}", head, nsmap=names.prefixes(samlp=SAMLP, saml=SAML))
    add(message, f"{SAML}Issuer", parties.idp_entity_id)
    return message


def _signed(message: etree._Element, key: SigningKey) -> bytes:
    sign(message, key)
    return etree.tostring(message, encoding="UTF-8", xml_declaration=True)


def _is_signed(root: etree._Element, signer: Callable[[], x509.Certificate]) -> bool:
    """Whether one signature, over the whole of the message, is there and good."""
    places = root.findall(f"{DS}Signature")
    references = [one.get("URI") for one in root.iter(f"{DS}Reference")]
    if len(places) != 1 or references != [f"#{root.get('ID')}"]:
        return False
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signer().public_bytes(Encoding.PEM), constants.KeyDataFormatCertPem)
    context.register_id(root, "ID")
    try:
        context.verify(places[0])
    except xmlsec.Error:
        return False
    return True

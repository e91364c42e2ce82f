"""A second opinion about signatures, by signxml: lxml canonicalizes and cryptography calculates, so nothing of python3-saml or xmlsec is in it."""

import base64
from collections.abc import Iterable, Sequence
from datetime import timedelta

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from sso.saml import gate
from sso.saml.encryption import open_envelope, read_envelope, unsealed
from sso.saml.key_pair import KeyPair
from tests.support.saml import NS

METHODS = frozenset(SignatureMethod[f"{family}_SHA{bits}"] for family in ("RSA", "ECDSA") for bits in (256, 384, 512))
DIGESTS = frozenset(DigestAlgorithm[f"SHA{bits}"] for bits in (256, 384, 512))


def opinion(message: str, certificates: Sequence[str], keys: Sequence[KeyPair] = ()) -> bool | None:
    """Return whether every signature of a message (base64) verifies, None if it carries none that can be judged.

    Our own code decrypts, because signxml does not: the Response is judged over the ciphertext, the Assertion after decryption. A message
    that our gate refuses for its layout is not for this: signxml has no gate, and looks at other things.
    """
    root = etree.fromstring(base64.b64decode(message))
    if gate.is_signed(root) and not _verifies(root, certificates):
        return False
    signed = [element for element in (root, root.find("saml:Assertion", NS)) if element is not None]
    place = root.find("saml:EncryptedAssertion", NS)
    if place is not None and keys:
        text = unsealed(root, place, open_envelope(read_envelope(place), keys), place.nsmap)
        signed.append(etree.fromstring(text)[-1])
    verdicts = [_verifies(element, certificates) for element in signed if gate.is_signed(element)]
    return all(verdicts) if verdicts else None


def _verifies(element: etree._Element, certificates: Iterable[str]) -> bool:
    return any(_verifies_by(element, pem) for pem in certificates)


def _verifies_by(element: etree._Element, pem: str) -> bool:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    rules = SignatureConfiguration(
        location="./",
        signature_methods=METHODS,
        digest_algorithms=DIGESTS,
        ignore_ambiguous_key_info=True,  # KeyInfo is not read: the connection's certificates are pinned
        verification_time=certificate.not_valid_before_utc
        + timedelta(seconds=1),  # one that has ended is still believed
    )
    alone = etree.fromstring(etree.tostring(element, with_tail=False))
    try:
        found = XMLVerifier().verify(alone, x509_cert=certificate, expect_config=rules, validate_schema=False)
    except Exception:  # noqa: BLE001 - signxml, lxml and cryptography raise what they like; each of it is a no
        return False
    assert not isinstance(found, list)
    return found.signed_xml is not None and found.signed_xml.get("ID") == element.get("ID")

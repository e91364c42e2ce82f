"""Find the certificate that made a signature, from SignedInfo alone, before canonicalizing the whole message for each certificate.

It saves work and proves nothing, because SignedInfo only quotes the signed content. A message is believed only if xmlsec verifies it with a
certificate that remains here. So a message that no certificate signed costs the same small amount, however many certificates an IdP has.
"""

import base64
import binascii
import hashlib
import itertools
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from sso.saml.certificates import public_key
from sso.saml.signature_layout import DS, EXC_C14N

HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()
}  # fmt: skip

MAX_CARRIED: Final = 3
"""The maximum number of carried certificates whose fingerprints are shown: a chain has no more."""


def signers(signature: etree._Element, certificates: Iterable[str]) -> list[str]:
    """Return those of ``certificates`` (PEM) whose key made this signature. Its layout passed the gate."""
    info, value = signature[0], signature[1]
    prefixes = info[0].find(f"{{{EXC_C14N}}}InclusiveNamespaces")
    prefix_list = [] if prefixes is None else prefixes.get("PrefixList", "").split()
    octets = etree.tostring(info, method="c14n", exclusive=True, inclusive_ns_prefixes=prefix_list)
    method = info.find(f"{DS}SignatureMethod")
    try:
        signature_value = base64.b64decode("".join((value.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        return []
    algorithm = "" if method is None else method.get("Algorithm", "")
    return [pem for pem in certificates if signed_by(pem, signature_value, octets, algorithm)]


def unverified_fingerprints(signature: etree._Element) -> list[str]:
    """Return the fingerprints of the certificates that a signature carries, at most `MAX_CARRIED`, in the form of `certificates.fingerprint`.

    Anybody can write them there, so they decide nothing. They help an administrator to see which certificate the IdP signs with.
    """
    fingerprints = []
    for element in itertools.islice(signature.iterfind(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate"), MAX_CARRIED):
        try:
            der = base64.b64decode("".join((element.text or "").split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        fingerprints.append(hashlib.sha256(der).hexdigest()[:16])
    return fingerprints


def signed_by(pem: str, signature: bytes, octets: bytes, algorithm: str) -> bool:
    """Whether the key of a certificate signed ``octets`` by an ``algorithm`` of `signature_layout.SIGNATURES`."""
    key = public_key(pem)
    family, _, hash_name = algorithm.rpartition("#")[2].partition("-")
    try:
        if family == "rsa" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, octets, padding.PKCS1v15(), HASHES[hash_name])
        elif family == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der(signature, key), octets, ec.ECDSA(HASHES[hash_name]))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _der(signature: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """Return an ECDSA signature as cryptography takes it.

    It must have the form of XML Signature (RFC 6931, 2.3.6): r and s, each as long as the order of the curve.
    """
    length = (key.key_size + 7) // 8
    if len(signature) != 2 * length:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(signature[:length], "big"), int.from_bytes(signature[length:], "big"))

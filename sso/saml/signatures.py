"""Check the form of a signature before xmlsec sees it, and find the certificate that made it.

Only one form is accepted (SAML core 5.4): one Reference to the parent, and a short list of algorithms. xmlsec runs the transforms of a signature
before it checks it: 31 kB of XPath kept it busy for two minutes, and 15,000 prefixes for seven seconds.

The certificate is found from SignedInfo alone, before the whole message is canonicalized for each certificate. This saves work and proves nothing,
because SignedInfo only quotes the signed content. A message is believed only if xmlsec verifies it with a certificate that remains here. So a
message that no certificate signed costs the same small amount, however many certificates an IdP has.
"""

import base64
import binascii
import hashlib
import itertools
import re
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from sso.saml.certificates import public_key
from sso.saml.refusals import Code, SamlRefusal

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXC_C14NS: Final = frozenset({EXC_C14N, f"{EXC_C14N}WithComments"})
"""Both forms of SAML core 5.4.3. Their octets are equal here, because `gate.parse` refuses a tree with a comment."""

ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

DIGESTS: Final = frozenset(
    {
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    }
)
SIGNATURES: Final = frozenset(
    {
        f"http://www.w3.org/2001/04/xmldsig-more#{family}-{digest}"
        for family in ("rsa", "ecdsa")
        for digest in ("sha256", "sha384", "sha512")
    }
)
KEY_INFO: Final = frozenset({f"{DS}KeyName", f"{DS}KeyValue", f"{DS}X509Data"})
"""The elements that may describe the key. We read none of them; a RetrievalMethod would be an address to fetch."""

MAX_PREFIXES: Final = 8
"""The maximum number of prefixes that canonicalization may be asked to keep, because it searches each one at each element."""

_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
"""The form of a Reference to ``#``: xmlsec would read ``#xpointer(/)`` as an expression."""


def require_signature_layout(signature: etree._Element, parent: etree._Element) -> None:
    """Require one SignedInfo with one Reference to the ID of the parent, by transforms that change only the signature itself.

    Raises `SamlRefusal`.
    """
    names = [child.tag for child in signature]
    if names not in (
        [f"{DS}SignedInfo", f"{DS}SignatureValue"],
        [f"{DS}SignedInfo", f"{DS}SignatureValue", f"{DS}KeyInfo"],
    ):
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="SignedInfo, SignatureValue, KeyInfo")
    if not {str(child.tag) for key_info in signature.findall(f"{DS}KeyInfo") for child in key_info} <= KEY_INFO:
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="a key by name, by value or by its certificate")
    info = list(signature[0])
    if [child.tag for child in info] != [f"{DS}CanonicalizationMethod", f"{DS}SignatureMethod", f"{DS}Reference"]:
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="one Reference")
    canonicalization, method, reference = info
    _require_algorithm(canonicalization, EXC_C14NS, no_children=False)
    _require_algorithm(method, SIGNATURES, no_children=True)
    identifier = parent.get("ID", "")
    if not _ID.fullmatch(identifier) or reference.get("URI") != f"#{identifier}":
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected=f"#{identifier}", received=str(reference.get("URI")))
    if [child.tag for child in reference] != [f"{DS}Transforms", f"{DS}DigestMethod", f"{DS}DigestValue"]:
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="Transforms, DigestMethod, DigestValue")
    transforms, digest_method, digest_value = reference
    if len(transforms) != 2:
        received = " ".join(str(child.get("Algorithm")) for child in transforms)
        raise SamlRefusal(Code.ALGORITHM, expected=f"{ENVELOPED} {EXC_C14N}", received=received)
    for transform, allowed in zip(transforms, (frozenset({ENVELOPED}), EXC_C14NS), strict=True):
        if transform.tag != f"{DS}Transform":
            raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="Transform")
        _require_algorithm(transform, allowed, no_children=ENVELOPED in allowed)
    _require_algorithm(digest_method, DIGESTS, no_children=True)
    if len(digest_value) or len(signature[1]):
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="values of text only")


def _require_algorithm(element: etree._Element, allowed: frozenset[str], *, no_children: bool) -> None:
    algorithm = element.get("Algorithm", "")
    if algorithm not in allowed:
        raise SamlRefusal(Code.ALGORITHM, expected=" ".join(sorted(allowed)), received=algorithm)
    # Exclusive canonicalization may name prefixes to keep (Okta does, for xs); nothing else may be inside.
    children = [child.tag for child in element]
    if children and (no_children or children != [f"{{{EXC_C14N}}}InclusiveNamespaces"]):
        raise SamlRefusal(Code.ALGORITHM, expected="no parameters", received=" ".join(map(str, children)))
    if children and (len(element[0]) or len(element[0].get("PrefixList", "").split()) > MAX_PREFIXES):
        raise SamlRefusal(Code.ALGORITHM, expected=f"at most {MAX_PREFIXES} prefixes")


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
    """Whether the key of a certificate signed ``octets`` by an ``algorithm`` of `SIGNATURES`."""
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

"""Responses in the layouts of real IdPs: files of `tests/data/saml/responses`, signed as text, so that no octet of a layout is lost.

Each is signed with the transforms, prefixes and algorithms that its Signature names. lxml canonicalizes, and cryptography does the arithmetic.
"""

import base64
import os
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from tests.support.saml import EXC_C14N, NS, TestIdp, now

FOLDER = Path(__file__).parents[1] / "data" / "saml" / "responses"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
DIGESTS = {
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": f"{MORE}sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Edit = Callable[[str], str]


@dataclass(frozen=True)
class Signature:
    """How an IdP writes one. ``prefixes``: an InclusiveNamespaces PrefixList; ``key_info``: a text in which ``$certificate`` is replaced."""

    prefix: str = "ds"
    prefixes: str = ""
    key_info: str = (
        "<$p:KeyInfo><$p:X509Data><$p:X509Certificate>$certificate</$p:X509Certificate></$p:X509Data></$p:KeyInfo>"
    )
    method: str = "rsa-sha256"
    digest: str = "sha256"
    line: int = 0
    attributes: str = ""
    c14n: str = EXC_C14N

    def text(self, reference: str, certificate: str) -> str:
        """Return it for the element with the ID ``reference``, with places for its two values."""
        inclusive = (
            f'<ec:InclusiveNamespaces xmlns:ec="{EXC_C14N}" PrefixList="{self.prefixes}"/>' if self.prefixes else ""
        )
        transform = f'<$p:Transform Algorithm="{self.c14n}">{inclusive}</$p:Transform>'
        text = (
            f'<$p:Signature xmlns:$p="{NS["ds"]}"{self.attributes}><$p:SignedInfo>'
            f'<$p:CanonicalizationMethod Algorithm="{self.c14n}"/><$p:SignatureMethod Algorithm="{MORE}{self.method}"/>'
            f'<$p:Reference URI="#{reference}"><$p:Transforms>'
            f'<$p:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>{transform}</$p:Transforms>'
            f'<$p:DigestMethod Algorithm="{DIGESTS[self.digest]}"/><$p:DigestValue>@digest {reference}@</$p:DigestValue>'
            f"</$p:Reference></$p:SignedInfo><$p:SignatureValue>@value {reference}@</$p:SignatureValue>"
            f"{self.key_info}</$p:Signature>"
        )
        text = Template(text).safe_substitute(p=self.prefix, certificate=certificate)
        return text if self.prefix else text.replace("<:", "<").replace("</:", "</").replace("xmlns:=", "xmlns=")


@dataclass(frozen=True)
class Layout:
    """One Response: the file of an IdP, and what is different in it. ``assertion`` and ``response`` None: not signed."""

    file: str = "okta"
    assertion: Signature | None = field(default_factory=Signature)
    response: Signature | None = field(default_factory=Signature)
    edit: Edit = str
    """Changes the text before it is signed."""
    encode: Callable[[bytes], str] = lambda xml: base64.b64encode(xml).decode()
    seal: Edit = str
    """Changes the text between the two signatures."""


def message(layout: Layout, idp: TestIdp, *, key: Key | None = None, **changes: str) -> str:
    """Return a ``SAMLResponse``. ``changes``: acs, audience, request; the rest is that of Jane, of now and of ``idp``."""
    key = key or idp.key
    values = _values(idp) | changes
    for name, signature in (("response", layout.response), ("assertion", layout.assertion)):
        text = "" if signature is None else signature.text(values[f"{name}_id"], values["certificate"])
        values[f"sign_{name}"] = text
    text = layout.edit(Template((FOLDER / f"{layout.file}.xml").read_text()).substitute(values))
    if layout.assertion:
        text = signed(text, values["assertion_id"], layout.assertion, key)
    text = layout.seal(text)
    if layout.response:
        text = signed(text, values["response_id"], layout.response, key)
    return layout.encode(text.encode())


def _values(idp: TestIdp) -> dict[str, str]:
    time = now()
    nonce = f"{time.timestamp():.6f}".replace(".", "")
    return {
        "response_id": f"id_response{nonce}",
        "assertion_id": f"id_assertion{nonce}",
        "idp": idp.entity_id,
        "certificate": base64.b64encode(idp.certificate.public_bytes(Encoding.DER)).decode(),
        "now": _instant(time),
        "before": _instant(time - timedelta(minutes=5)),
        "end": _instant(time + timedelta(minutes=5)),
        "session_end": _instant(time + timedelta(hours=8)),
    }


def _instant(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"


def signed(text: str, reference: str, signature: Signature, key: Key) -> str:
    """Fill in the values of the Signature that refers to ``reference``."""
    hasher = hashes.Hash(_HASHES[signature.digest])
    hasher.update(_canonical(_without_signature(text, reference), signature.prefixes))
    text = text.replace(f"@digest {reference}@", base64.b64encode(hasher.finalize()).decode())
    info = _signature_of(etree.fromstring(text.encode()), reference)[0]
    octets, hashed = _canonical(info), _HASHES[signature.method.partition("-")[2]]
    value = _value(key, octets, hashed)
    encoded = base64.b64encode(value).decode()
    if signature.line:
        encoded = "\n" + "&#13;\n".join(textwrap.wrap(encoded, signature.line)) + "\n"
    return text.replace(f"@value {reference}@", encoded)


def _value(key: Key, octets: bytes, hashed: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashed)
    return raw_ecdsa(key.sign(octets, ec.ECDSA(hashed)), key)


def raw_ecdsa(der: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a signature as XML Signature writes it: r and s, each as long as the order of the curve (RFC 4051, 2.3.6)."""
    length = (key.key_size + 7) // 8
    return b"".join(number.to_bytes(length, "big") for number in decode_dss_signature(der))


def _without_signature(text: str, reference: str) -> etree._Element:
    root = etree.fromstring(text.encode())
    signature = _signature_of(root, reference)
    element = signature.getparent()
    assert element is not None
    before, tail = signature.getprevious(), signature.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        element.text = (element.text or "") + tail
    signature.tail = None
    element.remove(signature)
    return element


def _signature_of(root: etree._Element, reference: str) -> etree._Element:
    found = [one for one in root.iter(f"{{{NS['ds']}}}Signature") if one.find(f"*/*[@URI='#{reference}']") is not None]
    assert len(found) == 1
    return found[0]


def _canonical(element: etree._Element, prefixes: str = "") -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, inclusive_ns_prefixes=prefixes.split() or None)


def certificate_of(key: Key) -> str:
    """Return a certificate (PEM) of a key of either kind."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp.test")])
    builder: Any = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now() - timedelta(days=1))
    certificate = builder.not_valid_after(now() + timedelta(days=30)).sign(key, hashes.SHA256())
    return str(certificate.public_bytes(Encoding.PEM).decode())


XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"

BY_KEY_INFO = (
    '<xenc:EncryptedData xmlns:xenc="$xenc" Id="_data" Type="${xenc}Element"><xenc:EncryptionMethod Algorithm="$content"/>'
    '<ds:KeyInfo xmlns:ds="$ds"><xenc:EncryptedKey Id="_key"><xenc:EncryptionMethod Algorithm="$wrap">$oaep</xenc:EncryptionMethod>'
    "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>$certificate</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    "<xenc:CipherData><xenc:CipherValue>$key</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
    "<xenc:CipherData><xenc:CipherValue>$data</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>"
)
"""As Okta, Shibboleth and most others write it."""


def sealed(
    certificate: str,
    *,
    layout: str = BY_KEY_INFO,
    content: str = "aes256-gcm",
    wrap: str = "rsa-oaep-mgf1p",
    oaep: str = "",
    mask: str = "sha1",
    hashed: str = "sha1",
) -> Edit:
    """Return what encrypts the Assertion in a text to a certificate (PEM) in the words of ``layout``; ``oaep`` says ``hashed`` and ``mask``."""
    known: dict[str, hashes.HashAlgorithm] = {"sha1": hashes.SHA1(), **_HASHES}  # noqa: S303 - OAEP's own default

    def seal(text: str) -> str:
        found = re.search(r"<(\w*:?)Assertion[ >].*</\1Assertion>", text, re.DOTALL)
        assert found
        content_key, plain = os.urandom(int(content[3:6]) // 8), found[0].encode()
        if content.endswith("gcm"):
            nonce = os.urandom(12)
            data = nonce + AESGCM(content_key).encrypt(nonce, plain, None)
        else:
            missing = 16 - len(plain) % 16
            vector = os.urandom(16)
            cipher = Cipher(algorithms.AES(content_key), modes.CBC(vector)).encryptor()
            data = vector + cipher.update(plain + os.urandom(missing - 1) + bytes([missing])) + cipher.finalize()
        public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        pad = padding.OAEP(padding.MGF1(known[mask]), known[hashed], None)
        words = {
            "xenc": XENC,
            "xenc11": XENC11,
            "ds": NS["ds"],
            "content": f"{XENC11 if content.endswith('gcm') else XENC}{content}",
            "wrap": f"{XENC11 if wrap == 'rsa-oaep' else XENC}{wrap}",
            "oaep": oaep,
            "certificate": "".join(certificate.split("-----")[2].split()),
            "key": base64.b64encode(public.encrypt(content_key, pad)).decode(),
            "data": base64.b64encode(data).decode(),
        }
        inside = Template(Template(layout).substitute(words)).substitute(words)
        wrapped = f'<e:EncryptedAssertion xmlns:e="{NS["saml"]}">{inside}</e:EncryptedAssertion>'
        return text[: found.start()] + wrapped + text[found.end() :]

    return seal

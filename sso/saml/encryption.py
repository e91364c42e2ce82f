"""Open an EncryptedAssertion (XML Encryption 1.1; SAML core 2.3.4). Only RSA-OAEP and AES are accepted.

Our certificate is public, so anybody may have written a ciphertext. Its layout is checked first. Every later failure gets the same refusal,
because a receiver that distinguishes padding, key and content can be used to decrypt for others (Jager and Somorovsky 2011).
"""

import base64
import binascii
import copy
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from sso.saml import gate
from sso.saml.gate import SAML
from sso.saml.key_pair import KeyPair
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.signatures import DS

XENC: Final = "{http://www.w3.org/2001/04/xmlenc#}"
XENC11: Final = "{http://www.w3.org/2009/xmlenc11#}"
ELEMENT: Final = "http://www.w3.org/2001/04/xmlenc#Element"
_XML_SCHEMA: Final = {"http://www.w3.org/2001/XMLSchema", "http://www.w3.org/2001/XMLSchema-instance"}

Keys = Callable[[], Sequence[KeyPair]]
"""Called only if something is encrypted, so that private keys are not opened for every sign-in."""

_CBC: Final = {f"http://www.w3.org/2001/04/xmlenc#aes{bits}-cbc": bits // 8 for bits in (128, 192, 256)}
_GCM: Final = {f"http://www.w3.org/2009/xmlenc11#aes{bits}-gcm": bits // 8 for bits in (128, 192, 256)}
_KEY_LENGTHS: Final = _CBC | _GCM
_OAEP: Final = ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep")
_NAMED: Final = {
    "http://www.w3.org/2001/04/xmlenc#tripledes-cbc": "3DES",
    "http://www.w3.org/2001/04/xmlenc#rsa-1_5": "RSA 1.5",
}
_DIGESTS: Final[dict[str, type[hashes.SHA1 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512]]] = {
    "http://www.w3.org/2000/09/xmldsig#sha1": hashes.SHA1,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashes.SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashes.SHA512,
}
_MASKS: Final = {
    f"http://www.w3.org/2009/xmlenc11#mgf1{name}": digest
    for name, digest in (
        ("sha1", hashes.SHA1), ("sha256", hashes.SHA256), ("sha384", hashes.SHA384), ("sha512", hashes.SHA512)
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of an EncryptedAssertion that may be opened. ``place`` is the EncryptedAssertion; it is never changed."""

    place: etree._Element
    algorithm: str
    pad: padding.OAEP
    encrypted_key: bytes
    ciphertext: bytes


def read_envelope(place: etree._Element) -> Envelope:
    """Check an EncryptedAssertion without opening anything. Raises `SamlRefusal` with the fault."""
    data, wrapped = _layout(place)
    algorithm, pad = _algorithm(data, _KEY_LENGTHS), _oaep(wrapped)
    return Envelope(place, algorithm, pad, _cipher_value(wrapped), _cipher_value(data))


def open_envelope(envelope: Envelope, keys: Sequence[KeyPair]) -> bytes:
    """Return the text of its Assertion, one whole element. Every failure raises the same `SamlRefusal` (``decryption``)."""
    key = _unwrap(envelope.encrypted_key, keys, envelope.pad, _KEY_LENGTHS[envelope.algorithm])
    return _assertion_in(_decipher(envelope.algorithm, key, envelope.ciphertext), envelope.place)


def _layout(place: etree._Element) -> tuple[etree._Element, etree._Element]:
    """Return EncryptedData and its one EncryptedKey, inside it or beside it. Neither may refer to another place."""
    names = [child.tag for child in place]
    if names not in ([f"{XENC}EncryptedData"], [f"{XENC}EncryptedData", f"{XENC}EncryptedKey"]):
        raise SamlRefusal(Code.STRUCTURE, expected="one EncryptedData and one EncryptedKey")
    if any(len(list(place.iter(f"{XENC}{name}"))) != 1 for name in ("EncryptedData", "EncryptedKey")):
        raise SamlRefusal(Code.STRUCTURE, expected="one EncryptedData and one EncryptedKey")
    data = place[0]
    if data.get("Type", ELEMENT) != ELEMENT:
        raise SamlRefusal(Code.STRUCTURE, expected=ELEMENT, received=data.get("Type", ""))
    wrapped = next(place.iter(f"{XENC}EncryptedKey"))
    if wrapped.getparent() not in (place, data.find(f"{DS}KeyInfo")):
        raise SamlRefusal(Code.STRUCTURE, expected="an EncryptedKey in KeyInfo, or after EncryptedData")
    return data, wrapped


def _algorithm(element: etree._Element, allowed: dict[str, int] | tuple[str, ...]) -> str:
    methods = element.findall(f"{XENC}EncryptionMethod")
    algorithm = methods[0].get("Algorithm", "") if len(methods) == 1 else ""
    if algorithm not in allowed:
        received = _NAMED.get(algorithm, algorithm)
        raise SamlRefusal(Code.ALGORITHM, expected="AES-GCM or AES-CBC with RSA-OAEP", received=received)
    return algorithm


def _oaep(wrapped: etree._Element) -> padding.OAEP:
    _algorithm(wrapped, _OAEP)
    method = wrapped.find(f"{XENC}EncryptionMethod")
    assert method is not None  # noqa: S101 - `_algorithm` has found it
    digest, mask = method.find(f"{DS}DigestMethod"), method.find(f"{XENC11}MGF")
    if method.find(f"{XENC}OAEPparams") is not None:
        raise SamlRefusal(Code.ALGORITHM, expected="RSA-OAEP without a label")
    try:
        digest_hash = hashes.SHA1 if digest is None else _DIGESTS[digest.get("Algorithm", "")]
        mask_hash = hashes.SHA1 if mask is None else _MASKS[mask.get("Algorithm", "")]
    except KeyError as error:
        raise SamlRefusal(Code.ALGORITHM, expected="RSA-OAEP with SHA", received=str(error)) from error
    return padding.OAEP(mgf=padding.MGF1(mask_hash()), algorithm=digest_hash(), label=None)


def _cipher_value(element: etree._Element) -> bytes:
    values = element.findall(f"{XENC}CipherData/{XENC}CipherValue")
    text = gate.text_of(values[0]) if len(values) == 1 else None
    if text is None:
        # A receiver would fetch a CipherReference.
        raise SamlRefusal(Code.STRUCTURE, expected="one CipherValue of text")
    try:
        return base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SamlRefusal(Code.STRUCTURE, expected="base64 in CipherValue") from error


def _unwrap(encrypted_key: bytes, keys: Sequence[KeyPair], pad: padding.OAEP, length: int) -> bytes:
    """Return the content key. If none of our keys opens it, return a random one, so that a failure takes the same path."""
    content_key = os.urandom(length)
    for pair in keys:
        try:
            candidate = pair.key.decrypt(encrypted_key, pad)
        except ValueError:
            continue
        if len(candidate) == length:
            content_key = candidate
    return content_key


def _decipher(algorithm: str, key: bytes, ciphertext: bytes) -> bytes:
    try:
        if algorithm in _GCM:
            return AESGCM(key).decrypt(ciphertext[:12], ciphertext[12:], None)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(ciphertext[:16])).decryptor()
        padded = decryptor.update(ciphertext[16:]) + decryptor.finalize()
        if not padded or not 1 <= padded[-1] <= 16:  # ISO 10126: only the last byte has a meaning (XML Encryption 5.2)
            raise ValueError
        return padded[: -padded[-1]]
    except Exception as error:  # InvalidTag, ValueError and others: different answers to them would allow the attack
        raise SamlRefusal(Code.DECRYPTION) from error


_DECLARATION: Final = re.compile(
    rb"""\A\s*<\?xml version=["']1\.0["'](?: encoding=["'](?i:utf-8)["'])?(?: standalone=["'](?:yes|no)["'])?\s*\?>"""
)
"""The only accepted form, octet by octet, so no parser can read another one."""


def _assertion_in(plain: bytes, place: etree._Element) -> bytes:
    """Require that one element was encrypted. It may use prefixes declared around it, so these are declared here too."""
    frame = etree.fromstring(etree.tostring(place))  # declares the prefixes around it
    del frame[:]
    frame.tag, frame.text = "frame", "\n"
    opening, closing = etree.tostring(frame).split(b"\n")[0], b"</frame>"
    text = _DECLARATION.sub(b"", plain)
    try:
        root = gate.read(opening + text + closing)
    except SamlRefusal as refusal:
        raise SamlRefusal(Code.DECRYPTION) from refusal
    if [child.tag for child in root] != [f"{SAML}Assertion"]:
        raise SamlRefusal(Code.DECRYPTION)
    if (root.text or "").strip() or (root[0].tail or "").strip():
        # With CBC an attacker can add blocks before and after the ciphertext. No text may be outside the element, because it would help to decrypt.
        raise SamlRefusal(Code.DECRYPTION)
    return text


Scope = Mapping[str | None, str]
"""Prefixes (None: the default namespace), each with its namespace."""


def covered_scope(root: etree._Element, place: etree._Element) -> Scope:
    """Return the prefixes around ``place`` that a signature of the Response covers.

    Exclusive canonicalization covers only the prefixes that the Response uses itself. Anybody may change the others without breaking the
    signature, and so change what an unsigned Assertion inside means. The prefixes of XML Schema stay: no value that is read depends on them.
    """
    used: dict[str | None, str | None] = {
        place.prefix: etree.QName(place).namespace,
        root.prefix: etree.QName(root).namespace,
    }
    return {
        prefix: uri for prefix, uri in place.nsmap.items() if used.get(prefix) == uri or (prefix and uri in _XML_SCHEMA)
    }


def unsealed(root: etree._Element, place: etree._Element, assertion: bytes, scope: Scope) -> bytes:
    """Return the text of a Response with the decrypted assertion in ``place``, and without the Response's own signature.

    The assertion is inserted as text. As an element it would lose its declarations that the Response has too (pysaml2 repeats all of them), and
    would get the other prefixes of the Response. Then its signature would break. ``scope`` contains the prefixes declared around it.
    """
    hole = etree.Comment(secrets.token_hex(16))
    response = etree.Element(root.tag, nsmap=dict(scope))  # type: ignore[arg-type]  # None: the default namespace
    response.attrib.update(root.attrib)
    for child in list(root):
        if child is place:
            response.append(hole)
        elif child.tag != f"{DS}Signature":
            response.append(copy.deepcopy(child))  # lxml moves elements, so use a copy
    return etree.tostring(response).replace(etree.tostring(hole, with_tail=False), assertion)

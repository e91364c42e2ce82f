"""Messages that are encrypted to us, and their content. Anybody can encrypt to us, so most of these are in a Response that is not signed."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import xmlsec
from lxml import etree
from xmlsec import constants

from tests.sso.attacks.attack import Attack, Scene, add, at, encoded, put, twice
from tests.support.saml import NS, Change, TestIdp, encrypting_to, response_xml

XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
PLACE = "saml:EncryptedAssertion"
DATA = f"{PLACE}/{{{XENC}}}EncryptedData"
KEY = f".//{{{XENC}}}EncryptedKey"
VALUE = f"{{{XENC}}}CipherData/{{{XENC}}}CipherValue"
METHOD = f"{{{XENC}}}EncryptionMethod"


def sealed(
    code: str,
    after: Change | None = None,
    *,
    before: Change | None = None,
    signer: Callable[[Scene], TestIdp] = lambda scene: scene.idp,
    sign: str = "assertion",
    carries: str | None = None,
    welcome: bool = False,
    early: bool = False,
    late: bool = False,
    claims: dict[str, Any] | None = None,
    **how: Any,
) -> Attack:
    """Return a message whose Assertion is encrypted to us; ``before`` changes what is encrypted, ``after`` the ciphertext and around it."""

    def make(scene: Scene) -> str:
        seal = encrypting_to(scene.certificate, **how)
        return signer(scene).response(scene.claims(**(claims or {})), sign=sign, before=before, seal=seal, after=after)

    return Attack(code, make, carries or sign, late=late, welcome=welcome, encrypted=not early)


def put_encrypted(root: etree._Element, octets: bytes, certificate: str) -> None:
    """Put any octets, encrypted, in the place of the Assertion."""
    place = etree.Element(f"{{{NS['saml']}}}EncryptedAssertion")
    root.replace(at(root, "saml:Assertion"), place)
    data = xmlsec.template.encrypted_data_create(
        place, constants.TransformAes256Gcm, type=constants.TypeEncElement, ns="xenc"
    )
    place.append(data)
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    xmlsec.template.encrypted_data_ensure_cipher_value(
        xmlsec.template.add_encrypted_key(info, constants.TransformRsaOaep)
    )
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate, constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(constants.KeyDataAes, 256, constants.KeyDataTypeSession)
    context.encrypt_binary(data, octets)


def holding(code: str, change: Callable[[etree._Element], bytes]) -> Attack:
    """Return a message that has octets of our own encrypted to us; ``change`` gets the signed Response, and returns them."""

    def make(scene: Scene) -> str:
        root = etree.fromstring(base64.b64decode(scene.idp.response(scene.claims(), sign="assertion")))
        put_encrypted(root, change(root), scene.certificate)
        return encoded(etree.tostring(root))

    return Attack(code, make, "assertion", late=True, encrypted=True)  # fmt: skip


def _assertion(root: etree._Element) -> bytes:
    return etree.tostring(at(root, "saml:Assertion"), with_tail=False)


def _cipher(of: str, change: Callable[[bytes], bytes]) -> Change:
    def alter(root: etree._Element) -> None:
        value = at(root, f"{of}/{VALUE}")
        value.text = base64.b64encode(change(base64.b64decode("".join((value.text or "").split())))).decode()

    return alter


def _flip(position: int) -> Callable[[bytes], bytes]:
    def flip(octets: bytes) -> bytes:
        changed = bytearray(octets)
        changed[position] ^= 1
        return bytes(changed)

    return flip


ALTERED: dict[str, Change] = {
    "the first block": _cipher(DATA, _flip(0)),
    "a middle block": _cipher(DATA, _flip(400)),
    "the padding": _cipher(DATA, _flip(-17)),
    "the last octet": _cipher(DATA, _flip(-1)),
    "one block less": _cipher(DATA, lambda octets: octets[:-16]),
    "no whole block": _cipher(DATA, lambda octets: octets[:-3]),
    "an IV only": _cipher(DATA, lambda octets: octets[:16]),
    "nothing": _cipher(DATA, lambda octets: b""),
    "the wrapped key": _cipher(KEY, _flip(9)),
    "a short wrapped key": _cipher(KEY, lambda octets: octets[:-1]),
    "a wrapped key of zeros": _cipher(KEY, lambda octets: bytes(len(octets))),
    "a very long wrapped key": _cipher(KEY, lambda octets: octets * 400),
    "no wrapped key": _cipher(KEY, lambda octets: b""),
}
"""Changes of a ciphertext by somebody without the IdP's key. Their answers must be indistinguishable."""


def _algorithm(of: str, uri: str | None) -> Change:
    def change(root: etree._Element) -> None:
        at(root, f"{of}/{METHOD}").set("Algorithm", uri or "")

    return change


def _many_keys(root: etree._Element) -> None:
    for _ in range(200):
        twice(KEY)(root)


def _elsewhere(root: etree._Element) -> None:
    etree.SubElement(root, f"{{{NS['samlp']}}}Extensions").append(at(root, PLACE))


def _by_reference(path: str) -> Change:
    def change(root: etree._Element) -> None:
        value = at(root, f"{path}/{VALUE}")
        value.tag = f"{{{XENC}}}CipherReference"
        value.set("URI", "http://127.0.0.1/secret")

    return change


def _key_elsewhere(root: etree._Element) -> None:
    root.append(at(root, KEY))


def _of_content(root: etree._Element) -> None:
    at(root, DATA).set("Type", f"{XENC}Content")


STRUCTURES: dict[str, Change] = {
    "two of them": twice(PLACE),
    "a readable one beside": add(".", "<saml:Assertion/>"),
    "a readable one of another namespace beside": add(".", "<Assertion/>"),
    "in Extensions": _elsewhere,
    "two EncryptedData": twice(DATA),
    "two keys": twice(KEY),
    "two hundred keys": _many_keys,
    "the key somewhere else": _key_elsewhere,
    "the ciphertext by reference": _by_reference(DATA),
    "the key by reference": _by_reference(KEY),
    "an element in the ciphertext": lambda root: at(root, f"{DATA}/{VALUE}").append(etree.Element("x")),
    "a ciphertext that is no base64": lambda root: setattr(at(root, f"{DATA}/{VALUE}"), "text", "%%%"),
    "content in place of an element": _of_content,
    "nothing in it": lambda root: at(root, PLACE).remove(at(root, DATA)),
}  # fmt: skip

EARLY = {"two of them", "a readable one beside", "a readable one of another namespace beside", "in Extensions"}
"""Messages that are refused before the signer is checked."""

ALGORITHMS: dict[str, Change] = {
    **{
        f"content by {name}": _algorithm(DATA, uri)
        for name, uri in {
            "3DES": f"{XENC}tripledes-cbc", "AES key wrap": f"{XENC}kw-aes256", "DES": f"{XENC}des-cbc", "Camellia": "http://www.w3.org/2001/04/xmldsig-more#camellia256-cbc",
            "RC4": "http://www.w3.org/2001/04/xmldsig-more#arcfour", "nothing": "",
        }.items()
    },
    **{
        f"key by {name}": _algorithm(KEY, uri)
        for name, uri in {
            "RSA 1.5": f"{XENC}rsa-1_5", "AES key wrap": f"{XENC}kw-aes256", "3DES key wrap": f"{XENC}kw-tripledes", "Diffie-Hellman": f"{XENC}dh",
            "ECDH": f"{XENC11}ECDH-ES", "nothing": "",
        }.items()
    },
    "two methods": twice(f"{DATA}/{METHOD}"),
    "OAEP with MD5": add(f"{KEY}/{METHOD}", '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#md5"/>'),
    "OAEP with an unknown mask": add(f"{KEY}/{METHOD}", f'<m:MGF xmlns:m="{XENC11}" Algorithm="urn:x"/>'),
    "OAEP with a label": add(f"{KEY}/{METHOD}", f'<e:OAEPparams xmlns:e="{XENC}">AAAA</e:OAEPparams>'),
}  # fmt: skip


def _strangers_inside(scene: Scene) -> str:
    """A stranger's Assertion, encrypted, in a Response that the IdP signed."""
    claims = scene.claims()
    theirs = etree.fromstring(base64.b64decode(scene.stranger.response(claims, sign="assertion")))

    def take(root: etree._Element) -> None:
        root.replace(at(root, "saml:Assertion"), at(theirs, "saml:Assertion"))

    return scene.idp.response(claims, sign="response", before=take, seal=encrypting_to(scene.certificate))


def _rebound(scene: Scene) -> str:
    """The Assertion inside uses a prefix that is declared around it, where no signature covers it: anybody can let it mean something else."""
    words = response_xml(replace(scene.claims(), assertion_id="_a1"), "response").decode()
    declared = f'xmlns:a="{NS["saml"]}"'
    root = etree.fromstring(words.replace("<samlp:Response ", f"<samlp:Response {declared} ", 1))
    opening, closing = words.index("<saml:Assertion"), words.index("</samlp:Response>")
    inside = words[opening:closing].replace("<saml:", "<a:").replace("</saml:", "</a:").strip()
    put_encrypted(root, inside.encode(), scene.certificate)
    written = etree.tostring(root).replace(b"a:EncryptedAssertion", b"saml:EncryptedAssertion")
    return encoded(etree.tostring(scene.idp.sign(etree.fromstring(written))))


EMPTY = b'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_e" Version="2.0"/>'

MANY = b"".join(b'<p%d:b xmlns:p%d="urn:%d" p%d:c=""/>' % (number, number, number, number) for number in range(1_900))

INSIDE: dict[str, Callable[[etree._Element], bytes]] = {
    "a space": lambda root: b" ",
    "text": lambda root: b"hello",
    "text before it": lambda root: b"x" + _assertion(root),
    "text after it": lambda root: _assertion(root) + b"x",
    "it twice": lambda root: _assertion(root) * 2,
    "a Response": lambda root: etree.tostring(root),
    "a DTD": lambda root: b'<!DOCTYPE r [<!ENTITY a "x">]>' + _assertion(root),
    "a foreign DTD": lambda root: b'<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd">' + _assertion(root),
    "a comment": lambda root: _assertion(root).replace(b">jane.doe<", b">jane<!-- -->.doe<"),
    "an EncryptedAssertion": lambda root: b'<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>',
    "an end of the frame": lambda root: _assertion(root) + b"</frame><frame>",
    "an Assertion with another one inside": lambda root: _assertion(root).replace(b"<saml:Subject>", b"<saml:Assertion/><saml:Subject>"),
    "another value": lambda root: _assertion(root).replace(b">jane.doe<", b">admin<"),
    "a wrapped one": lambda root: EMPTY.replace(b"/>", b">") + _assertion(root) + b"</saml:Assertion>",
    "an Assertion without a signature": lambda root: EMPTY,
    "as many namespaces as may be": lambda root: _assertion(root).replace(b"<saml:Subject>", MANY + b"<saml:Subject>"),
    "UTF-16": lambda root: _assertion(root).decode().encode("utf-16"),
    "a hundred kilobytes of elements": lambda root: b"<a/>" * 25_000,
    "NUL": lambda root: _assertion(root) + b"\0",
}  # fmt: skip

ATTACKS: dict[str, Attack] = {
    **{f"altered: {name}, {kind}": sealed("decryption", change, content=content, late=True)
       for kind, content in (("CBC", constants.TransformAes256Cbc), ("GCM", constants.TransformAes256Gcm)) for name, change in ALTERED.items()},
    **{name: sealed("structure", change, early=name in EARLY) for name, change in STRUCTURES.items()},
    **{name: sealed("algorithm", change) for name, change in ALGORITHMS.items()},
    **{f"holding {name}": holding("decryption", change) for name, change in INSIDE.items()},
    "3DES by the IdP itself": sealed("algorithm", content=constants.TransformDes3Cbc, bits=192),
    "RSA 1.5 by the IdP itself": sealed("algorithm", wrap=constants.TransformRsaPkcs1),
    "altered, in a signed Response": sealed("signature", ALTERED["a middle block"], sign="both"),
    "an altered key, in a signed Response": sealed("signature", ALTERED["the wrapped key"], sign="both"),
    "by a stranger": sealed("decryption", signer=lambda scene: scene.stranger),
    "by a stranger, both signed": sealed("signature", signer=lambda scene: scene.stranger, sign="both"),
    "unsigned inside": sealed("decryption", sign="none"),
    "unsigned inside a signed Response": sealed("not_signed", sign="response", welcome=True, late=True),
    "unsigned inside a signed Response, altered": sealed("signature", ALTERED["a middle block"], sign="response"),
    "unsigned inside a stranger's Response": sealed("signature", signer=lambda scene: scene.stranger, sign="response"),
    "unsigned inside a signed Response, of another meaning by its prefixes": Attack(
        "decryption", _rebound, "response", late=True, encrypted=True, too_little="not_signed"
    ),
    "by a stranger inside the IdP's Response": Attack("decryption", _strangers_inside, late=True, encrypted=True),
    "in an unsigned Response": sealed("not_signed", welcome=True),
    "for another service, encrypted anew for us": sealed("audience", claims={"audience": "https://other.test"}),
    "for another address, encrypted anew for us": sealed("recipient", claims={"recipient": "https://other.test/acs"}),
    "that has ended": sealed("too_late", before=put(".//saml:Conditions", "NotOnOrAfter", "2001-01-01T00:00:00Z")),
}  # fmt: skip

"""Signatures: their layout, their algorithms, their signers, and signatures that were made for something else."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from tests.sso.attacks.attack import Attack, Scene, add, altered, at, drop, many, put, says, text, twice
from tests.sso.attacks.wrapping import change_uid
from tests.support.saml import EXC_C14N, NS, PLACE, Change

DSIG = NS["ds"]
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"
ENVELOPED = f"{DSIG}enveloped-signature"
IN = "saml:Assertion/ds:Signature"
INFO = f"{IN}/ds:SignedInfo"
REFERENCE = f"{INFO}/ds:Reference"
TRANSFORMS = f"{REFERENCE}/ds:Transforms"
C14N = f"{TRANSFORMS}/ds:Transform[2]"


def _transform(algorithm: str, content: str = "", position: int | None = 0) -> Change:
    return add(TRANSFORMS, f'<ds:Transform Algorithm="{algorithm}">{content}</ds:Transform>', position)


def prefixes(count: int) -> str:
    names = " ".join(f"p{number}" for number in range(count))
    return f'<c:InclusiveNamespaces xmlns:c="{EXC_C14N}" PrefixList="{names}"/>'


LAYOUTS: dict[str, Change] = {
    "two signatures": twice(IN),
    "two SignedInfo": twice(INFO),
    "two SignatureValue": twice(f"{IN}/ds:SignatureValue"),
    "two KeyInfo": twice(f"{IN}/ds:KeyInfo"),
    "two references": twice(REFERENCE),
    "no reference": drop(REFERENCE),
    "a SignedInfo that is not the first": add(IN, "<ds:Object/>", 0),
    "the whole document": put(REFERENCE, "URI", ""),
    "no URI": put(REFERENCE, "URI", None),
    "the URI of the Response": put(REFERENCE, "URI", "#_response1"),
    "the URI of nothing": put(REFERENCE, "URI", "#_x"),
    "a foreign URI": put(REFERENCE, "URI", "http://127.0.0.1/x"),
    "a file": put(REFERENCE, "URI", "file:///etc/passwd"),
    "a pointer": put(REFERENCE, "URI", "#xpointer(/)"),
    "a pointer as an ID": many(put("saml:Assertion", "ID", "xpointer(/)"), put(REFERENCE, "URI", "#xpointer(/)")),
    "a pointer to another ID, as an ID": many(
        put("saml:Assertion", "ID", "xpointer(id('_x'))"), put(REFERENCE, "URI", "#xpointer(id('_x'))")
    ),
    "a quote in the ID": many(put("saml:Assertion", "ID", "a' or '1'='1"), put(REFERENCE, "URI", "#a' or '1'='1")),
    "a space in the ID": many(put("saml:Assertion", "ID", "a b"), put(REFERENCE, "URI", "#a b")),
    "no ID": put("saml:Assertion", "ID", None),
    "an empty ID": many(put("saml:Assertion", "ID", ""), put(REFERENCE, "URI", "#")),
    "no transforms": drop(TRANSFORMS),
    "no digest": drop(f"{REFERENCE}/ds:DigestValue"),
    "two digests": twice(f"{REFERENCE}/ds:DigestValue"),
    "an element in the digest": add(f"{REFERENCE}/ds:DigestValue", "<ds:x/>"),
    "an element in the signature": add(f"{IN}/ds:SignatureValue", "<ds:x/>"),
    "an Object": add(IN, "<ds:Object/>"),
    "a Manifest": add(IN, '<ds:Object><ds:Manifest><ds:Reference URI="#_x"/></ds:Manifest></ds:Object>'),
    "a transform of another name": many(drop(C14N), add(TRANSFORMS, f'<ds:x Algorithm="{EXC_C14N}"/>')),
    "a key to be fetched": add(f"{IN}/ds:KeyInfo", '<ds:RetrievalMethod URI="http://127.0.0.1/key"/>'),
    "a key to be fetched by reference": add(
        f"{IN}/ds:KeyInfo", '<d:KeyInfoReference xmlns:d="http://www.w3.org/2009/xmldsig11#" URI="#_x"/>'
    ),
    "a PGP key": add(f"{IN}/ds:KeyInfo", "<ds:PGPData/>"),
    "a signature in an attribute": add(".//saml:AttributeStatement", "<saml:Attribute><ds:Signature/></saml:Attribute>"),
    "a signature of the subject": add(".//saml:Subject", "<ds:Signature/>"),
    "a signature in the status": add("samlp:Status", "<samlp:StatusDetail><ds:Signature/></samlp:StatusDetail>"),
}  # fmt: skip

TRANSFORM: dict[str, Change] = {
    "XSLT": _transform("http://www.w3.org/TR/1999/REC-xslt-19991116", '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0"/>'),
    "XPath": _transform("http://www.w3.org/TR/1999/REC-xpath-19991116", "<ds:XPath>count(//*//*//*) &lt; 0</ds:XPath>"),
    "XPath Filter 2": _transform(FILTER2, f'<f:XPath xmlns:f="{FILTER2}" Filter="union">/</f:XPath>'),
    "XPointer": _transform("http://www.w3.org/2001/04/xmldsig-more/xptr"),
    "base64": _transform(f"{DSIG}base64"),
    "decryption": _transform("http://www.w3.org/2002/07/decrypt#XML"),
    "inclusive c14n beside": _transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "inclusive c14n": put(C14N, "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "inclusive c14n with comments": put(C14N, "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"),
    "c14n 1.1": put(C14N, "Algorithm", "http://www.w3.org/2006/12/xml-c14n11"),
    "no enveloped": drop(f"{TRANSFORMS}/ds:Transform[1]"),
    "no c14n": drop(C14N),
    "the other order": many(drop(f"{TRANSFORMS}/ds:Transform[1]"), _transform(ENVELOPED, position=None)),
    "c14n twice": _transform(EXC_C14N, position=None),
    "enveloped twice": _transform(ENVELOPED),
    "three hundred": many(*[_transform(EXC_C14N, position=None)] * 300),
    "an element beside": add(TRANSFORMS, f'<ds:x Algorithm="{EXC_C14N}"/>'),
    "an empty algorithm": put(C14N, "Algorithm", ""),
    "no algorithm": put(C14N, "Algorithm", None),
    "XPath inside enveloped": add(f"{TRANSFORMS}/ds:Transform[1]", "<ds:XPath>//*</ds:XPath>"),
    "XPath inside c14n": add(C14N, "<ds:XPath>//*</ds:XPath>"),
    "nine prefixes": add(C14N, prefixes(9)),
    "fifteen thousand prefixes": add(C14N, prefixes(15_000)),
    "fifteen thousand prefixes for SignedInfo": add(f"{INFO}/ds:CanonicalizationMethod", prefixes(15_000)),
    "an element in the list of prefixes": add(C14N, f'<c:InclusiveNamespaces xmlns:c="{EXC_C14N}"><c:x/></c:InclusiveNamespaces>'),
    "two lists of prefixes": many(add(C14N, prefixes(1)), add(C14N, prefixes(1))),
}  # fmt: skip

METHODS = {
    "RSA-SHA1": f"{DSIG}rsa-sha1",
    "RSA-MD5": f"{MORE}rsa-md5",
    "RSA-RIPEMD160": f"{MORE}rsa-ripemd160",
    "DSA-SHA1": f"{DSIG}dsa-sha1",
    "ECDSA-SHA1": f"{MORE}ecdsa-sha1",
    "HMAC-SHA1": f"{DSIG}hmac-sha1",
    "HMAC-SHA256 with the public key": f"{MORE}hmac-sha256",
    "RSA-PSS": "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    "other letters": f"{MORE}RSA-SHA256",
    "a space": f" {MORE}rsa-sha256",
    "an unknown one": "urn:x",
    "none": "",
}
DIGESTS = {
    "SHA-1": f"{DSIG}sha1",
    "MD5": f"{MORE}md5",
    "SHA-224": f"{MORE}sha224",
    "RIPEMD-160": "http://www.w3.org/2001/04/xmlenc#ripemd160",
    "an unknown one": "urn:x",
}
CANONICALIZATIONS = {
    "inclusive": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "1.1": "http://www.w3.org/2006/12/xml-c14n11",
    "XSLT": "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "none": "",
}

ALGORITHMS: dict[str, Change] = {
    **{f"transform: {name}": change for name, change in TRANSFORM.items()},
    **{f"signature method: {name}": put(f"{INFO}/ds:SignatureMethod", "Algorithm", uri) for name, uri in METHODS.items()},
    **{f"digest method: {name}": put(f"{REFERENCE}/ds:DigestMethod", "Algorithm", uri) for name, uri in DIGESTS.items()},
    **{f"canonicalization: {name}": put(f"{INFO}/ds:CanonicalizationMethod", "Algorithm", uri) for name, uri in CANONICALIZATIONS.items()},
    "a truncated HMAC": many(
        put(f"{INFO}/ds:SignatureMethod", "Algorithm", f"{DSIG}hmac-sha1"),
        add(f"{INFO}/ds:SignatureMethod", "<ds:HMACOutputLength>0</ds:HMACOutputLength>"),
    ),
    "a parameter of RSA": add(f"{INFO}/ds:SignatureMethod", "<ds:HMACOutputLength>8</ds:HMACOutputLength>"),
    "a parameter of SHA": add(f"{REFERENCE}/ds:DigestMethod", "<ds:x/>"),
}  # fmt: skip


def _flip(path: str) -> Change:
    def change(root: etree._Element) -> None:
        element = at(root, path)
        octets = bytearray(base64.b64decode(element.text or ""))
        octets[5] ^= 1
        element.text = base64.b64encode(octets).decode()

    return change


def _response_id_rewritten(root: etree._Element) -> None:
    root.set("ID", "_other")
    at(root, "ds:Signature/ds:SignedInfo/ds:Reference").set("URI", "#_other")


VALUES: dict[str, Change] = {
    "another digest": _flip(f"{REFERENCE}/ds:DigestValue"),
    "another signature": _flip(f"{IN}/ds:SignatureValue"),
    "an empty digest": text(f"{REFERENCE}/ds:DigestValue", ""),
    "an empty signature": text(f"{IN}/ds:SignatureValue", ""),
    "a signature of zeros": text(f"{IN}/ds:SignatureValue", base64.b64encode(bytes(256)).decode()),
    "a very long signature": text(f"{IN}/ds:SignatureValue", "A" * 100_000),
    "ECDSA of an RSA key": put(f"{INFO}/ds:SignatureMethod", "Algorithm", f"{MORE}ecdsa-sha256"),
    "another hash": put(f"{INFO}/ds:SignatureMethod", "Algorithm", f"{MORE}rsa-sha512"),
    "another digest method": put(f"{REFERENCE}/ds:DigestMethod", "Algorithm", "http://www.w3.org/2001/04/xmlenc#sha512"),
    "another canonicalization": put(f"{INFO}/ds:CanonicalizationMethod", "Algorithm", f"{EXC_C14N}WithComments"),
    "another canonicalization in the transform": put(C14N, "Algorithm", f"{EXC_C14N}WithComments"),
    "a changed value": change_uid,
    "a changed NameID": text(".//saml:NameID", "eve@acme.test"),
    "a changed session": put(".//saml:AuthnStatement", "SessionIndex", "_x"),
    "a changed assertion ID": many(put("saml:Assertion", "ID", "_x"), put(REFERENCE, "URI", "#_x")),
    "a changed Response ID": _response_id_rewritten,
    "an attribute more": add(".//saml:AttributeStatement", '<saml:Attribute Name="Admin"/>'),
    "an attribute less": drop(".//saml:Attribute"),
}  # fmt: skip


def _borrowed(space: str, name: str) -> Callable[[Scene], str]:
    """The key is right and the reference names the Assertion's ID; but another element was signed."""

    def make(scene: Scene) -> str:
        def borrow(root: etree._Element) -> None:
            assertion = at(root, "saml:Assertion")
            other = etree.Element(f"{{{NS[space]}}}{name}", ID=assertion.get("ID", ""))
            other.append(etree.fromstring(PLACE))
            assertion.insert(1, at(scene.idp.sign(other), "ds:Signature"))

        return scene.idp.response(scene.claims(), sign="none", after=borrow)

    return make


def _of_another_assertion(scene: Scene) -> str:
    """The signature of an assertion that the IdP made before, with the same ID."""
    claims = scene.claims(assertion_id="_same")
    other = etree.fromstring(base64.b64decode(scene.idp.response(claims, sign="assertion")))

    def borrow(root: etree._Element) -> None:
        change_uid(root)
        at(root, "saml:Assertion").insert(1, at(other, IN))

    return scene.idp.response(claims, sign="none", after=borrow)


def _by_a_stranger(sign: str) -> Callable[[Scene], str]:
    return lambda scene: scene.stranger.response(scene.claims(), sign=sign)


def _half_by_a_stranger(scene: Scene) -> str:
    """The IdP's Assertion in a stranger's Response."""
    claims = scene.claims()
    mine = etree.fromstring(base64.b64decode(scene.idp.response(claims, sign="assertion")))

    def take(root: etree._Element) -> None:
        root.replace(at(root, "saml:Assertion"), at(mine, "saml:Assertion"))

    return scene.stranger.response(claims, sign="response", before=take)


def _strangers_assertion(scene: Scene) -> str:
    """A stranger's Assertion in a Response that the IdP signed: the IdP was made to sign it."""
    claims = scene.claims()
    theirs = etree.fromstring(base64.b64decode(scene.stranger.response(claims, sign="assertion")))

    def take(root: etree._Element) -> None:
        root.replace(at(root, "saml:Assertion"), at(theirs, "saml:Assertion"))

    return scene.idp.response(claims, sign="response", before=take)


def _resigned_around(change: Change) -> Callable[[Scene], str]:
    """The IdP signs both, but the Assertion changes before the Response is signed: the outer signature verifies, the inner one does not."""
    return lambda scene: scene.idp.response(scene.claims(), seal=change)


def _emptied(root: etree._Element) -> None:
    at(root, IN)[:] = []


def _another_id(root: etree._Element) -> None:
    at(root, "saml:Assertion").set("ID", "_another")


def _under_the_name_of_the_idp(scene: Scene) -> str:
    """A stranger's signature that names the right certificate in its KeyInfo."""
    bare = "".join(scene.idp.pem.splitlines()[1:-1])

    def claim(root: etree._Element) -> None:
        for certificate in root.iterfind(".//ds:X509Certificate", NS):
            certificate.text = bare

    return scene.stranger.response(scene.claims(), after=claim)


def _late_by_a_stranger(sign: str) -> Callable[[Scene], str]:
    return lambda scene: scene.stranger.response(scene.claims(**LATE), sign=sign)


def _by(method: SignatureMethod, digest: DigestAlgorithm) -> Callable[[Scene], str]:
    return lambda scene: scene.idp.response(scene.claims(), method=method, digest=digest)


def _of_the_response_for_the_assertion(root: etree._Element) -> None:
    at(root, "saml:Assertion").replace(at(root, IN), at(root, "ds:Signature"))


LATE: dict[str, Any] = {"confirmation_end": timedelta(seconds=-60)}
"""Within our tolerance of clocks, and refused by the library before it looks at a signature: so the signatures are ours to check there."""

ATTACKS: dict[str, Attack] = {
    "late, and by a stranger": Attack("signature", _late_by_a_stranger("both")),
    "late, and by a stranger, Assertion alone": Attack("signature", _late_by_a_stranger("assertion"), "assertion"),
    "late, and changed": altered("signature", change_uid, **LATE),
    "late, and changed, Assertion alone": altered("signature", change_uid, sign="assertion", **LATE),
    "late, and the Response changed": altered("signature", _response_id_rewritten, **LATE),
    "late, and not signed": says("not_signed", sign="none", **LATE),
    **{name: altered("signature_layout", change) for name, change in LAYOUTS.items()},
    **{name: altered("algorithm", change) for name, change in ALGORITHMS.items()},
    **{name: altered("signature", change) for name, change in VALUES.items()},
    "the Response's signature in the Assertion": altered("signature_layout", _of_the_response_for_the_assertion),
    "an empty Signature": altered("signature_layout", add("saml:Assertion", "<ds:Signature/>", 1), sign="none"),
    "none": says("not_signed", sign="none"),
    "the Response alone": says("not_signed", sign="response", welcome=True),
    "the Assertion alone": says("not_signed", sign="assertion", welcome=True),
    "the Response alone, changed": altered("signature", change_uid, sign="response"),
    "the Response alone, the Assertion in it another's": altered("signature", _another_id, sign="response"),
    "the Response alone, an attribute more in it": altered("signature", VALUES["an attribute more"], sign="response"),
    "the Response alone, by a stranger": Attack("signature", _by_a_stranger("response"), "response"),
    "the Response alone, late, and by a stranger": Attack("signature", _late_by_a_stranger("response"), "response"),
    "a stranger's Assertion in the IdP's Response": Attack("signature", _strangers_assertion),
    "a changed Assertion in the IdP's Response": Attack("signature", _resigned_around(change_uid)),
    "an Assertion with a broken signature in the IdP's Response": Attack("signature", _resigned_around(_flip(f"{IN}/ds:SignatureValue"))),
    "an Assertion with an empty signature in the IdP's Response": Attack("signature_layout", _resigned_around(_emptied)),
    "the Response's signature removed, and the Assertion changed": altered("signature", many(drop("ds:Signature"), change_uid), carries="assertion"),
    "the Assertion's signature removed": altered("signature", drop(IN), carries="response"),
    "SHA-1 by the IdP itself": Attack("algorithm", _by(SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA256)),
    "SHA-1 digests by the IdP itself": Attack("algorithm", _by(SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA1)),
    "a stranger's key, in the KeyInfo": Attack("signature", _by_a_stranger("both")),
    "a stranger's key, Assertion alone": Attack("signature", _by_a_stranger("assertion"), "assertion"),
    "a stranger's key under the IdP's certificate": Attack("signature", _under_the_name_of_the_idp),
    "the IdP's Assertion in a stranger's Response": Attack("signature", _half_by_a_stranger),
    "borrowed from another assertion": Attack("signature", _of_another_assertion, "assertion"),
    **{
        f"borrowed from {name}": Attack("signature", _borrowed(space, name), "assertion")
        for space, name in (
            ("samlp", "LogoutRequest"), ("samlp", "LogoutResponse"), ("md", "EntityDescriptor"), ("samlp", "Response"), ("saml", "Assertion"),
        )
    },
}  # fmt: skip

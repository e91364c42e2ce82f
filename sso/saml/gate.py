"""What a message must look like before python3-saml or xmlsec sees it, so that any input costs a small constant.

xmlsec runs the transforms of a signature before it checks it: 31 kB of XPath kept it busy for two minutes. So every algorithm and transform is
looked at here first, and the classic wrapping shapes (a second assertion, a borrowed signature, a doubled ID) end here by their layout alone.
"""

import base64
import binascii
import re
from typing import Any, Final

from lxml import etree

from sso.saml.refusals import Code, SamlRefusal

SAMLP: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SAML: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

MAX_BYTES: Final = 256 * 1024
MAX_ELEMENTS: Final = 3000
MAX_ATTRIBUTES: Final = 6000
MAX_PER_ELEMENT: Final = 40
MAX_DEPTH: Final = 40

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


def decode(message: str) -> bytes:
    """Return the XML of a ``SAMLResponse`` of the POST binding; raise `SamlRefusal`."""
    if len(message) > MAX_BYTES * 3 // 2:
        raise SamlRefusal(Code.TOO_LARGE, expected=f"{MAX_BYTES} bytes", received=f"{len(message)} characters")
    try:
        xml = base64.b64decode(re.sub(r"[ \t\r\n]", "", message), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SamlRefusal(Code.NOT_BASE64) from error
    if len(xml) > MAX_BYTES:
        raise SamlRefusal(Code.TOO_LARGE, expected=f"{MAX_BYTES} bytes", received=f"{len(xml)} bytes")
    return xml


def parse(xml: bytes, *, drop_comments: bool = False) -> etree._Element:
    """Return the root of hardened XML 1.0: no DTD, no entity, no comment, no processing instruction, bounded in every direction.

    A comment inside a value is how ``victim<!---->.evil`` once read as ``victim``; no IdP needs one in a message. In metadata, which an
    administrator vouches for, people do write them: ``drop_comments``.
    """
    if len(xml) > MAX_BYTES:
        raise SamlRefusal(Code.TOO_LARGE, expected=f"{MAX_BYTES} bytes", received=f"{len(xml)} bytes")
    if b"<!DOCTYPE" in xml or b"\0" in xml:  # before the parser, which would read the entities in it
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="no DTD, no NUL")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        strip_cdata=True,
        remove_comments=drop_comments,
    )
    try:
        xml.decode("utf-8")
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, UnicodeDecodeError, ValueError) as error:
        raise SamlRefusal(Code.NOT_XML) from error
    document: Any = root.getroottree().docinfo
    if document.doctype or document.internalDTD is not None:
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="no DTD")
    # XML 1.1 has other line ends and control characters: parsers would disagree on what was signed.
    if document.xml_version != "1.0":
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="XML 1.0", received=str(document.xml_version))
    if (document.encoding or "utf-8").lower() not in {"utf-8", "us-ascii", "ascii"}:
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="UTF-8", received=str(document.encoding))
    if root.getprevious() is not None or root.getnext() is not None:
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="one element and nothing beside it")
    _require_bounded(root)
    return root


def _require_bounded(root: etree._Element) -> None:
    elements = attributes = 0
    stack = [(root, 1)]
    while stack:
        element, depth = stack.pop()
        if not isinstance(element.tag, str):
            raise SamlRefusal(Code.FORBIDDEN_XML, expected="elements only", received="comment, entity or instruction")
        # Namespaces in scope count once per element that declares them; each makes canonicalization dearer.
        parent = element.getparent()
        declared = len(element.nsmap) if parent is None else len(set(element.nsmap) - set(parent.nsmap))
        own = len(element.attrib) + declared
        elements += 1
        attributes += own
        if elements > MAX_ELEMENTS or attributes > MAX_ATTRIBUTES or own > MAX_PER_ELEMENT or depth > MAX_DEPTH:
            raise SamlRefusal(Code.TOO_LARGE, expected="fewer elements, attributes or levels")
        stack += [(child, depth + 1) for child in element]


def is_encrypted(root: etree._Element) -> bool:
    return next(root.iter(f"{SAML}EncryptedAssertion"), None) is not None


def require_encrypted_layout(root: etree._Element, *, want_response_signed: bool) -> etree._Element:
    """Return the one EncryptedAssertion of a Response, before anything in it is opened; raise `SamlRefusal`.

    What will come out of it has to pass `require_response_layout` in its turn.
    """
    if root.tag != f"{SAMLP}Response" or root.get("Version") != "2.0":
        raise SamlRefusal(Code.STRUCTURE, expected="Response 2.0", received=str(root.tag))
    anywhere = list(root.iter(f"{SAML}EncryptedAssertion"))
    if (
        len(anywhere) != 1
        or anywhere[0].getparent() is not root
        or next(root.iter(f"{SAML}Assertion"), None) is not None
    ):
        raise SamlRefusal(Code.STRUCTURE, expected="one EncryptedAssertion, in the Response, and no Assertion")
    _require_unique_ids(root)
    _require_signatures(root, None, want_response_signed=want_response_signed)
    return anywhere[0]


def require_message_layout(root: etree._Element, name: str, *, want_signed: bool) -> None:
    """Demand a message without assertions, ``name`` in the protocol namespace: unique IDs, nothing signed but the whole; raise `SamlRefusal`."""
    if root.tag != f"{SAMLP}{name}" or root.get("Version") != "2.0":
        raise SamlRefusal(Code.STRUCTURE, expected=f"{name} 2.0", received=str(root.tag))
    if len(list(root.iter(root.tag))) != 1:
        raise SamlRefusal(Code.STRUCTURE, expected=f"one {name}")
    if next(root.iter(f"{SAML}EncryptedID"), None) is not None:
        raise SamlRefusal(Code.ENCRYPTED, expected="a NameID in the clear")
    _require_unique_ids(root)
    _require_signatures(root, None, want_response_signed=want_signed)


def require_response_layout(root: etree._Element, *, want_response_signed: bool) -> etree._Element:
    """Return the one Assertion of a Response whose layout admits one reading only; raise `SamlRefusal`.

    There is exactly one Assertion in the whole document, a child of the Response; IDs are unique; signatures are children of these two and
    sign their parent, all of it, by allowed algorithms.
    """
    if root.tag != f"{SAMLP}Response" or root.get("Version") != "2.0":
        raise SamlRefusal(Code.STRUCTURE, expected="Response 2.0", received=str(root.tag))
    for encrypted in ("EncryptedAssertion", "EncryptedID", "EncryptedAttribute"):
        if next(root.iter(f"{SAML}{encrypted}"), None) is not None:
            raise SamlRefusal(Code.ENCRYPTED)
    if len(list(root.iter(f"{SAMLP}Response"))) != 1:
        raise SamlRefusal(Code.STRUCTURE, expected="one Response")
    anywhere = list(root.iter(f"{SAML}Assertion"))
    if not anywhere and root.find(f"{SAMLP}Status") is not None:
        require_success(root)
    if len(anywhere) != 1 or anywhere[0].getparent() is not root:
        raise SamlRefusal(
            Code.STRUCTURE, expected="one Assertion, in the Response", received=f"{len(anywhere)} assertions"
        )
    assertion = anywhere[0]
    _require_unique_ids(root)
    _require_signatures(root, assertion, want_response_signed=want_response_signed)
    return assertion


def require_success(root: etree._Element) -> None:
    """Raise `SamlRefusal` unless the IdP says that it signed somebody in."""
    success = "urn:oasis:names:tc:SAML:2.0:status:Success"
    codes = root.findall(f"{SAMLP}Status/{SAMLP}StatusCode")
    if [code.get("Value") for code in codes] != [success]:
        inner = [code.get("Value", "") for code in root.iterfind(f"{SAMLP}Status//{SAMLP}StatusCode")]
        raise SamlRefusal(Code.STATUS, expected=success, received=" ".join(inner))


def _require_unique_ids(root: etree._Element) -> None:
    seen: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if etree.QName(name).localname.lower() == "id":
                if value in seen:
                    raise SamlRefusal(Code.DOUBLE_ID, received=str(value))
                seen.add(str(value))


def is_signed(root: etree._Element) -> bool:
    return root.find(f"{DS}Signature") is not None


def _require_signatures(root: etree._Element, assertion: etree._Element | None, *, want_response_signed: bool) -> None:
    signed = []
    for signature in root.iter(f"{DS}Signature"):
        parent = signature.getparent()
        if parent is None or (parent is not root and parent is not assertion):
            raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="signatures of the Response and of the Assertion only")
        if parent in signed:
            raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="one signature each")
        _require_signature_layout(signature, parent)
        signed.append(parent)
    if assertion is not None and assertion not in signed:
        raise SamlRefusal(Code.NOT_SIGNED, expected="a signed Assertion")
    if want_response_signed and root not in signed:
        raise SamlRefusal(Code.NOT_SIGNED, expected=f"a signed {etree.QName(root).localname}")


def _require_signature_layout(signature: etree._Element, parent: etree._Element) -> None:
    """One SignedInfo with one Reference to the ID of the parent, by transforms that change nothing but the signature itself."""
    names = [child.tag for child in signature]
    if names[:2] != [f"{DS}SignedInfo", f"{DS}SignatureValue"] or set(names[2:]) - {f"{DS}KeyInfo"} or len(names) > 3:
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="SignedInfo, SignatureValue, KeyInfo")
    info = list(signature[0])
    if [child.tag for child in info] != [f"{DS}CanonicalizationMethod", f"{DS}SignatureMethod", f"{DS}Reference"]:
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="one Reference")
    canonicalization, method, reference = info
    _require_algorithm(canonicalization, {EXC_C14N}, no_children=False)
    _require_algorithm(method, SIGNATURES, no_children=True)
    identifier = parent.get("ID")
    if not identifier or reference.get("URI") != f"#{identifier}":
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected=f"#{identifier}", received=str(reference.get("URI")))
    if [child.tag for child in reference] != [f"{DS}Transforms", f"{DS}DigestMethod", f"{DS}DigestValue"]:
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="Transforms, DigestMethod, DigestValue")
    transforms, digest_method, digest_value = reference
    if [child.get("Algorithm") for child in transforms] != [ENVELOPED, EXC_C14N]:
        received = " ".join(str(child.get("Algorithm")) for child in transforms)
        raise SamlRefusal(Code.ALGORITHM, expected=f"{ENVELOPED} {EXC_C14N}", received=received)
    for transform, allowed in zip(transforms, (ENVELOPED, EXC_C14N), strict=True):
        if transform.tag != f"{DS}Transform":
            raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="Transform")
        _require_algorithm(transform, {allowed}, no_children=allowed == ENVELOPED)
    _require_algorithm(digest_method, DIGESTS, no_children=True)
    if len(digest_value) or len(signature[1]):
        raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="values of text only")


def _require_algorithm(element: etree._Element, allowed: frozenset[str] | set[str], *, no_children: bool) -> None:
    algorithm = element.get("Algorithm", "")
    if algorithm not in allowed:
        raise SamlRefusal(Code.ALGORITHM, expected=" ".join(sorted(allowed)), received=algorithm)
    # Exclusive canonicalization may name prefixes to keep (Okta does, for xs); nothing else may be inside.
    children = [child.tag for child in element]
    if children and (no_children or children != [f"{{{EXC_C14N}}}InclusiveNamespaces"]):
        raise SamlRefusal(Code.ALGORITHM, expected="no parameters", received=" ".join(map(str, children)))


def text_of(element: etree._Element | None) -> str | None:
    """Return the whole text of an element that holds nothing else; None where it holds elements (a value must not be cut at them)."""
    if element is None or len(element):
        return None
    return element.text or ""

"""Check the form of a message before python3-saml or xmlsec reads it, so that any input costs a small constant.

The layout alone stops the known wrapping attacks: a second assertion, a borrowed signature, a doubled ID. `signatures` checks the form of
signatures.
"""

import base64
import binascii
import re
from typing import Any, Final

from lxml import etree

from sso.saml.parties import DEMANDS, Signed
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.signatures import DS, require_signature_layout

SAMLP: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SAML: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"

# Run by libxml2, because a message may have thousands of attributes.
_IDS: Final = etree.XPath("//@*[translate(local-name(), 'ID', 'id') = 'id']", smart_strings=False)
_SCHEMAS: Final = etree.XPath(
    "boolean(//@xsi:schemaLocation | //@xsi:noNamespaceSchemaLocation)",
    namespaces={"xsi": "http://www.w3.org/2001/XMLSchema-instance"},
)

_WHOLE_VALUE: Final = re.compile(rb"(?<=>)<!\[CDATA\[[^<\]]*\]\]>(?=</)")
"""A value that is one CDATA section, as some IdPs write it. Beside other text, a CDATA section could hide a part of the value."""

MAX_BYTES: Final = 256 * 1024
MAX_ELEMENTS: Final = 2500
MAX_ATTRIBUTES: Final = 4000
MAX_PER_ELEMENT: Final = 40
MAX_DEPTH: Final = 20
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""The start of an absolute namespace URI. libxml2 cannot canonicalize a tree with a relative one (XML C14N 1.0, 1.3)."""

MAX_IN_SCOPE: Final = 40
"""The maximum number of namespace declarations on the path to one element, counting repeated ones: canonicalization searches all of them."""


def decode(message: str) -> bytes:
    """Return the XML of a ``SAMLResponse`` of the POST binding; raise `SamlRefusal`."""
    if len(message) > MAX_BYTES * 3 // 2:
        raise SamlRefusal(Code.TOO_LARGE, expected=f"{MAX_BYTES} bytes", received=f"{len(message)} characters")
    text = message
    for space in " \t\r\n":
        text = text.replace(space, "")
    try:
        xml = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SamlRefusal(Code.NOT_BASE64) from error
    # Python also accepts too much padding, and set bits that have no meaning.
    if base64.b64encode(xml).decode() != text:
        raise SamlRefusal(Code.NOT_BASE64)
    if len(xml) > MAX_BYTES:
        raise SamlRefusal(Code.TOO_LARGE, expected=f"{MAX_BYTES} bytes", received=f"{len(xml)} bytes")
    return xml


def parse(xml: bytes, *, drop_comments: bool = False) -> etree._Element:
    """Return the root of hardened XML 1.0: no DTD, entity, comment, processing instruction or CDATA within a value, and every size bounded.

    A comment inside a value is an attack: some parsers read ``victim<!---->.evil`` as ``victim``. No IdP needs comments in messages. In metadata
    people do write them, and CDATA too, and an administrator vouches for it: see ``drop_comments``.
    """
    root = read(xml, drop_comments=drop_comments)
    _require_bounded(root)
    return root


def read(xml: bytes, *, drop_comments: bool = False) -> etree._Element:
    """Return the root of XML hardened in the same way, with a limit of its bytes only. It is for a part of a document that `parse` will check."""
    if len(xml) > MAX_BYTES:
        raise SamlRefusal(Code.TOO_LARGE, expected=f"{MAX_BYTES} bytes", received=f"{len(xml)} bytes")
    try:
        xml.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="UTF-8") from error
    # Check this before the parser, because the parser would read the entities of a DTD. Well-formed XML contains these only in a DTD.
    forbidden = b"<!DOCTYPE" if drop_comments else b"<!"
    if b"\0" in xml or (b"<!" in xml and forbidden in _WHOLE_VALUE.sub(b"", xml)):
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="no DTD, no comment, no CDATA within a value, no NUL")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        strip_cdata=True,
        remove_comments=drop_comments,
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SamlRefusal(Code.NOT_XML) from error
    document: Any = root.getroottree().docinfo
    if document.doctype or document.internalDTD is not None:
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="no DTD")
    # XML 1.1 has other line ends and control characters, so parsers would disagree about the signed text.
    if document.xml_version != "1.0":
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="XML 1.0", received=str(document.xml_version))
    if (document.encoding or "utf-8").lower() not in {"utf-8", "us-ascii", "ascii"}:
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="UTF-8", received=str(document.encoding))
    if root.getprevious() is not None or root.getnext() is not None:
        raise SamlRefusal(Code.FORBIDDEN_XML, expected="one element and nothing beside it")
    return root


def _require_bounded(root: etree._Element) -> None:
    """Count during the parsing, because each of these numbers multiplies the work of later code."""
    elements = attributes = in_scope = declared = 0
    scopes: list[int] = []
    for event, found in etree.iterwalk(root, events=("start-ns", "start", "end", "comment", "pi")):
        if event == "start-ns":
            declared += 1  # declarations of the next element
            _, uri = found
            if uri and not _ABSOLUTE.match(uri):
                raise SamlRefusal(Code.FORBIDDEN_XML, expected="namespaces with an absolute URI", received=uri)
        elif event == "end":
            in_scope -= scopes.pop()
        elif event != "start":
            raise SamlRefusal(Code.FORBIDDEN_XML, expected="elements only", received="comment or instruction")
        else:
            own = len(found.attrib) + declared
            elements += 1
            attributes += own
            in_scope += declared
            scopes.append(declared)
            declared = 0
            if (
                elements > MAX_ELEMENTS
                or attributes > MAX_ATTRIBUTES
                or own > MAX_PER_ELEMENT
                or len(scopes) > MAX_DEPTH
                or in_scope > MAX_IN_SCOPE
            ):
                raise SamlRefusal(Code.TOO_LARGE, expected="fewer elements, attributes, namespaces or levels")


def is_encrypted(root: etree._Element) -> bool:
    return next(root.iter(f"{SAML}EncryptedAssertion"), None) is not None


def require_encrypted_layout(root: etree._Element, signed: Signed) -> etree._Element:
    """Return the one EncryptedAssertion of a Response, before anything in it is opened. Raises `SamlRefusal`.

    The decrypted content must pass `require_response_layout` too. Only then can a signed Assertion be required.
    """
    if root.tag != f"{SAMLP}Response" or root.get("Version") != "2.0":
        raise SamlRefusal(Code.STRUCTURE, expected="Response 2.0", received=str(root.tag))
    anywhere = list(root.iter(f"{SAML}EncryptedAssertion"))
    if len(anywhere) != 1 or anywhere[0].getparent() is not root or next(root.iter("{*}Assertion"), None) is not None:
        raise SamlRefusal(Code.STRUCTURE, expected="one EncryptedAssertion, in the Response, and no Assertion")
    _require_unique_ids(root)
    _require_signature_layouts(root, None)
    if signed.needs_response and not is_signed(root):
        received = "the Response is not signed; the Assertion is encrypted and was not opened"
        raise SamlRefusal(Code.NOT_SIGNED, expected=DEMANDS[signed], received=received)
    return anywhere[0]


def require_message_layout(root: etree._Element, name: str, *, want_signed: bool) -> None:
    """Require a message without assertions: ``name`` in the protocol namespace, unique IDs, and no signature except of the whole.

    Raises `SamlRefusal`.
    """
    if root.tag != f"{SAMLP}{name}" or root.get("Version") != "2.0":
        raise SamlRefusal(Code.STRUCTURE, expected=f"{name} 2.0", received=str(root.tag))
    if len(list(root.iter(root.tag))) != 1:
        raise SamlRefusal(Code.STRUCTURE, expected=f"one {name}")
    if next(root.iter(f"{SAML}EncryptedID"), None) is not None:
        raise SamlRefusal(Code.ENCRYPTED, expected="a NameID that is not encrypted")
    _require_unique_ids(root)
    _require_signature_layouts(root, None)
    if want_signed and not is_signed(root):
        raise SamlRefusal(Code.NOT_SIGNED, expected=f"a signed {name}")


def require_response_layout(root: etree._Element, signed: Signed | None) -> etree._Element:
    """Return the one Assertion of a Response whose layout has only one meaning. Raises `SamlRefusal`.

    The document contains exactly one Assertion, a child of the Response. IDs are unique. Signatures are children of these two elements and sign
    all of their parent, by allowed algorithms. ``signed`` None requires no signature, because the caller has another proof.
    """
    if root.tag != f"{SAMLP}Response" or root.get("Version") != "2.0":
        raise SamlRefusal(Code.STRUCTURE, expected="Response 2.0", received=str(root.tag))
    for encrypted in ("EncryptedAssertion", "EncryptedID", "EncryptedAttribute"):
        if next(root.iter(f"{SAML}{encrypted}"), None) is not None:
            raise SamlRefusal(Code.ENCRYPTED)
    if len(list(root.iter("{*}Response"))) != 1:
        raise SamlRefusal(Code.STRUCTURE, expected="one Response")
    anywhere = list(root.iter("{*}Assertion"))  # in any namespace, so no other element can be mistaken for it
    if len(anywhere) != 1 or anywhere[0].getparent() is not root:
        raise SamlRefusal(
            Code.STRUCTURE, expected="one Assertion, in the Response", received=f"{len(anywhere)} assertions"
        )
    assertion = anywhere[0]
    if assertion.tag != f"{SAML}Assertion" or assertion.get("Version") != "2.0":
        raise SamlRefusal(Code.STRUCTURE, expected="Assertion 2.0", received=str(assertion.tag))
    _require_unique_ids(root)
    _require_signature_layouts(root, assertion)
    if signed is not None:
        signed.require(response=is_signed(root), assertion=is_signed(assertion))
    return assertion


def _require_unique_ids(root: etree._Element) -> None:
    """Require that no two IDs are equal, in any spelling of the attribute, and that no attribute names a schema, which a validator might fetch."""
    if _SCHEMAS(root):
        raise SamlRefusal(Code.STRUCTURE, expected="no schemaLocation")
    earlier: set[str] = set()
    identifiers: Any = _IDS(root)  # XPath returns a list of texts
    for identifier in identifiers:
        if identifier in earlier:
            raise SamlRefusal(Code.DOUBLE_ID, received=identifier)
        earlier.add(identifier)


def is_signed(element: etree._Element) -> bool:
    """Whether an element (Response, Assertion, logout message) contains a signature of its own, valid or not."""
    return element.find(f"{DS}Signature") is not None


def _require_signature_layouts(root: etree._Element, assertion: etree._Element | None) -> None:
    signed = []
    for signature in root.iter(f"{DS}Signature"):
        parent = signature.getparent()
        if parent is None or (parent is not root and parent is not assertion):
            raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="signatures of the Response and of the Assertion only")
        if parent in signed:
            raise SamlRefusal(Code.SIGNATURE_LAYOUT, expected="one signature each")
        require_signature_layout(signature, parent)
        signed.append(parent)


def text_of(element: etree._Element | None) -> str | None:
    """Return the text of an element that contains only text; None if it contains elements. A value must not be cut at an element."""
    if element is None or len(element):
        return None
    return element.text or ""

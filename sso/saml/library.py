"""python3-saml at its strictest, for a tree that passed our gate. `gate` and `claims` stop the messages that it would accept wrongly.

The library creates the same things for each message: settings, XPath expressions, and keys of certificates. Here they are created once, in
bounded caches, and the SAML schema is compiled once. No check is left out.

libxml2 must not compile its first schema in two threads at once: the process would then refuse every message until it ends. So the WSGI
application imports this module before any thread serves. Python's import lock keeps other threads out of any other first import.
"""

import base64
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import onelogin.saml2
import xmlsec
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from sso.saml.parties import Idp, Sp

LibraryFault: Final = OneLogin_Saml2_ValidationError
"""Exceptions by which the library refuses a message."""

OF_ROOT: Final = "/*/ds:Signature"
OF_ASSERTION: Final = "/samlp:Response/saml:Assertion/ds:Signature"
"""Places of signatures, as XPath."""

SIGNATURE_FAULTS: Final = frozenset(
    {
        LibraryFault.INVALID_SIGNATURE,
        LibraryFault.NO_SIGNATURE_FOUND,
        LibraryFault.WRONG_SIGNED_ELEMENT,
        LibraryFault.WRONG_NUMBER_OF_SIGNATURES_IN_RESPONSE,
    }
)
_OURS_TO_JUDGE: Final = frozenset(
    {
        LibraryFault.WRONG_SUBJECTCONFIRMATION,  # the library allows no difference of the clocks there
        LibraryFault.WRONG_NUMBER_OF_AUTHSTATEMENTS,  # the library requires exactly one
        # The library compares with this node's clock; `check_claims` compares the same times with the database's.
        LibraryFault.ASSERTION_TOO_EARLY,
        LibraryFault.ASSERTION_EXPIRED,
        LibraryFault.SESSION_EXPIRED,
    }
)
_TIMES: Final = ("IssueInstant", "NotBefore", "NotOnOrAfter", "AuthnInstant", "SessionNotOnOrAfter")

NO_MESSAGE: Final = base64.b64encode(b"<nothing/>").decode()
"""The message that the library parses."""

PROTOCOL: Final = "saml-schema-protocol-2.0.xsd"
_FOLDER: Final = Path(onelogin.saml2.__path__[0]) / "schemas"
_COMPILED: Final = {PROTOCOL: etree.XMLSchema(etree.parse(_FOLDER / PROTOCOL))}

_LOCK: Final = Lock()
"""lxml stores the errors of a validation in the schema, so two threads must not validate at once. A validation takes less than a millisecond."""


def is_ours_to_judge(fault: Exception, root: etree._Element) -> bool:
    """Whether `claims` decides about this fault of the library: clocks, statements, and times that the library cannot read."""
    if isinstance(fault, LibraryFault):
        return fault.code in _OURS_TO_JUDGE
    # For a time that it cannot read, the library raises a bare Exception around the ValueError. It cannot read a zone in numbers (``+00:00``).
    times = (element.get(name, "Z") for element in root.iter() for name in _TIMES)
    return isinstance(fault.__context__, ValueError) and any(not time.endswith("Z") for time in times)


def validate_signature(root: etree._Element, place: str, certificates: Sequence[str]) -> None:
    """Check the one signature at ``place``. Raises `LibraryFault`, or an exception of lxml or xmlsec."""
    OneLogin_Saml2_Utils.validate_sign(root, xpath=place, multicerts=list(certificates), raise_exceptions=True)


def signatures_at(root: etree._Element, place: str) -> list[etree._Element]:
    """Return the elements at ``place``."""
    signatures: Any = _query(root, place)
    return list(signatures)


@lru_cache(maxsize=256)
def library_settings(
    idp: Idp, sp: Sp, certificates: tuple[str, ...], signed: tuple[str, ...]
) -> OneLogin_Saml2_Settings:
    """Return the settings for a connection. The library reads them and does not change them, so threads may share them."""
    settings: dict[str, Any] = {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": sp.entity_id,
            "assertionConsumerService": {
                "url": sp.acs_url,
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
            },
            "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        },
        "idp": {
            "entityId": idp.entity_id,
            "singleSignOnService": {
                "url": idp.sso_url,
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
            },
            # Always a list of certificates, never a fingerprint: while an IdP replaces its certificate, either may have signed.
            "x509certMulti": {"signing": list(certificates)},
        },
        "security": {
            "wantAssertionsSigned": OF_ASSERTION in signed,
            "wantMessagesSigned": OF_ROOT in signed,
            "wantNameId": False,
            "wantAttributeStatement": False,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
            "allowRepeatAttributeName": False,
        },
    }
    return OneLogin_Saml2_Settings(settings)


def request_data(acs_url: str) -> dict[str, Any]:
    """Describe the request by our configured address, never by headers, because the sender writes them."""
    parts = urlsplit(acs_url)
    return {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
        "get_data": {},
        "post_data": {},
    }


@lru_cache(maxsize=64)
def _compiled(expression: str) -> etree.XPath:
    return etree.XPath(expression, namespaces=OneLogin_Saml2_Constants.NSMAP)


def _query(dom: etree._Element, query: str, context: etree._Element | None = None, tagid: str | None = None) -> object:
    """Find nodes as the library's ``query`` does. The expressions are constants; a value of a message is passed as a variable."""
    source = dom if context is None else context
    return _compiled(query)(source) if tagid is None else _compiled(query)(source, tagid=tagid)


def _query_assertion(response: Any, xpath_expr: str) -> list[etree._Element]:
    """Return the nodes at ``xpath_expr`` (``/saml:Conditions``) in the signed Assertion, which is found once for each message."""
    if "signed_assertions" not in response.__dict__:
        response.signed_assertions = _library_query_assertion(response, "")
    look: Any = _compiled(f".{xpath_expr}")
    return [node for assertion in response.signed_assertions for node in look(assertion)]


@lru_cache(maxsize=256)
def _key(certificate: str) -> xmlsec.Key:
    return xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem, None)


def _validate_node_sign(
    signature_node: etree._Element, elem: etree._Element, cert: str, *_: object, raise_exceptions: bool = False
) -> bool:
    """Verify one signature with the key of ``cert`` (PEM), as the library does. The library would parse the key for each signature.

    The context copies the key, so threads may share it.
    """
    context = xmlsec.SignatureContext()
    context.key = _key(cert)
    context.set_enabled_key_data([xmlsec.constants.KeyDataX509])
    try:
        context.verify(signature_node)
    except (xmlsec.Error, etree.LxmlError, ValueError) as error:
        if raise_exceptions:
            raise LibraryFault("Signature validation failed.", LibraryFault.INVALID_SIGNATURE) from error
        return False
    return True


def validate_xml(xml: etree._Element, schema: str, debug: bool = False) -> etree._Element | str:
    """Return ``xml``, or the library's error code for a tree that does not match the ``schema``. Raises KeyError for any schema except `PROTOCOL`."""
    compiled = _COMPILED[schema]
    with _LOCK:
        return xml if compiled.validate(xml) else "invalid_xml"


_library_query_assertion: Final = OneLogin_Saml2_Response._query_assertion
OneLogin_Saml2_Response._query_assertion = _query_assertion
OneLogin_Saml2_XML.query = staticmethod(_query)
OneLogin_Saml2_Utils.validate_node_sign = staticmethod(_validate_node_sign)
OneLogin_Saml2_XML.validate_xml = staticmethod(validate_xml)

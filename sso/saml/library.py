"""python3-saml: its verdict about a tree that passed our gate, at its strictest. `gate` and `claims` stop the messages that it would still accept.

The library makes the same things for each message: settings, XPath expressions and keys of certificates. Here they are made once, in bounded caches.
No check is left out by that.
"""

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import xmlsec
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from sso.saml import gate, schema  # noqa: F401 - the library validates by our compiled schema
from sso.saml.assertion import Idp, Sp

LibraryFault: Final = OneLogin_Saml2_ValidationError
"""Exceptions of the library for a message that it does not believe."""

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
        LibraryFault.WRONG_SUBJECTCONFIRMATION,  # it has no tolerance of clocks there
        LibraryFault.WRONG_NUMBER_OF_AUTHSTATEMENTS,  # it wants exactly one
        # It compares with the clock of this node; `check_claims` compares the same times with that of the database.
        LibraryFault.ASSERTION_TOO_EARLY,
        LibraryFault.ASSERTION_EXPIRED,
        LibraryFault.SESSION_EXPIRED,
    }
)
_TIMES: Final = ("IssueInstant", "NotBefore", "NotOnOrAfter", "AuthnInstant", "SessionNotOnOrAfter")

NO_MESSAGE: Final = base64.b64encode(b"<nothing/>").decode()
"""The message that the library parses."""


def is_ours_to_judge(fault: Exception, root: etree._Element) -> bool:
    """Whether a fault of the library is about what `claims` judges better: clocks, statements, and times that the library cannot read."""
    if isinstance(fault, LibraryFault):
        return fault.code in _OURS_TO_JUDGE
    # Where it cannot read a time, it raises a bare Exception around the ValueError. It cannot read a zone in numbers (``+00:00``).
    times = (element.get(name, "Z") for element in root.iter() for name in _TIMES)
    return isinstance(fault.__context__, ValueError) and any(not time.endswith("Z") for time in times)


def validate_signature(root: etree._Element, place: str, certificates: Sequence[str]) -> None:
    """Check the one signature at ``place``; raise `LibraryFault`, or what lxml and xmlsec raise."""
    OneLogin_Saml2_Utils.validate_sign(root, xpath=place, multicerts=list(certificates), raise_exceptions=True)


def signatures_at(root: etree._Element, place: str) -> list[etree._Element]:
    """Return the elements at ``place``."""
    found: Any = _query(root, place)
    return list(found)


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
            # Always the list, never a fingerprint: while an IdP changes its certificate, two may have signed.
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
    """Describe the request by our own configured address, never by headers that the other side wrote."""
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
    """Find nodes as the library's ``query`` does. Its expressions are constants, and values of a message come as a variable."""
    source = dom if context is None else context
    return _compiled(query)(source) if tagid is None else _compiled(query)(source, tagid=tagid)


def _query_assertion(response: Any, xpath_expr: str) -> list[etree._Element]:
    """Return what ``xpath_expr`` (``/saml:Conditions``) finds in the signed Assertion, which is looked for once in a message."""
    if "signed_assertions" not in response.__dict__:
        response.signed_assertions = _library_query_assertion(response, "")
    look: Any = _compiled(f".{xpath_expr}")
    return [found for assertion in response.signed_assertions for found in look(assertion)]


@lru_cache(maxsize=256)
def _key(certificate: str) -> xmlsec.Key:
    return xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem, None)


def _validate_node_sign(
    signature_node: etree._Element, elem: etree._Element, cert: str, *_: object, raise_exceptions: bool = False
) -> bool:
    """Verify one signature with the key of ``cert`` (PEM), as the library does. The library would read the key again for each signature.

    The context takes a copy of the key, so threads may share it.
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


_library_query_assertion: Final = OneLogin_Saml2_Response._query_assertion
OneLogin_Saml2_Response._query_assertion = _query_assertion
OneLogin_Saml2_XML.query = staticmethod(_query)
OneLogin_Saml2_Utils.validate_node_sign = staticmethod(_validate_node_sign)

"""The SAML schema, compiled once in a process. python3-saml would compile it for each message.

libxml2 must not compile its first schema in two threads at once: the process would then refuse every message until it ends. So the WSGI
application imports this module before any thread serves. Python's import lock keeps other threads out of any other first import.
"""

from pathlib import Path
from threading import Lock
from typing import Final

import onelogin.saml2
from lxml import etree
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

PROTOCOL: Final = "saml-schema-protocol-2.0.xsd"

_FOLDER: Final = Path(onelogin.saml2.__path__[0]) / "schemas"
_COMPILED: Final = {PROTOCOL: etree.XMLSchema(etree.parse(_FOLDER / PROTOCOL))}

_LOCK: Final = Lock()
"""lxml stores the errors of a validation in the schema, so two threads must not validate at once. A validation takes less than a millisecond."""


def validate_xml(xml: etree._Element, schema: str, debug: bool = False) -> etree._Element | str:
    """Return ``xml``, or the library's error code for a tree that does not match the ``schema``. Raises KeyError for any schema except `PROTOCOL`."""
    compiled = _COMPILED[schema]
    with _LOCK:
        return xml if compiled.validate(xml) else "invalid_xml"


OneLogin_Saml2_XML.validate_xml = staticmethod(validate_xml)

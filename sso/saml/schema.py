"""The SAML schema, compiled once for a process, in place of python3-saml's compilation for each message.

libxml2 must not compile its first schema in two threads at once: the process then refuses every message until it ends. So the WSGI application
imports this module before any thread serves, and Python's import lock keeps a second thread out wherever else it is imported first.
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
"""lxml keeps the errors of a validation at the schema, and cannot do so for two threads. A validation takes less than a millisecond."""


def validate_xml(xml: etree._Element, schema: str, debug: bool = False) -> etree._Element | str:
    """Return ``xml``, or the library's word for a tree that does not follow the ``schema``. Raises KeyError for any other schema than `PROTOCOL`."""
    compiled = _COMPILED[schema]
    with _LOCK:
        return xml if compiled.validate(xml) else "invalid_xml"


OneLogin_Saml2_XML.validate_xml = staticmethod(validate_xml)

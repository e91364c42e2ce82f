"""An assertion that only its recipient can read: AES-256-GCM, its key wrapped by RSA-OAEP (XML Encryption 1.1; SAML core 2.3.4)."""

import base64
from http import HTTPStatus
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from xmlsec import constants, template

from demo.idp.authn_request import Refused
from demo.idp.names import DS, MD, SAML

_MAX_BYTES: Final = 256 * 1024


def certificate_at(metadata_url: str, use: str) -> x509.Certificate:
    """Return the certificate that the SP's metadata names for a ``use`` (encryption, signing); raise `Refused` where there is none."""
    try:
        with urlopen(metadata_url, timeout=5) as answer:  # noqa: S310 - the SP's address, from our own command line
            xml = answer.read(_MAX_BYTES) if answer.status == HTTPStatus.OK else b""
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
        found = root.find(f".//{MD}KeyDescriptor[@use='{use}']//{DS}X509Certificate")
        return x509.load_der_x509_certificate(base64.b64decode((found.text or "") if found is not None else ""))
    except (URLError, OSError, ValueError, etree.XMLSyntaxError) as error:
        raise Refused(
            f"CORE's metadata has no certificate for {use}. Create one: connection saml-keys SLUG create."
        ) from error


def encrypt(assertion: etree._Element, recipient: x509.Certificate) -> None:
    """Put an EncryptedAssertion in the place of ``assertion``."""
    parent = assertion.getparent()
    if parent is None:
        raise ValueError("An assertion must be in a Response.")
    place = etree.Element(f"{SAML}EncryptedAssertion")
    parent.replace(assertion, place)
    place.append(assertion)
    data = template.encrypted_data_create(place, constants.TransformAes256Gcm, type=constants.TypeEncElement, ns="xenc")
    template.encrypted_data_ensure_cipher_value(data)
    info = template.encrypted_data_ensure_key_info(data, ns="ds")
    wrapped = template.add_encrypted_key(info, constants.TransformRsaOaep)
    template.encrypted_data_ensure_cipher_value(wrapped)
    manager = xmlsec.KeysManager()
    pem = recipient.public_bytes(Encoding.PEM)
    manager.add_key(xmlsec.Key.from_memory(pem, constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(constants.KeyDataAes, 256, constants.KeyDataTypeSession)
    context.encrypt_xml(data, assertion)

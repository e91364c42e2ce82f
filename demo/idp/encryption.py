"""An assertion that only its recipient can read: AES-256-GCM, its key wrapped by RSA-OAEP (XML Encryption 1.1; SAML core 2.3.4)."""

import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from xmlsec import constants, template

from demo.idp.names import SAML
from demo.idp.signing_key import SigningKey


def encrypt(assertion: etree._Element, recipient: SigningKey) -> None:
    """Put an EncryptedAssertion in the place of ``assertion``. Only the certificate of ``recipient`` is used."""
    parent = assertion.getparent()
    if parent is None:
        raise ValueError("An assertion stands in a Response.")
    place = etree.Element(f"{SAML}EncryptedAssertion")
    parent.replace(assertion, place)
    place.append(assertion)
    data = template.encrypted_data_create(place, constants.TransformAes256Gcm, type=constants.TypeEncElement, ns="xenc")
    template.encrypted_data_ensure_cipher_value(data)
    info = template.encrypted_data_ensure_key_info(data, ns="ds")
    wrapped = template.add_encrypted_key(info, constants.TransformRsaOaep)
    template.encrypted_data_ensure_cipher_value(wrapped)
    manager = xmlsec.KeysManager()
    pem = recipient.certificate.public_bytes(Encoding.PEM)
    manager.add_key(xmlsec.Key.from_memory(pem, constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(constants.KeyDataAes, 256, constants.KeyDataTypeSession)
    context.encrypt_xml(data, assertion)

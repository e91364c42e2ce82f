"""The metadata of the demo IdP, for the product."""

from lxml import etree

from demo.idp.names import DS, MD, NAME_ID_UNSPECIFIED, POST_BINDING, REDIRECT_BINDING, SAMLP, prefixes
from demo.idp.parties import Parties
from demo.idp.signing_key import ANNOUNCED, SigningKeys


def idp_metadata(parties: Parties, keys: SigningKeys) -> bytes:
    """Return the EntityDescriptor (SAML metadata 2.3.2, 2.4.3)."""
    entity = etree.Element(f"{MD}EntityDescriptor", {"entityID": parties.idp_entity_id}, nsmap=prefixes(md=MD, ds=DS))
    role = etree.SubElement(
        entity,
        f"{MD}IDPSSODescriptor",
        {"WantAuthnRequestsSigned": "false", "protocolSupportEnumeration": SAMLP[1:-1]},
    )
    for name in ANNOUNCED:
        info = etree.SubElement(etree.SubElement(role, f"{MD}KeyDescriptor", {"use": "signing"}), f"{DS}KeyInfo")
        certificate = etree.SubElement(etree.SubElement(info, f"{DS}X509Data"), f"{DS}X509Certificate")
        certificate.text = keys[name].certificate_base64
    etree.SubElement(role, f"{MD}SingleLogoutService", {"Binding": POST_BINDING, "Location": parties.slo_url})
    etree.SubElement(role, f"{MD}NameIDFormat").text = NAME_ID_UNSPECIFIED
    etree.SubElement(role, f"{MD}SingleSignOnService", {"Binding": REDIRECT_BINDING, "Location": parties.sso_url})
    return etree.tostring(entity, xml_declaration=True, encoding="UTF-8", pretty_print=True)

"""The answer of the IdP about a person: a Response with one Assertion, both signed, as Okta does (SAML core 2.3, 3.3; profiles 4.1.4.2)."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

import xmlsec
from cryptography import x509
from lxml import etree
from xmlsec import constants, template

from demo.idp import names
from demo.idp.encryption import encrypt
from demo.idp.habits import Habits
from demo.idp.names import SAML, SAMLP, XS, XSI
from demo.idp.parties import Parties
from demo.idp.signing_key import SigningKey, SigningKeys
from demo.people import DemoPerson

LIFETIME: Final = timedelta(minutes=5)


def signed_response(
    person: DemoPerson,
    *,
    parties: Parties,
    keys: SigningKeys,
    in_response_to: str | None,
    now: datetime,
    habits: Habits = Habits(),  # noqa: B008 - immutable
    recipient: x509.Certificate | None = None,
    session_index: str | None = None,
) -> bytes:
    """Return the XML of the answer to the request with that ID (None: nobody asked, as from Okta's tile). ``now`` is aware.

    With a ``recipient`` the assertion is encrypted to it. By the ``session_index`` a logout names this session.
    """
    now += habits.clock
    key = keys[habits.key]
    answers = {} if in_response_to is None else {"InResponseTo": in_response_to}
    times = instant(now), instant(now + LIFETIME)
    head = {"Version": "2.0", "IssueInstant": times[0]}
    response = etree.Element(
        f"{SAMLP}Response",
        {"ID": new_id(), **head, "Destination": parties.acs_url, **answers},
        nsmap=names.prefixes(samlp=SAMLP, saml=SAML, xs=XS, xsi=XSI),
    )
    add(response, f"{SAML}Issuer", parties.idp_entity_id)
    add(add(response, f"{SAMLP}Status"), f"{SAMLP}StatusCode", Value=names.SUCCESS)
    assertion = add(response, f"{SAML}Assertion", ID=new_id(), **head)
    add(assertion, f"{SAML}Issuer", parties.idp_entity_id)
    subject = add(assertion, f"{SAML}Subject")
    add(subject, f"{SAML}NameID", name_id_of(person, habits.name_id_format), Format=habits.name_id_format)
    confirmation = add(subject, f"{SAML}SubjectConfirmation", Method=names.BEARER)
    data = {"Recipient": parties.acs_url, "NotOnOrAfter": times[1], **answers}
    add(confirmation, f"{SAML}SubjectConfirmationData", **data)
    conditions = add(assertion, f"{SAML}Conditions", NotBefore=times[0], NotOnOrAfter=times[1])
    add(add(conditions, f"{SAML}AudienceRestriction"), f"{SAML}Audience", habits.audience or parties.sp_entity_id)
    statement = add(assertion, f"{SAML}AuthnStatement", AuthnInstant=times[0], SessionIndex=session_index or new_id())
    add(add(statement, f"{SAML}AuthnContext"), f"{SAML}AuthnContextClassRef", names.PASSWORD)
    _add_attributes(assertion, person, habits)
    # From the inside out: the signature of the Response covers that of the Assertion.
    sign(assertion, key)
    if recipient is not None:
        encrypt(assertion, recipient)
    if habits.signs_response:
        sign(response, key)
    return etree.tostring(response, encoding="UTF-8", xml_declaration=True)


def name_id_of(person: DemoPerson, name_id_format: str) -> str:
    """A persistent one is opaque and always the same (SAML core 8.3.7); the others are Okta's username."""
    if name_id_format == names.NAME_ID_PERSISTENT:
        return hashlib.sha256(person.okta_id.encode()).hexdigest()[:32]
    return person.login


def _add_attributes(assertion: etree._Element, person: DemoPerson, habits: Habits) -> None:
    uid = {} if habits.uid_attribute is None else {habits.uid_attribute: (habits.uid or person.uid,)}
    attributes: dict[str, tuple[str, ...]] = {
        **uid,
        "FirstName": (person.first_name,),
        "LastName": (person.last_name,),
        "Email": (person.email,),
        "Title": (person.title,),
        "Organization": (person.organization,),
        "Department": (person.department,),
        "Group": person.groups,
    }
    statement = add(assertion, f"{SAML}AttributeStatement")
    for name, values in attributes.items():
        if not values:  # Okta leaves out what has no value
            continue
        attribute = add(statement, f"{SAML}Attribute", Name=name, NameFormat=names.NAME_FORMAT_UNSPECIFIED)
        for value in values:
            add(attribute, f"{SAML}AttributeValue", value).set(f"{XSI}type", "xs:string")


def sign(element: etree._Element, key: SigningKey) -> None:
    """Put a signature after the Issuer, where the schema wants it: RSA-SHA256, enveloped, exclusive c14n."""
    signature = template.create(element, constants.TransformExclC14N, constants.TransformRsaSha256, ns="ds")
    element.insert(1, signature)
    reference = template.add_reference(signature, constants.TransformSha256, uri=f"#{element.get('ID')}")
    template.add_transform(reference, constants.TransformEnveloped)
    template.add_transform(reference, constants.TransformExclC14N)
    template.x509_data_add_certificate(template.add_x509_data(template.ensure_key_info(signature)))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.pem, constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(key.pem, constants.KeyDataFormatPem)
    context.register_id(element, "ID")
    context.sign(signature)


def add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, tag, attributes)
    element.text = text
    return element


def new_id() -> str:
    return f"_{secrets.token_hex(20)}"


def instant(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

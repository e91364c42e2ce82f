"""An identity provider for tests. It signs real messages, at test time, by an implementation that is not the verifier's (signxml)."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from zlib import compressobj, decompress

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from core_identity.values import Person

NS = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
}
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
PLACE = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"></ds:Signature>'

Change = Callable[[etree._Element], None]


def instant(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Claims:
    """The claims of a Response. None leaves a claim out; the defaults are Okta's. Values are escaped; attribute values are raw XML if marked."""

    acs_url: str
    audience: str | None
    in_response_to: str | None
    name_id: str | None = "jane.doe@acme.test"
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    issuer: str | None = None
    destination: str | None = "acs_url"
    recipient: str | None = "acs_url"
    confirmed_request: str | None = "in_response_to"
    status: str = SUCCESS
    issued: timedelta = timedelta()
    not_before: timedelta | None = timedelta(minutes=-5)
    not_on_or_after: timedelta | None = timedelta(minutes=5)
    confirmation_end: timedelta | None = timedelta(minutes=5)
    session_end: timedelta | None = None
    authn: timedelta = timedelta()
    method: str = BEARER
    response_id: str = "_response1"
    assertion_id: str = ""
    raw: bool = False


def attributes_of(person: Person) -> dict[str, tuple[str, ...]]:
    """Return the attributes that the article's Okta sends for a person."""
    values_by_name = {
        "UID": person.uid,
        "FirstName": person.given_name,
        "LastName": person.family_name,
        "Email": person.email,
        "Title": person.title,
        "Organization": person.organization,
        "Department": person.department,
    }
    attributes = {name: (value,) for name, value in values_by_name.items() if value is not None}
    return attributes | ({"Group": person.groups} if person.groups else {})


class TestIdp:
    """One IdP with one key. ``url`` is where its pages would be; ``ends`` is when its certificate does, from now."""

    __test__ = False

    def __init__(
        self, url: str = "https://idp.test", *, bits: int = 2048, ends: timedelta = timedelta(days=30)
    ) -> None:
        self.entity_id = f"{url}/metadata"
        self.sso_url = f"{url}/sso"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        self.certificate = certificate_for(self.key, ends=ends)
        self._number = 0

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def metadata(self, **changes: str) -> str:
        """Return its metadata document; ``changes`` replace parts of the text (``use``, ``sso_url``, ``entity_id``, ``extra``, ``key``)."""
        bare = base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()
        parts = {
            "entity_id": self.entity_id,
            "sso_url": self.sso_url,
            "use": 'use="signing"',
            "extra": "",
            "certificate": bare,
        }
        parts |= changes
        return (
            '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}" {extra}>'
            '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<md:KeyDescriptor {use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
            "<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso_url}"/>'
            "</md:IDPSSODescriptor></md:EntityDescriptor>"
        ).format(**parts)

    def claims(self, person: Person, *, acs_url: str, request_id: str | None, **changes: Any) -> Claims:
        """Return what this IdP would say of a person to the service at ``acs_url``."""
        audience = acs_url.removesuffix("/acs") + "/metadata"
        claims = Claims(
            acs_url=acs_url,
            audience=audience,
            in_response_to=request_id,
            name_id=person.name_id or person.user_name,
            attributes=attributes_of(person),
            issuer=self.entity_id,
        )
        return replace(claims, **changes)

    def response(
        self,
        claims: Claims,
        *,
        sign: str = "both",
        before: Change | None = None,
        after: Change | None = None,
        method: SignatureMethod = SignatureMethod.RSA_SHA256,
        digest: DigestAlgorithm = DigestAlgorithm.SHA256,
        seal: Change | None = None,
    ) -> str:
        """Return a ``SAMLResponse`` (base64). ``sign``: both, assertion, response or none; ``before`` and ``after`` change the tree.

        ``seal`` comes between the two signatures: see `encrypting_to`.
        """
        self._number += 1
        claims = replace(claims, assertion_id=claims.assertion_id or f"_a{self._number}-{id(self)}-{now().timestamp()}")
        root = etree.fromstring(response_xml(claims, sign))
        if before:
            before(root)
        if sign in {"both", "assertion"}:
            assertion = root.find("saml:Assertion", NS)
            assert assertion is not None
            position = root.index(assertion)
            root.remove(assertion)
            root.insert(position, self.sign(assertion, method=method, digest=digest))
        if seal:
            seal(root)
        if sign in {"both", "response"}:
            root = self.sign(root, method=method, digest=digest)
        if after:
            after(root)
        return base64.b64encode(etree.tostring(root)).decode()

    def logout(self, xml: str) -> str:
        """Return a logout message (base64) for the POST binding: ``xml`` with a signature at its `PLACE`."""
        return base64.b64encode(etree.tostring(self.sign(etree.fromstring(xml)))).decode()

    def logout_query(self, xml: str, *, field: str = "SAMLRequest", **changes: Any) -> str:
        """Return a signed query of the Redirect binding. ``changes``: ``algorithm``, ``relay_state``, ``digest``, ``escape``, ``sign``."""
        escape = changes.get("escape", lambda text: quote(text, safe=""))
        deflater = compressobj(9, 8, -15)
        deflated = deflater.compress(xml.encode()) + deflater.flush()
        fields = {field: base64.b64encode(deflated).decode()}
        if changes.get("relay_state") is not None:
            fields["RelayState"] = changes["relay_state"]
        fields["SigAlg"] = changes.get("algorithm", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
        signed = "&".join(f"{name}={escape(value)}" for name, value in fields.items())
        hashed = changes.get("digest", hashes.SHA256())
        sign = changes.get("sign", lambda octets: self.key.sign(octets, padding.PKCS1v15(), hashed))
        signature = sign(signed.encode())
        return f"{signed}&Signature={escape(base64.b64encode(signature).decode())}"

    def sign(
        self,
        element: etree._Element,
        *,
        method: SignatureMethod = SignatureMethod.RSA_SHA256,
        digest: DigestAlgorithm = DigestAlgorithm.SHA256,
    ) -> etree._Element:
        """Return ``element`` with a signature where its placeholder is."""
        signer = _Signer(signature_algorithm=method, digest_algorithm=digest, c14n_algorithm=EXC_C14N)
        signed = signer.sign(
            etree.fromstring(etree.tostring(element)),
            key=self.key,
            cert=[self.certificate],
            reference_uri=element.get("ID"),
        )
        assert isinstance(signed, etree._Element)
        return signed


class _Signer(XMLSigner):
    def check_deprecated_methods(self) -> None:
        """Weak algorithms are signed here, to see them refused there."""


def encrypting_to(
    certificate: str,
    *,
    content: Any = xmlsec.constants.TransformAes256Gcm,
    wrap: Any = xmlsec.constants.TransformRsaOaep,
    bits: int = 256,
) -> Change:
    """Return what encrypts the Assertion of a Response to a certificate (PEM), by xmlsec: not the way in which it is opened."""

    def seal(root: etree._Element) -> None:
        assertion = root.find("saml:Assertion", NS)
        assert assertion is not None
        place = etree.Element(f"{{{NS['saml']}}}EncryptedAssertion")
        root.replace(assertion, place)
        place.append(assertion)
        data = xmlsec.template.encrypted_data_create(place, content, type=xmlsec.constants.TypeEncElement, ns="xenc")
        xmlsec.template.encrypted_data_ensure_cipher_value(data)
        info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
        xmlsec.template.encrypted_data_ensure_cipher_value(xmlsec.template.add_encrypted_key(info, wrap))
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem))
        context = xmlsec.EncryptionContext(manager)
        kind = (
            xmlsec.constants.KeyDataDes if bits == 192 and "tripledes" in content.href else xmlsec.constants.KeyDataAes
        )
        context.key = xmlsec.Key.generate(kind, bits, xmlsec.constants.KeyDataTypeSession)
        context.encrypt_xml(data, assertion)

    return seal


def certificate_for(key: rsa.RSAPrivateKey, *, ends: timedelta = timedelta(days=30)) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.test")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() + ends - timedelta(days=365))
        .not_valid_after(now() + ends)
        .sign(key, hashes.SHA256())
    )


def response_xml(claims: Claims, sign: str) -> bytes:
    """Return the Response before it is signed, with a place for each signature."""
    time = now() + claims.issued
    destination = claims.acs_url if claims.destination == "acs_url" else claims.destination
    recipient = claims.acs_url if claims.recipient == "acs_url" else claims.recipient
    confirmed = claims.in_response_to if claims.confirmed_request == "in_response_to" else claims.confirmed_request
    issuer = "" if claims.issuer is None else f"<saml:Issuer>{_text(claims.issuer)}</saml:Issuer>"
    audience = "" if claims.audience is None else (
        f"<saml:AudienceRestriction><saml:Audience>{_text(claims.audience)}</saml:Audience></saml:AudienceRestriction>"
    )  # fmt: skip
    name_id = "" if claims.name_id is None else (
        f'<saml:NameID Format="{UNSPECIFIED}">{claims.name_id if claims.raw else _text(claims.name_id)}</saml:NameID>'
    )  # fmt: skip
    window = _attributes(NotBefore=_at(time, claims.not_before), NotOnOrAfter=_at(time, claims.not_on_or_after))
    confirmation = _attributes(
        InResponseTo=confirmed, Recipient=recipient, NotOnOrAfter=_at(time, claims.confirmation_end)
    )
    response = _attributes(Destination=destination, InResponseTo=claims.in_response_to)
    session = _attributes(SessionNotOnOrAfter=_at(now(), claims.session_end))
    return f"""<samlp:Response xmlns:samlp="{NS["samlp"]}" xmlns:saml="{NS["saml"]}" ID="{claims.response_id}" Version="2.0"
      IssueInstant="{instant(time)}"{response}>{issuer}{PLACE if sign in {"both", "response"} else ""}
      <samlp:Status><samlp:StatusCode Value="{claims.status}"/></samlp:Status>
      <saml:Assertion ID="{claims.assertion_id}" Version="2.0" IssueInstant="{instant(time)}">{issuer}
        {PLACE if sign in {"both", "assertion"} else ""}
        <saml:Subject>{name_id}<saml:SubjectConfirmation Method="{claims.method}">
          <saml:SubjectConfirmationData{confirmation}/></saml:SubjectConfirmation></saml:Subject>
        <saml:Conditions{window}>{audience}</saml:Conditions>
        <saml:AuthnStatement AuthnInstant="{instant(time + claims.authn)}" SessionIndex="_s1"{session}>
          <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
          </saml:AuthnContext></saml:AuthnStatement>
        {_statement(claims)}
      </saml:Assertion></samlp:Response>""".encode()


def _statement(claims: Claims) -> str:
    if not claims.attributes:
        return ""
    elements = "".join(
        f'<saml:Attribute Name="{_text(name)}">'
        + "".join(
            f"<saml:AttributeValue>{value if claims.raw else _text(value)}</saml:AttributeValue>" for value in values
        )
        + "</saml:Attribute>"
        for name, values in claims.attributes.items()
    )
    return f"<saml:AttributeStatement>{elements}</saml:AttributeStatement>"


def _attributes(**values: str | None) -> str:
    return "".join(f' {name}="{_text(value)}"' for name, value in values.items() if value is not None)


def _at(time: datetime, offset: timedelta | None) -> str | None:
    return None if offset is None else instant(time + offset)


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def request_in(location: str) -> etree._Element:
    """Return the AuthnRequest in the address to which a browser was sent."""
    (message,) = parse_qs(urlsplit(location).query)["SAMLRequest"]
    return etree.fromstring(decompress(base64.b64decode(message), -15))

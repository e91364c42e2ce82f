"""The ways in which an IdP may sign and encrypt, each at test time: algorithms, keys, the content of KeyInfo, and the place of an envelope's key."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from core_identity.models import Connection, User
from sso.models import SignInRecord
from sso.saml.parties import Signed
from sso.settings import keys
from sso.sign_in.remedies import remedy_for
from tests.sso.conftest import Browser
from tests.sso.test_benign import (
    AUDIENCE,
    BY_CLAIMS,
    BY_OID,
    EDITS,
    KEY_VALUE,
    VENDORS,
    instants,
    is_jane,
    post_message,
    settings,
    swap,
)
from tests.support.cast import ADMIN
from tests.support.saml import EXC_C14N, TestIdp
from tests.support.saml_layouts import BY_KEY_INFO, Edit, Key, Layout, Signature, certificate_of, sealed
from tests.support.undone import every_case

X509 = "<$p:X509Data><$p:X509Certificate>$certificate</$p:X509Certificate></$p:X509Data>"
SIGNATURES = {
    "no KeyInfo": Signature(key_info=""),
    "a certificate in lines": Signature(key_info=Signature.key_info.replace("$certificate", "\n$certificate\n")),
    "several certificates": Signature(
        key_info=Signature.key_info.replace("</$p:X509Data>", "<$p:X509Certificate>AAAA</$p:X509Certificate></$p:X509Data>")
    ),
    "two X509Data": Signature(key_info=f"<$p:KeyInfo>{X509 * 2}</$p:KeyInfo>"),
    "the name of the certificate": Signature(
        key_info="<$p:KeyInfo><$p:X509Data><$p:X509SubjectName>CN=idp.test</$p:X509SubjectName></$p:X509Data></$p:KeyInfo>"
    ),
    "issuer and serial number": Signature(
        key_info="<$p:KeyInfo><$p:X509Data><$p:X509IssuerSerial><$p:X509IssuerName>CN=idp.test</$p:X509IssuerName>"
        "<$p:X509SerialNumber>1</$p:X509SerialNumber></$p:X509IssuerSerial></$p:X509Data></$p:KeyInfo>"
    ),
    "a key value": Signature(key_info=KEY_VALUE),
    "the name of the key": Signature(key_info="<$p:KeyInfo><$p:KeyName>2026</$p:KeyName></$p:KeyInfo>"),
    "several prefixes to keep": Signature(prefixes="xs saml2 xsi"),
    "the default namespace to keep": Signature(prefixes="#default xs"),
    "IDs of its own": Signature(attributes=' Id="sig-$p"'),
    "exclusive canonicalization with comments": Signature(c14n=f"{EXC_C14N}WithComments", prefixes="xs"),
    "lines with references": Signature(line=76),
    **{
        f"rsa-{method}, {digest}": Signature(method=f"rsa-{method}", digest=digest)
        for method in ("sha256", "sha384", "sha512") for digest in ("sha256", "sha384", "sha512")
    },
}  # fmt: skip


def test_a_signature_may_be_written_in_many_ways(acme: Connection, idp: TestIdp) -> None:
    with every_case() as case:
        for name, signature in SIGNATURES.items():
            response = replace(signature, attributes=signature.attributes.replace("$p", "r"))
            assertion = replace(signature, attributes=signature.attributes.replace("$p", "a"))
            with case(name):
                browser = Browser(idp)
                is_jane(browser, post_message(browser, Layout(assertion=assertion, response=response)))


def test_a_comment_is_refused_also_where_the_canonicalization_would_keep_it(browser: Browser) -> None:
    signature = SIGNATURES["exclusive canonicalization with comments"]
    commented = Layout(
        assertion=signature, response=signature, edit=lambda xml: xml.replace(">jane.doe<", ">jane<!-- -->.doe<")
    )
    answer = post_message(browser, commented)
    assert answer.status_code == 400
    assert "(forbidden_xml)" in answer.content.decode()
    assert not User.objects.exists()


KEYS: dict[str, Callable[[], Key]] = {
    "RSA of 3072 bits": lambda: rsa.generate_private_key(public_exponent=65537, key_size=3072),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("beside", ["alone", "beside another"])
def test_keys_of_other_kinds_sign_as_well(browser: Browser, acme: Connection, name: str, beside: str) -> None:
    key = KEYS[name]()
    pem = certificate_of(key)
    settings(acme, browser.idp, certificates=[pem] if beside == "alone" else [browser.idp.pem, pem])
    family = "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa"
    for digest in ("sha256", "sha384", "sha512"):
        signature = Signature(method=f"{family}-{digest}", digest=digest)
        is_jane(browser, post_message(browser, Layout(assertion=signature, response=signature), key=key))


ZONED = instants(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}+00:00")


@pytest.mark.parametrize("edit", [ZONED, EDITS["an older sign-in too"]], ids=["zones", "statements"])
def test_values_that_the_library_cannot_read_do_not_bypass_the_signatures(browser: Browser, edit: Edit) -> None:
    def altered(xml: bytes) -> str:
        return base64.b64encode(xml.replace(b">jane.doe</", b">eve.doe</")).decode()

    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for answer in (
        post_message(browser, Layout(edit=edit, encode=altered)),
        post_message(browser, Layout(edit=edit), key=stranger),
    ):
        assert (answer.status_code, "(signature)" in answer.content.decode()) == (400, True)
    assert "(not_signed)" in post_message(browser, Layout(edit=edit, assertion=None)).content.decode()
    assert not User.objects.exists()


# Encrypted


def reword(*pairs: tuple[str, str]) -> str:
    return swap(*pairs)(BY_KEY_INFO)


OWN_KEY = BY_KEY_INFO[
    BY_KEY_INFO.index("<xenc:EncryptedKey") : BY_KEY_INFO.index("</ds:KeyInfo><xenc:CipherData><xenc:CipherValue>$data")
]
RETRIEVED = '<ds:RetrievalMethod Type="http://www.w3.org/2001/04/xmlenc#EncryptedKey" URI="#_key"/>'
BESIDE = OWN_KEY.replace("<xenc:EncryptedKey ", '<xenc:EncryptedKey xmlns:xenc="$xenc" ').replace(
    "<ds:KeyInfo>", '<ds:KeyInfo xmlns:ds="$ds">'
)
SHA256_OAEP = '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
MGF = '<xenc11:MGF xmlns:xenc11="$xenc11" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>'
SHA1_OAEP = '<ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>'
OUR_CERTIFICATE = (
    "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>$certificate</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
)
AS_ADFS = (
    '<xenc:EncryptedData Type="${xenc}Element" xmlns:xenc="$xenc"><xenc:EncryptionMethod Algorithm="$content"/>'
    '<KeyInfo xmlns="$ds"><e:EncryptedKey xmlns:e="$xenc"><e:EncryptionMethod Algorithm="$wrap">'
    '<DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/></e:EncryptionMethod><KeyInfo><ds:X509Data xmlns:ds="$ds">'
    "<ds:X509IssuerSerial><ds:X509IssuerName>CN=core</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial>"
    "</ds:X509Data></KeyInfo><e:CipherData><e:CipherValue>$key</e:CipherValue></e:CipherData></e:EncryptedKey></KeyInfo>"
    "<xenc:CipherData><xenc:CipherValue>$data</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>"
)
ENVELOPES: dict[str, dict[str, Any]] = {
    **{f"aes{bits}-{mode}": {"content": f"aes{bits}-{mode}"} for bits in (128, 192, 256) for mode in ("cbc", "gcm")},
    "OAEP that says SHA-1": {"oaep": SHA1_OAEP},
    "OAEP with SHA-256": {"oaep": SHA256_OAEP, "hashed": "sha256"},
    "OAEP 1.1": {"wrap": "rsa-oaep", "oaep": SHA1_OAEP},
    "OAEP 1.1 with nothing said": {"wrap": "rsa-oaep"},
    "OAEP 1.1 with SHA-256": {"wrap": "rsa-oaep", "oaep": SHA256_OAEP + MGF, "hashed": "sha256", "mask": "sha256"},
    "OAEP 1.1 with SHA-256 and MGF1 of SHA-1": {"wrap": "rsa-oaep", "oaep": SHA256_OAEP, "hashed": "sha256"},
    "the key beside": {"layout": swap((OWN_KEY, RETRIEVED))(BY_KEY_INFO) + BESIDE},
    "the key beside, and no word of it": {"layout": re.sub("<ds:KeyInfo .*?</xenc:EncryptedKey></ds:KeyInfo>", "", BY_KEY_INFO) + BESIDE},
    "the key beside, with what it is for": {
        "layout": swap((OWN_KEY, RETRIEVED))(BY_KEY_INFO)
        + BESIDE.replace(
            "</xenc:EncryptedKey>",
            '<xenc:ReferenceList><xenc:DataReference URI="#_data"/></xenc:ReferenceList></xenc:EncryptedKey>',
        )
    },
    "a recipient": {"layout": reword(('Id="_key"', f'Id="_key" Recipient="{AUDIENCE}"'))},
    "a MIME type": {"layout": reword(('Id="_data"', 'Id="_data" MimeType="text/xml" Encoding=""'))},
    "no type and no IDs": {"layout": reword((' Id="_data" Type="${xenc}Element"', ""), (' Id="_key"', ""))},
    "as ADFS and Entra write it": {"layout": AS_ADFS, "content": "aes256-cbc"},
    "no certificate": {"layout": reword((OUR_CERTIFICATE, ""))},
    "the name of the key": {"layout": reword((OUR_CERTIFICATE, "<ds:KeyInfo><ds:KeyName/></ds:KeyInfo>"))},
    "a key that is named": {"layout": reword(("</xenc:EncryptedKey>", "<xenc:CarriedKeyName>k</xenc:CarriedKeyName></xenc:EncryptedKey>"))},
    "its name before the key": {"layout": reword(("<xenc:EncryptedKey ", "<ds:KeyName>session</ds:KeyName><xenc:EncryptedKey "))},
    "values in lines": {"layout": reword((">$key<", ">\n$key\n<"), (">$data<", ">\r\n$data\r\n<"))},
    "white space between": {"layout": reword(("><", ">\n<"))},
    "the default namespace": {"layout": reword(("xmlns:xenc=", "xmlns="), ("<xenc:", "<"), ("</xenc:", "</"))},
    "a key size": {"layout": reword(('Algorithm="$content"/>', 'Algorithm="$content"><xenc:KeySize>256</xenc:KeySize></xenc:EncryptionMethod>'))},
}  # fmt: skip


def test_an_assertion_may_be_encrypted_in_many_ways(acme: Connection, idp: TestIdp) -> None:
    certificate = keys.make_key(actor=ADMIN, connection=acme).certificate
    with every_case() as case:
        for name, envelope in ENVELOPES.items():
            with case(name):
                browser = Browser(idp)
                is_jane(browser, post_message(browser, Layout(seal=sealed(certificate, **envelope))))


@pytest.mark.parametrize("file", ["okta", "entra", "adfs", "shibboleth", "jumpcloud", "keycloak"])
def test_each_layout_survives_encryption(browser: Browser, acme: Connection, file: str) -> None:
    """Prefixes that were declared around the Assertion are still declared when it comes out."""
    names = {"entra": BY_CLAIMS, "adfs": BY_CLAIMS, "shibboleth": BY_OID}.get(file, {})
    names = VENDORS["Keycloak"].attributes if file == "keycloak" else names
    acme.uid_attribute = VENDORS["Shibboleth"].uid if file == "shibboleth" else "UID"
    acme.save()
    settings(acme, browser.idp, attributes=names, want_encrypted=True)
    certificate = keys.announced_certificates(acme.saml)[0]
    is_jane(browser, post_message(browser, Layout(file, Signature(prefixes="xs"), seal=sealed(certificate))))


def test_shibboleth_as_it_comes_signs_the_response_over_an_encrypted_assertion_that_is_not_signed(
    browser: Browser, acme: Connection
) -> None:
    """It encrypts to us as soon as our metadata contains a key, and signs the Assertion only if our metadata demands that."""
    acme.uid_attribute = VENDORS["Shibboleth"].uid
    acme.save()
    certificate = keys.make_key(actor=ADMIN, connection=acme).certificate
    layout = Layout("shibboleth", None, Signature(line=76), seal=sealed(certificate))
    for signed in Signed:
        settings(acme, browser.idp, attributes=BY_OID, signed=signed.value, want_encrypted=True)
        answer = post_message(browser, layout)
        if signed.needs_assertion:
            row = SignInRecord.objects.latest("at")
            assert (answer.status_code, row.code) == (400, "not_signed")
            assert row.received == "the Response is signed, the Assertion is not"
            assert "write signed: response" in remedy_for(row.code, row.checks)
        else:
            is_jane(browser, answer)
        # Our metadata and the connection demand the same, because Shibboleth obeys the metadata.
        attribute = b'WantAssertionsSigned="%s"' % (b"true" if signed.needs_assertion else b"false")
        assert attribute in browser.http.get("/sso/acme/metadata").content

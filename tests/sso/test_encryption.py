"""Encrypted assertions: well-made ones are opened, all others get the same answer, whatever is wrong inside."""

import base64
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509 import load_pem_x509_certificate
from lxml import etree
from xmlsec import constants

import sso.settings.changes
from core_identity.models import Connection, User
from sso.models import SignInRecord
from sso.saml import encryption
from sso.saml.refusals import Code, SamlRefusal
from sso.settings import keys
from tests.sso.attacks.attack import fragment
from tests.sso.attacks.encryption import ATTACKS
from tests.sso.conftest import Browser
from tests.sso.test_attacks import JANE_BY_SSO, FromABrowser, refused
from tests.support.cast import ADMIN
from tests.support.saml import Change, TestIdp, encrypting_to

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"


@pytest.fixture
def certificate(acme: Connection) -> str:
    """Ours, at the connection acme."""
    return keys.make_key(actor=ADMIN, connection=acme).certificate


@pytest.fixture
def lenient(acme: Connection, idp: TestIdp) -> None:
    """The Response need not be signed: then anybody can alter what is encrypted."""
    section = {"idp_metadata": idp.metadata(), "signed": "assertion"}
    sso.settings.changes.apply(acme, section, base_dir=None)


@pytest.mark.parametrize(
    ("content", "bits"),
    [
        (constants.TransformAes128Cbc, 128), (constants.TransformAes192Cbc, 192), (constants.TransformAes256Cbc, 256),
        (constants.TransformAes128Gcm, 128), (constants.TransformAes192Gcm, 192), (constants.TransformAes256Gcm, 256),
    ],
    ids=lambda one: getattr(one, "name", str(one)),
)  # fmt: skip
def test_an_encrypted_assertion_signs_its_person_in(
    browser: Browser, certificate: str, content: Any, bits: int
) -> None:
    seal = encrypting_to(certificate, content=content, bits=bits)
    assert browser.post(browser.idp.response(browser.claims(JANE_BY_SSO), seal=seal)).status_code == 303
    assert User.objects.get().email == "jane.doe@acme.test"


def test_an_unsigned_response_is_enough_where_the_connection_permits_it(
    browser: Browser, certificate: str, lenient: None
) -> None:
    message = browser.idp.response(browser.claims(JANE_BY_SSO), sign="assertion", seal=encrypting_to(certificate))
    assert browser.post(message).status_code == 303


OAEP = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
MGF1P = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
HASHES: dict[str, Any] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
URIS = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}


def sealed_by_hand(certificate: str, algorithm: str, digest: str, mask: str) -> Change:
    """Return a function that encrypts the Assertion by cryptography, because xmlsec supports SHA-1 only.

    An empty ``digest`` or ``mask`` is left out, which means SHA-1.
    """
    public = load_pem_x509_certificate(certificate.encode()).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    pad = padding.OAEP(padding.MGF1(HASHES[mask or "sha1"]()), HASHES[digest or "sha1"](), None)
    parameters = f'<ds:DigestMethod Algorithm="{URIS[digest]}"/>' if digest else ""
    parameters += (
        f'<n:MGF xmlns:n="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1{mask}"/>'
        if mask
        else ""
    )

    def seal(root: etree._Element) -> None:
        assertion = root.find(f"{SAML}Assertion")
        assert assertion is not None
        key, iv = os.urandom(32), os.urandom(12)
        ciphertext = iv + AESGCM(key).encrypt(iv, etree.tostring(assertion, with_tail=False), None)
        wrapped, content = base64.b64encode(public.encrypt(key, pad)).decode(), base64.b64encode(ciphertext).decode()
        place = fragment(
            f'<saml:EncryptedAssertion><e:EncryptedData xmlns:e="http://www.w3.org/2001/04/xmlenc#">'
            f'<e:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><ds:KeyInfo><e:EncryptedKey>'
            f'<e:EncryptionMethod Algorithm="{algorithm}">{parameters}</e:EncryptionMethod>'
            f"<e:CipherData><e:CipherValue>{wrapped}</e:CipherValue></e:CipherData></e:EncryptedKey></ds:KeyInfo>"
            f"<e:CipherData><e:CipherValue>{content}</e:CipherValue></e:CipherData></e:EncryptedData></saml:EncryptedAssertion>"
        )
        root.replace(assertion, place)

    return seal


@pytest.mark.parametrize(
    ("algorithm", "digest", "mask"),
    [
        (MGF1P, "", ""), (MGF1P, "sha1", ""), (MGF1P, "sha256", ""), (MGF1P, "sha512", ""),
        (OAEP, "", ""), (OAEP, "sha1", "sha1"), (OAEP, "sha256", ""), (OAEP, "sha256", "sha1"), (OAEP, "sha256", "sha256"),
        (OAEP, "sha384", "sha384"), (OAEP, "sha512", "sha512"),
    ],
)  # fmt: skip
def test_oaep_is_opened_with_each_digest_and_mask_that_the_standard_has(
    browser: Browser, certificate: str, algorithm: str, digest: str, mask: str
) -> None:
    """XML Encryption 1.1, 5.5.2."""
    seal = sealed_by_hand(certificate, algorithm, digest, mask)
    assert browser.post(browser.idp.response(browser.claims(JANE_BY_SSO), seal=seal)).status_code == 303


def test_without_a_key_of_ours_the_page_explains_it(browser: Browser) -> None:
    message = browser.idp.response(browser.claims(JANE_BY_SSO), seal=encrypting_to(browser.idp.pem))
    assert "(encrypted)" in refused(browser, message)


def test_a_readable_assertion_is_refused_if_encryption_is_required(
    browser: Browser, acme: Connection, idp: TestIdp
) -> None:
    sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata(), "want_encrypted": True}, base_dir=None)
    assert "(not_encrypted)" in refused(browser, browser.idp.response(browser.claims(JANE_BY_SSO)))


def test_every_decryption_failure_gets_the_same_answer(
    browser: Browser, certificate: str, lenient: None, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    """If somebody without the IdP's key alters, cuts or encrypts again, the pages are equal octet by octet, except for the reference."""
    messages = {
        name: attack
        for name, attack in ATTACKS.items()
        if attack.code == "decryption" and attack.carries in {"assertion", "none"}
    }
    assert len(messages) > 40
    settings.SIGN_IN_FAILURES_PER_MINUTE = len(messages)
    scene = FromABrowser(browser, TestIdp(), certificate)
    pages = set()
    for attack in messages.values():
        answer = browser.post(attack.make(scene))
        pages.add((answer.status_code, answer.content.replace(answer["X-Request-Id"].encode(), b"REFERENCE")))
    assert len(pages) == 1
    records = [record for record in caplog.records if record.msg == "sign-in refused"]
    assert {(record.__dict__["code"], record.__dict__["expected"]) for record in records} == {("decryption", "")}
    assert set(SignInRecord.objects.values_list("code", "received")) == {("decryption", "")}


ASSERTION = b'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>'


def opened(plain: bytes) -> bytes:
    return encryption._assertion_in(plain, etree.Element("EncryptedAssertion"))


@pytest.mark.parametrize(
    "plain",
    [
        b"<?xml \x00\xff\x80<&?>" + ASSERTION,
        b'<?xml version="1.0" secret?>' + ASSERTION,
        b'<?xml version="1.1"?>' + ASSERTION,
        b'<?xml version="1.0" encoding="UTF-16"?>' + ASSERTION,
        b"junk" + ASSERTION,
        ASSERTION + b"tail",
        ASSERTION + ASSERTION,
        ASSERTION + b"</frame><frame>",
        b"\xff" + ASSERTION,
    ],
)
def test_blocks_put_around_the_ciphertext_are_never_read(plain: bytes) -> None:
    """With CBC a stranger can put blocks before and behind. If any octets passed there, the answer would tell one after another of them."""
    with pytest.raises(SamlRefusal) as refusal:
        opened(plain)
    assert (refusal.value.code, refusal.value.received) == (Code.DECRYPTION, "")


@pytest.mark.parametrize(
    "plain",
    [
        ASSERTION,
        b'<?xml version="1.0"?>' + ASSERTION,
        b'<?xml version="1.0" encoding="UTF-8"?>\n' + ASSERTION + b"\n",
        b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>" + ASSERTION,
    ],
)
def test_an_assertion_with_a_declaration_is_opened(plain: bytes) -> None:
    assert ASSERTION in opened(plain)

"""Encrypted assertions: opened where they are well made, and otherwise one answer, whatever was wrong inside."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree
from xmlsec import constants

import sso.connections
from core_identity.models import Connection, User
from sso import keys
from sso.saml import encryption
from sso.saml.refusals import Code, SamlRefusal
from tests.sso.conftest import Browser
from tests.sso.test_attacks import refused
from tests.support.cast import ADMIN, JANE, by_sso
from tests.support.saml import TestIdp, encrypting_to

JANE_BY_SSO = by_sso(JANE)
XENC = "{http://www.w3.org/2001/04/xmlenc#}"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"


@pytest.fixture
def certificate(acme: Connection) -> str:
    """Ours, at the connection acme."""
    return keys.make_key(actor=ADMIN, connection=acme).certificate


@pytest.fixture
def lenient(acme: Connection, idp: TestIdp) -> None:
    """The Response need not be signed: then anybody can alter what is encrypted."""
    section = {"idp_metadata": idp.metadata(), "want_response_signed": False}
    sso.connections.apply(acme, section, base_dir=None)


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
    assert browser.post(browser.idp.response(browser.said(JANE_BY_SSO), seal=seal)).status_code == 303
    assert User.objects.get().email == "jane.doe@acme.test"


def test_an_unsigned_response_is_enough_where_the_connection_says_so(
    browser: Browser, certificate: str, lenient: None
) -> None:
    message = browser.idp.response(browser.said(JANE_BY_SSO), sign="assertion", seal=encrypting_to(certificate))
    assert browser.post(message).status_code == 303


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"content": constants.TransformDes3Cbc, "bits": 192}, "algorithm"),
        ({"wrap": constants.TransformRsaPkcs1}, "algorithm"),
    ],
)
def test_3des_and_rsa_1_5_are_refused_by_name(
    browser: Browser, certificate: str, changes: dict[str, Any], named: str
) -> None:
    message = browser.idp.response(browser.said(JANE_BY_SSO), seal=encrypting_to(certificate, **changes))
    assert f"({named})" in refused(browser, message)


def test_without_a_key_of_ours_the_answer_says_so(browser: Browser) -> None:
    message = browser.idp.response(browser.said(JANE_BY_SSO), seal=encrypting_to(browser.idp.pem))
    assert "(encrypted)" in refused(browser, message)


def test_one_that_can_be_read_is_refused_where_encryption_is_demanded(
    browser: Browser, acme: Connection, idp: TestIdp
) -> None:
    sso.connections.apply(acme, {"idp_metadata": idp.metadata(), "want_encrypted": True}, base_dir=None)
    assert "(not_encrypted)" in refused(browser, browser.idp.response(browser.said(JANE_BY_SSO)))


def test_a_signed_response_does_not_make_up_for_an_unsigned_assertion_inside(
    browser: Browser, certificate: str
) -> None:
    message = browser.idp.response(browser.said(JANE_BY_SSO), sign="response", seal=encrypting_to(certificate))
    assert "(decryption)" in refused(browser, message)


# What somebody without the IdP's key can do: alter, cut, replace. Nothing of it may be told apart.


def _cipher_value(root: etree._Element, of: str) -> etree._Element:
    found = root.find(f".//{XENC}{of}/{XENC}CipherData/{XENC}CipherValue")
    assert found is not None
    return found


def altered(of: str, change: Callable[[bytes], bytes]) -> Callable[[etree._Element], None]:
    def change_tree(root: etree._Element) -> None:
        value = _cipher_value(root, of)
        value.text = base64.b64encode(change(base64.b64decode("".join((value.text or "").split())))).decode()

    return change_tree


def flipped(position: int) -> Callable[[bytes], bytes]:
    def flip(octets: bytes) -> bytes:
        changed = bytearray(octets)
        changed[position] ^= 1
        return bytes(changed)

    return flip


ALTERED = {
    "first block": altered("EncryptedData", flipped(0)),
    "a middle block": altered("EncryptedData", flipped(400)),
    "the padding": altered("EncryptedData", flipped(-17)),
    "the last byte": altered("EncryptedData", flipped(-1)),
    "one block short": altered("EncryptedData", lambda octets: octets[:-16]),
    "no whole block": altered("EncryptedData", lambda octets: octets[:-3]),
    "only an IV": altered("EncryptedData", lambda octets: octets[:16]),
    "nothing": altered("EncryptedData", lambda octets: b""),
    "the wrapped key": altered("EncryptedKey", flipped(9)),
    "no wrapped key": altered("EncryptedKey", lambda octets: b""),
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
@pytest.mark.parametrize("content", [constants.TransformAes256Cbc, constants.TransformAes256Gcm], ids=["cbc", "gcm"])
def test_every_failure_inside_is_one_answer(
    browser: Browser,
    certificate: str,
    lenient: None,
    caplog: pytest.LogCaptureFixture,
    content: Any,
    change: Callable[[etree._Element], None],
) -> None:
    seal = encrypting_to(certificate, content=content)
    message = browser.idp.response(browser.said(JANE_BY_SSO), sign="assertion", seal=seal, after=change)
    assert "(decryption)" in refused(browser, message)
    assert {getattr(record, "received", "") for record in caplog.records if record.msg == "sign-in refused"} == {""}


@pytest.mark.parametrize("change", [ALTERED["a middle block"], ALTERED["the wrapped key"]])
def test_a_signed_response_is_checked_before_anything_is_opened(
    browser: Browser, certificate: str, change: Callable[[etree._Element], None]
) -> None:
    message = browser.idp.response(browser.said(JANE_BY_SSO), seal=encrypting_to(certificate), after=change)
    assert "(signature)" in refused(browser, message)


def test_a_stranger_who_encrypts_is_a_stranger(browser: Browser, certificate: str, lenient: None) -> None:
    message = TestIdp().response(browser.said(JANE_BY_SSO), sign="assertion", seal=encrypting_to(certificate))
    assert "(decryption)" in refused(browser, message)


def _beside_a_readable_one(root: etree._Element) -> None:
    root.append(etree.fromstring('<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>'))


def _twice(root: etree._Element) -> None:
    place = root.find(f"{SAML}EncryptedAssertion")
    assert place is not None
    root.append(etree.fromstring(etree.tostring(place)))


def _elsewhere(root: etree._Element) -> None:
    place = root.find(f"{SAML}EncryptedAssertion")
    assert place is not None
    etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:protocol}Extensions").append(place)


def _by_reference(root: etree._Element) -> None:
    value = _cipher_value(root, "EncryptedData")
    value.tag = f"{XENC}CipherReference"
    value.set("URI", "http://127.0.0.1/secret")


def _two_keys(root: etree._Element) -> None:
    key = next(root.iter(f"{XENC}EncryptedKey"))
    key.addnext(etree.fromstring(etree.tostring(key)))


@pytest.mark.parametrize("change", [_beside_a_readable_one, _twice, _elsewhere, _by_reference, _two_keys])
def test_a_layout_of_two_readings_is_refused_before_anything_is_opened(
    browser: Browser, certificate: str, lenient: None, change: Callable[[etree._Element], None]
) -> None:
    seal = encrypting_to(certificate)
    message = browser.idp.response(browser.said(JANE_BY_SSO), sign="assertion", seal=seal, after=change)
    assert "(structure)" in refused(browser, message)


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
def test_blocks_put_around_what_was_encrypted_are_read_by_nobody(plain: bytes) -> None:
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

import base64
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape, unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
import xmlsec
from cryptography import x509
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from demo.idp.parties import Parties
from demo.idp.response import signed_response
from demo.idp.server import DemoIdp
from demo.idp.signing_key import load_or_make
from demo.people import PEOPLE
from tests.support.processes import ended

SP = "http://localhost:8000/sso/acme"
NAMESPACES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
}
ROOT = Path(__file__).resolve().parents[2]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a demo IdP that runs."""
    folder = tmp_path_factory.mktemp("idp")
    keys = load_or_make(folder)
    file = folder / "connection.json"
    with DemoIdp(0, sp_url="http://localhost:8000", connection="acme", keys=keys, connection_file=file) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.parties.idp_url
        finally:
            server.shutdown()
            thread.join()


def fetch(url: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    data = None if form is None else urlencode(form).encode()
    try:
        with OPENER.open(url, data, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def authn_request(idp: str, **changes: str) -> str:
    values = {"issuer": f"{SP}/metadata", "acs": f"{SP}/acs", "destination": f"{idp}/sso", "id": "_r1"} | changes
    return (
        '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
        'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0" IssueInstant="2026-11-24T10:00:00Z" '
        f'ID="{values["id"]}" Destination="{values["destination"]}" AssertionConsumerServiceURL="{values["acs"]}">'
        f"<saml:Issuer>{values['issuer']}</saml:Issuer></samlp:AuthnRequest>"
    )


def encoded(xml: str | bytes) -> str:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = xml.encode() if isinstance(xml, str) else xml
    return base64.b64encode(compressor.compress(content) + compressor.flush()).decode()


def hidden_fields(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {unescape(name): unescape(value) for name, value in found}


def sign_in(idp: str, login: str) -> tuple[bytes, str]:
    """The XML of the Response, and the page that carried it."""
    status, page = fetch(f"{idp}/sso", {"SAMLRequest": encoded(authn_request(idp)), "person": login})
    assert status == 200
    return base64.b64decode(hidden_fields(page)["SAMLResponse"]), page


def certificate_of(idp: str) -> x509.Certificate:
    metadata = etree.fromstring(fetch(f"{idp}/metadata")[1].encode())
    text = metadata.findtext("md:IDPSSODescriptor/md:KeyDescriptor[@use='signing']//ds:X509Certificate", "", NAMESPACES)
    return x509.load_der_x509_certificate(base64.b64decode(text))


def attributes_of(response: etree._Element) -> dict[str, list[str | None]]:
    found = response.iterfind("saml:Assertion/saml:AttributeStatement/saml:Attribute", NAMESPACES)
    return {one.get("Name", ""): [value.text for value in one] for one in found}


@pytest.mark.parametrize(
    "changes",
    [
        {"acs": "https://thief.test/acs"},
        {"acs": f"{SP}/acs/"},
        {"issuer": "https://thief.test/metadata"},
        {"destination": "https://other.test/sso"},
        {"id": ""},
        {"id": "&quot;&gt;&lt;script&gt;"},
    ],
)
def test_a_request_that_is_not_of_our_sp_is_refused_before_and_after_the_choice(
    idp: str, changes: dict[str, str]
) -> None:
    message = encoded(authn_request(idp, **changes))
    answers = [
        fetch(f"{idp}/sso?{urlencode({'SAMLRequest': message})}"),
        fetch(f"{idp}/sso", {"SAMLRequest": message, "person": PEOPLE[0].login}),
    ]
    assert [status for status, _ in answers] == [400, 400]
    assert all("This request cannot be answered" in page and "SAMLResponse" not in page for _, page in answers)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "%",
        "é",
        "AAAA",
        base64.b64encode(b"not deflated").decode(),
        encoded(""),
        encoded("no XML"),
        encoded("<samlp:AuthnRequest/>"),
        encoded('<!DOCTYPE a [<!ENTITY e "boom">]><a>&e;</a>'),
        encoded('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'),
        encoded('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16")),
        encoded("<a>" * 20_000),
        encoded(b" " * 10_000_000),
        encoded(authn_request("http://127.0.0.1"))[:40],
        "A" * 20_000,
    ],
    ids=str,
)
def test_a_hostile_request_is_refused_and_nothing_breaks(idp: str, message: str) -> None:
    status, page = fetch(f"{idp}/sso?{urlencode({'SAMLRequest': message})}")
    assert (status, "This request cannot be answered" in page) == (400, True)


@pytest.mark.parametrize("query", ["", "SAMLRequest=a&SAMLRequest=b", "SAMLRequest=%ff", "&".join("a" * 30)])
def test_a_query_that_cannot_be_read_is_refused(idp: str, query: str) -> None:
    assert fetch(f"{idp}/sso?{query}")[0] == 400


def test_nobody_signs_in_as_a_stranger(idp: str) -> None:
    status, page = fetch(f"{idp}/sso", {"SAMLRequest": encoded(authn_request(idp)), "person": "<b>eve</b>"})
    assert (status, "<b>eve" in page, "SAMLResponse" in page) == (400, False, False)


def test_an_unknown_address_is_not_found(idp: str) -> None:
    assert [fetch(f"{idp}/else")[0], fetch(f"{idp}/metadata", {"a": "b"})[0]] == [404, 404]


def test_values_of_a_request_are_escaped_in_the_page(idp: str) -> None:
    hostile = '"><script>alert(1)</script>'
    query = urlencode({"SAMLRequest": encoded(authn_request(idp)), "RelayState": hostile})
    page = fetch(f"{idp}/sso?{query}")[1]
    assert hidden_fields(page)["RelayState"] == hostile
    assert hostile not in page


def test_the_sign_in_page_offers_everybody_by_name_email_and_groups(idp: str) -> None:
    status, page = fetch(f"{idp}/sso?{urlencode({'SAMLRequest': encoded(authn_request(idp))})}")
    buttons = re.findall(r'<button type="submit" name="person" value="([^"]*)">(.*?)</button>', page)
    assert status == 200
    assert "RelayState" not in hidden_fields(page)
    assert [(value, re.sub(r"<[^>]*>", "", text)) for value, text in buttons[:5]] == [
        ("jane.doe@acme.test", "Jane Doe jane.doe@acme.test Editors"),
        ("zoe.mueller@acme.test", "Zoë Müller zoe.mueller@acme.test Editors, Viewers"),
        ("sam.lee@acme.test", "Sam Lee sam.lee@acme.test Viewers"),
        ("omar.haddad@acme.test", "Omar Haddad omar.haddad@acme.test no groups"),
        ("priya.nair@acme.test", "Priya Nair priya.nair@acme.test Archivists"),
    ]
    assert [value for value, _ in buttons] == [person.login for person in PEOPLE]


def test_the_answer_goes_to_the_acs_with_the_relay_state_untouched(idp: str) -> None:
    form = {"SAMLRequest": encoded(authn_request(idp)), "RelayState": 'a&b="c"', "person": "jane.doe@acme.test"}
    page = fetch(f"{idp}/sso", form)[1]
    assert f'<form method="post" action="{escape(SP)}/acs">' in page
    assert set(hidden_fields(page)) == {"SAMLResponse", "RelayState"}
    assert hidden_fields(page)["RelayState"] == 'a&b="c"'
    assert '<noscript><button type="submit">Continue</button></noscript>' in page


@pytest.mark.parametrize("login", [person.login for person in PEOPLE])
def test_response_and_assertion_are_each_signed_by_the_key_of_the_metadata(idp: str, login: str) -> None:
    xml, _ = sign_in(idp, login)
    certificate = certificate_of(idp)
    signed = []
    for location in ("./", f"./{{{NAMESPACES['saml']}}}Assertion/"):
        expected = SignatureConfiguration(location=location, expect_references=1)
        result = XMLVerifier().verify(xml, x509_cert=certificate, id_attribute="ID", expect_config=expected)
        assert not isinstance(result, list)
        assert result.signed_xml is not None
        signed.append(etree.QName(result.signed_xml).localname)
    assert signed == ["Response", "Assertion"]


def test_the_signature_follows_the_issuer_as_the_schema_requires(idp: str) -> None:
    response = etree.fromstring(sign_in(idp, "jane.doe@acme.test")[0])
    assertion = response[3]
    assert [etree.QName(child).localname for child in response] == ["Issuer", "Signature", "Status", "Assertion"]
    assert [etree.QName(child).localname for child in assertion] == [
        "Issuer",
        "Signature",
        "Subject",
        "Conditions",
        "AuthnStatement",
        "AttributeStatement",
    ]


def test_the_response_names_request_recipient_audience_and_times(idp: str) -> None:
    response = etree.fromstring(sign_in(idp, "jane.doe@acme.test")[0])
    assertion = response[3]
    instant = response.get("IssueInstant", "")
    confirmation = assertion.find(".//saml:SubjectConfirmationData", NAMESPACES)
    conditions = assertion.find("saml:Conditions", NAMESPACES)
    assert confirmation is not None
    assert conditions is not None
    end = confirmation.get("NotOnOrAfter")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", instant)
    assert dict(confirmation.items()) == {"InResponseTo": "_r1", "Recipient": f"{SP}/acs", "NotOnOrAfter": end}
    assert dict(conditions.items()) == {"NotBefore": instant, "NotOnOrAfter": end}
    assert (response.get("Destination"), response.get("InResponseTo")) == (f"{SP}/acs", "_r1")
    assert [one.text for one in response.iter("{*}Issuer", "{*}Audience", "{*}NameID")] == [
        f"{idp}/metadata",
        f"{idp}/metadata",
        "jane.doe@acme.test",
        f"{SP}/metadata",
    ]


def test_the_assertion_carries_what_okta_would_send(idp: str) -> None:
    assert attributes_of(etree.fromstring(sign_in(idp, "zoe.mueller@acme.test")[0])) == {
        "UID": ["zoe.mueller"],
        "FirstName": ["Zoë"],
        "LastName": ["Müller"],
        "Email": ["zoe.mueller@acme.test"],
        "Title": ["Head of Press"],
        "Organization": ["Acme Studios"],
        "Department": ["Press"],
        "Group": ["Editors", "Viewers"],
    }


def test_somebody_without_groups_has_no_group_attribute_at_all(idp: str) -> None:
    omar = next(one for one in PEOPLE if one.login == "omar.haddad@acme.test")
    assert omar.groups == ()
    assert "Group" not in attributes_of(etree.fromstring(sign_in(idp, omar.login)[0]))


def test_pages_are_not_kept_and_run_only_their_own_script(idp: str) -> None:
    with OPENER.open(f"{idp}/", timeout=10) as answer:
        headers = answer.headers
        assert 'href="http://localhost:8000/"' in answer.read().decode()
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there yet"
    first = load_or_make(folder)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes == dict.fromkeys(["idp-key.pem", "idp-second-key.pem", "idp-old-key.pem"], 0o600)
    assert load_or_make(folder) == first


def test_the_program_serves_keeps_its_key_and_ends_cleanly(tmp_path: Path) -> None:
    certificates = []
    for number in (signal.SIGTERM, signal.SIGINT):
        command = [sys.executable, "-m", "demo.idp", "--port", "0", "--state", str(tmp_path)]
        with ended(
            subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        ) as process:
            assert process.stderr is not None
            url = process.stderr.readline().split()[3].rstrip("/")
            certificates.append(certificate_of(url))
            fetch(f"{url}/sso?SAMLRequest=secret")
            process.send_signal(number)
            log = process.stderr.read()
            assert process.wait(10) == 0
        assert [line.partition("] ")[2] for line in log.splitlines()] == ["GET /sso 400"]
    assert certificates[0] == certificates[1]


def test_a_damaged_key_file_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "idp-key.pem").write_text("not a key")
    command = [sys.executable, "-m", "demo.idp", "--port", "0", "--state", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"The demo IdP cannot start: {tmp_path}/idp-key.pem does not hold a key and its certificate. "
        "Delete it; a new one will be created.\n"
    )


def test_an_encrypted_assertion_can_be_read_by_its_recipient_only(tmp_path: Path) -> None:
    keys = load_or_make(tmp_path)
    parties = Parties("http://127.0.0.1:8001", "http://localhost:8000", "acme")
    xml = signed_response(
        PEOPLE[0],
        parties=parties,
        keys=keys,
        in_response_to="_1",
        now=datetime.now(UTC),
        recipient=keys["second"].certificate,
    )
    assert b"jane.doe" not in xml
    root = etree.fromstring(xml)
    (data,) = root.iter("{http://www.w3.org/2001/04/xmlenc#}EncryptedData")
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(keys["second"].pem, xmlsec.constants.KeyDataFormatPem))
    assertion = xmlsec.EncryptionContext(manager).decrypt(data)
    assert assertion.findtext(".//{urn:oasis:names:tc:SAML:2.0:assertion}NameID") == "jane.doe@acme.test"

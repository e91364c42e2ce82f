"""The trace of a sign-in: every check in order, all faults of an IdP at once, nothing of a stranger believed, nobody's data (R35)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lxml import etree

from core_identity.models import Connection
from core_identity.services.connections import change_connection
from core_identity.services.expiry import expire
from core_identity.values import Person
from sso.models import SamlSettings, SignInRecord
from sso.saml.certificates import fingerprint
from sso.saml.claims import CLAIMS
from sso.saml.refusals import MAX_SHOWN, Code, SamlRefusal, legible
from sso.saml.trace import Check, Trace
from tests.sso.conftest import ACS, SERVICE, Browser
from tests.support.cast import ADMIN, JANE, ZOE, by_sso
from tests.support.saml import NS, TestIdp

JANE_BY_SSO = by_sso(JANE)
BEFORE_CLAIMS = [
    "XML within the limits",
    "Answers a request of ours, in the browser that left",
    "One Assertion in one Response, signed as required",
    "Signature by a certificate of the connection",
]


def checks() -> list[dict[str, Any]]:
    return list(SignInRecord.objects.latest("id").checks)


def failed() -> list[str]:
    return [one["check"] for one in checks() if one["passed"] is False]


def found(name: str) -> Mapping[str, Any]:
    (one,) = (check for check in checks() if check["check"] == name)
    return one


# What is believed


def test_a_sign_in_records_every_check_in_order_with_the_expected_and_the_received_value(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    names = [one["check"] for one in checks()]
    claims = [name for name, _ in CLAIMS]
    assert names[: len(BEFORE_CLAIMS) + len(claims) + 1] == [*BEFORE_CLAIMS, *claims, "Not used before"]
    assert names[-1] == "Who this is"
    assert failed() == []
    assert found("Audience") == {
        "check": "Audience", "passed": True, "expected": f"{SERVICE}/sso/acme/metadata", "received": f"{SERVICE}/sso/acme/metadata"
    }  # fmt: skip
    assert SignInRecord.objects.latest("id").duration_ms is not None


def test_all_faults_of_a_misconfigured_app_are_recorded_at_once_and_the_first_is_the_refusal(browser: Browser) -> None:
    answer = browser.come_back(
        JANE_BY_SSO, audience="https://other.test", recipient="https://other.test/acs", session_end=timedelta(minutes=-1)
    )  # fmt: skip
    assert failed() == ["Recipient of the confirmation", "Audience", "AuthnStatement"]
    assert "(recipient)" in answer.content.decode()
    assert found("Recipient of the confirmation") == {
        "check": "Recipient of the confirmation", "passed": False, "expected": ACS, "received": "https://other.test/acs"
    }  # fmt: skip
    assert checks()[-1]["check"] == "NameID", "nobody is looked for after a claim that does not hold"


def test_the_mark_that_agreed_is_shown_for_a_known_person_R8b(browser: Browser, acme: Connection) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.sign_in(JANE_BY_SSO)
    assert (found("Who this is")["passed"], found("Mark beside the UID")["received"]) == (True, "NameID")
    browser.sign_in(replace(JANE_BY_SSO, name_id="jane@elsewhere.test"))
    assert found("Mark beside the UID")["received"] == "email"
    browser.come_back(by_sso(ZOE, uid=JANE.uid))
    assert found("Mark beside the UID")["passed"] is False
    record = SignInRecord.objects.latest("id")
    assert record.user_id == acme.identities.get().user_id, "on the page of whose UID it is, the refusal is looked for"


def test_attributes_are_shown_by_name_and_form_with_their_mapping_R12(browser: Browser) -> None:
    browser.come_back(replace(JANE_BY_SSO, email=None, title="", uid=None))
    assert found("Attribute of the UID") == {
        "check": "Attribute of the UID", "passed": False, "expected": "UID", "received": "not sent"
    }  # fmt: skip
    assert found("Attribute of the email") == {
        "check": "Attribute of the email", "passed": None, "expected": "Email", "received": "not sent"
    }  # fmt: skip
    assert found("Attribute of the position")["received"] == "sent empty"
    assert found("Attributes that CORE needs")["expected"] == "UID"


def test_unread_attributes_are_named_because_their_name_may_be_the_mistake(browser: Browser) -> None:
    claims = browser.claims(JANE_BY_SSO)
    attributes = {("E-Mail" if name == "Email" else name): values for name, values in claims.attributes.items()}
    browser.post(browser.idp.response(replace(claims, attributes=attributes)))
    assert found("Attributes that are not used here")["received"] == "E-Mail"
    assert failed() == ["Attributes that CORE needs"]


def test_a_refused_person_reads_the_reason(browser: Browser, acme: Connection) -> None:
    browser.sign_in(JANE_BY_SSO)
    user = acme.identities.get().user
    expire(actor=ADMIN, user_id=user.pk, reason="left")
    browser.come_back(JANE_BY_SSO)
    assert found("May sign in") == {
        "check": "May sign in", "passed": False, "received": "expired"
    }  # fmt: skip
    assert SignInRecord.objects.latest("id").user_id == user.pk


def test_a_connection_that_makes_no_users_is_named_as_the_reason(browser: Browser, acme: Connection) -> None:
    change_connection(actor=ADMIN, connection_id=acme.pk, sso_creates_users=False)
    browser.come_back(JANE_BY_SSO)
    assert failed() == ["Known here, or SSO creates users"]


def test_no_value_is_kept_but_the_names_of_a_refused_person(browser: Browser) -> None:
    person = replace(JANE_BY_SSO, groups=("Secret Editors",), name_id="hidden-name@acme.test")
    browser.sign_in(person)
    browser.sign_in(replace(person, uid="nobody"))  # a conflict
    names = [("", "", ""), ("hidden-name@acme.test", "nobody", JANE_BY_SSO.email)]
    assert list(SignInRecord.objects.order_by("id").values_list("name_id", "uid", "email")) == names
    others = {field.name for field in SignInRecord._meta.fields} - {"name_id", "uid", "email"}
    stored = str(list(SignInRecord.objects.values(*others)))
    values = ("Jane", "Doe", "jane.doe", "Acme Studios", "Secret Editors", "hidden-name", "nobody")
    assert not [value for value in values if value in stored]


# What is not


def test_an_unproven_message_records_only_its_first_fault_as_unverified(browser: Browser) -> None:
    stranger = TestIdp()
    claims = browser.claims(JANE_BY_SSO, audience="https://evil.test", issuer="https://evil.test")
    browser.post(stranger.response(claims))
    assert failed() == ["Signature by a certificate of the connection"]
    assert [one["check"] for one in checks()] == BEFORE_CLAIMS
    assert all(one.get("unverified") for one in checks())
    assert "evil.test" not in str(checks())
    signature = found("Signature by a certificate of the connection")
    assert signature["expected"] == f"SHA-256 {fingerprint(browser.idp.pem)}"
    assert signature["received"] == f"unverified: the message carries {fingerprint(stranger.pem)}"


@pytest.mark.parametrize("sign", ["assertion", "both"])
def test_a_refused_signature_is_shown_with_the_certificates_in_the_message(browser: Browser, sign: str) -> None:
    """None of them is believed: a stranger may write the IdP's own certificate, nonsense, or a thousand of them."""
    stranger, known = TestIdp(), fingerprint(browser.idp.pem)
    SamlSettings.objects.update(signed=sign)

    def carrying(*certificates: str) -> Any:
        def change(root: Any) -> None:
            for data in root.iterfind(".//ds:X509Data", NS):
                for old in list(data):
                    data.remove(old)
                for text in certificates:
                    etree.SubElement(data, f"{{{NS['ds']}}}X509Certificate").text = text

        return change

    idps = "".join(browser.idp.pem.strip().splitlines()[1:-1])
    for certificates, received in (
        ((), "the message carries no certificate"),
        (("not base64 ‮",), "the message carries no certificate"),
        ((idps,), f"unverified: the message carries {known}"),
        (
            (idps, "!", *["AAAA"] * 1000),
            f"unverified: the message carries {known}, {sha256(bytes(3)).hexdigest()[:16]}",
        ),
    ):
        browser.post(stranger.response(browser.claims(JANE_BY_SSO), sign=sign, after=carrying(*certificates)))
        signature = found("Signature by a certificate of the connection")
        assert (signature["expected"], signature["received"]) == (f"SHA-256 {known}", received)


def test_a_claim_changed_after_signing_is_refused_as_a_bad_signature_and_never_as_a_claim(browser: Browser) -> None:
    def change(root: Any) -> None:
        root.set("Destination", "https://evil.test")

    browser.post(browser.idp.response(browser.claims(JANE_BY_SSO), after=change))
    assert failed() == ["Signature by a certificate of the connection"]
    known = fingerprint(browser.idp.pem)  # the same on both sides: it was changed after it was signed
    assert found(failed()[0])["received"] == f"unverified: the message carries {known}"
    assert "evil.test" not in str(checks())


@pytest.mark.parametrize("request_id", ["_x\u202egnp.exe", "_\u0085next line", "_" + "long" * 1000])
def test_text_by_a_stranger_is_cut_and_legible(browser: Browser, request_id: str) -> None:
    browser.post(browser.idp.response(browser.claims(JANE_BY_SSO, request_id=request_id)))
    shown = found("Answers a request of ours, in the browser that left")["received"]
    assert shown.isprintable()
    assert len(shown) <= MAX_SHOWN


def test_a_refusal_by_the_idp_is_quoted_with_its_reason(browser: Browser) -> None:
    def refuse(root: Any) -> None:
        inner = etree.SubElement(root.find("samlp:Status/samlp:StatusCode", NS), f"{{{NS['samlp']}}}StatusCode")
        inner.set("Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")
        root.remove(root.find("saml:Assertion", NS))

    claims = browser.claims(JANE_BY_SSO, status="urn:oasis:names:tc:SAML:2.0:status:Responder")
    answer = browser.post(browser.idp.response(claims, sign="response", after=None, before=refuse))
    assert "(status)" in answer.content.decode()
    received = found("Status")["received"]
    assert received.endswith("status:Responder urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")


# What it costs


@pytest.mark.parametrize(
    ("person", "statements"), [(JANE_BY_SSO, 10), (by_sso(ZOE, uid=JANE.uid), 17), (None, 6)], ids=["in", "refused", "not believed"]
)  # fmt: skip
def test_a_row_with_its_trace_costs_one_statement(browser: Browser, person: Person | None, statements: int) -> None:
    browser.sign_in(JANE_BY_SSO)
    claims = browser.claims(person or JANE_BY_SSO, **({} if person else {"audience": "https://other.test"}))
    message = browser.idp.response(claims)
    with CaptureQueriesContext(connection) as captured:
        browser.post(message)
    written = [one for one in captured.captured_queries if "INTO sso_signinrecord" in one["sql"]]
    assert (len(written), len(captured)) == (1, statements)


# The trace itself


def test_a_trace_runs_all_checks_and_raises_the_first_refusal() -> None:
    def bad(code: Code) -> Any:
        def look(_: None) -> tuple[str, str]:
            raise SamlRefusal(code, expected="one", received="two")

        return look

    trace = Trace()
    trace.believe()
    with pytest.raises(SamlRefusal) as refused:
        trace.run((("a", bad(Code.ISSUER)), ("b", lambda _: ("x", "y")), ("c", bad(Code.AUDIENCE))), None)
    assert refused.value.code is Code.ISSUER
    assert trace.checks == (
        Check("a", False, "one", "two"),
        Check("b", True, "x", "y"),
        Check("c", False, "one", "two"),
    )


def test_invisible_characters_are_escaped_and_texts_stay_within_their_limit() -> None:
    assert legible("a\x1b[31m\u202e\u200b\n") == "a\\x1b[31m\\u202e\\u200b\\n"
    assert len(legible("\u202e" * 1000)) == MAX_SHOWN

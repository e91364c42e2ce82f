"""An IdP that signs nobody in: its status, its message, and the advice for an administrator (SAML core 3.2.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import LazySettings

from core_identity.models import Connection
from sso.models import SamlSettings, SignInRecord
from sso.saml.claims import WORDS
from sso.saml.refusals import MAX_SHOWN
from sso.settings.keys import make_key_where_none
from sso.sign_in.remedies import REMEDIES, STATUS_REMEDIES, remedy_for
from tests.admin.conftest import browser_of, staff
from tests.sso.attacks.attack import add, drop, many, text, twice
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, JANE, by_sso
from tests.support.saml import NS, SUCCESS, Change, TestIdp

JANE_BY_SSO = by_sso(JANE)
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
TOP = {"Requester", "Responder", "VersionMismatch"}
SECOND = {
    "AuthnFailed", "InvalidAttrNameOrValue", "InvalidNameIDPolicy", "NoAuthnContext", "NoAvailableIDP", "NoPassive", "NoSupportedIDP",
    "PartialLogout", "ProxyCountExceeded", "RequestDenied", "RequestUnsupported", "RequestVersionDeprecated", "RequestVersionTooHigh",
    "RequestVersionTooLow", "ResourceNotRecognized", "TooManyResponses", "UnknownAttrProfile", "UnknownPrincipal", "UnsupportedBinding",
}  # fmt: skip
"""All that SAML core 3.2.2.2 names, but for Success."""

SAID = "AADSTS50105: Your administrator has blocked the application."


def failing(*codes: str, words: str = SAID) -> Change:
    """Answer with these status codes, each within the one before, and with ``words`` (XML)."""

    def change(root: Any) -> None:
        place = root.find("samlp:Status/samlp:StatusCode", NS)
        place.set("Value", codes[0])
        for code in codes[1:]:
            add(".", f'<samlp:StatusCode Value="{code}"/>')(place)
            place = place[-1]
        if words:
            add("samlp:Status", f"<samlp:StatusMessage>{words}</samlp:StatusMessage>")(root)

    return change


ALONE = drop("saml:Assertion")
DENIED = failing(f"{STATUS}Responder", f"{STATUS}RequestDenied")


def latest() -> SignInRecord:
    return SignInRecord.objects.latest("id")


def row_of(name: str) -> dict[str, Any]:
    (found,) = (check for check in latest().checks if check["check"] == name)
    return dict(found)


@dataclass(frozen=True)
class Answer:
    """A Response that signs nobody in, and whether its content is verified."""

    believed: bool
    sign: str = "response"
    before: Change = ALONE
    after: Change | None = None
    by_stranger: bool = False
    changes: Callable[[], dict[str, Any]] = dict
    signed: str = "both"


ANSWERS = {
    "signed by the IdP": Answer(True),
    "not signed, as most IdPs send it": Answer(False, sign="none"),
    "signed by a stranger": Answer(False, by_stranger=True),
    "altered after it was signed": Answer(False, after=text("samlp:Status/samlp:StatusMessage", SAID)),
    "for another service": Answer(False, changes=lambda: {"destination": "https://other.test/acs"}),
    "by another IdP with the same key": Answer(False, before=many(ALONE, text("saml:Issuer", "https://evil.test"))),
    "of an hour ago": Answer(False, changes=lambda: {"issued": timedelta(hours=-1)}),
    "signed twice": Answer(False, after=twice("ds:Signature")),
    "beside a signed Assertion, and signed": Answer(True, sign="both", before=many()),
    "beside a signed Assertion, and not signed": Answer(False, sign="assertion", before=many(), signed="assertion"),
}


def test_the_words_of_an_idp_about_its_refusal_are_stored_and_believed_only_if_verified(
    browser: Browser, stranger: TestIdp, settings: LazySettings
) -> None:
    settings.SIGN_IN_FAILURES_PER_MINUTE = settings.FAILURES_PER_MINUTE = 1000
    for name, answer in ANSWERS.items():
        SamlSettings.objects.update(signed=answer.signed)
        claims = browser.claims(JANE_BY_SSO, **answer.changes())
        key = stranger if answer.by_stranger else browser.idp
        words = failing(
            f"{STATUS}Responder", f"{STATUS}RequestDenied", words=SAID.replace("Your", "The") if answer.after else SAID
        )
        message = key.response(claims, sign=answer.sign, before=many(words, answer.before), after=answer.after)
        page = browser.post(message).content.decode()
        assert ("(status)" in page, SAID[:10] in page) == (True, False), name
        assert latest().code == "status", name
        assert row_of("Status")["received"] == f"{STATUS}Responder {STATUS}RequestDenied", name
        expected = {"check": WORDS, "passed": None, "received": row_of(WORDS)["received"]}
        assert row_of(WORDS) == (expected if answer.believed else expected | {"unverified": True}), name
        assert row_of(WORDS)["received"].endswith("administrator has blocked the application.")
        assert remedy_for(latest().code, latest().checks) == f"RequestDenied: {STATUS_REMEDIES['RequestDenied']}"


def test_the_words_are_cleaned_and_shown_as_the_idps_own(browser: Browser, settings: LazySettings) -> None:
    settings.SIGN_IN_FAILURES_PER_MINUTE = settings.FAILURES_PER_MINUTE = 1000
    auditor = browser_of(staff("auditor", "view_connection"))
    for words, shown in {
        "  The user\n\t is  unknown. ": "The user is unknown.",
        "User 'jane@acme.test' (jane@acme.test, Jane) is unknown": "User … … Jane) is unknown",
        "\u202egnp.exe": "\\u202egnp.exe",
        "&lt;script&gt;alert(1)&lt;/script&gt;": "<script>alert(1)</script>",
        "long " * 1000: ("long " * 100)[:MAX_SHOWN],
        "a@" * 100_00: "…",
        "": None,
        "  ": None,
        "<x:x xmlns:x='urn:x'>an element</x:x>": None,
    }.items():
        change = many(failing(f"{STATUS}Responder", words=words), ALONE)
        browser.post(browser.idp.response(browser.claims(JANE_BY_SSO), sign="none", before=change))
        found = [check["received"] for check in latest().checks if check["check"] == WORDS]
        assert found == ([] if shown is None else [shown]), words
        assert "jane" not in str(SignInRecord.objects.values().latest("id"))
        page = auditor.get(f"/admin/sso/signinrecord/{latest().pk}/change/").content.decode()
        assert ("(unverified: anybody may have written this)" in page, "<script>alert" in page) == (True, False)
    kind = add("samlp:Status", "<samlp:StatusMessage>in</samlp:StatusMessage>")
    browser.post(browser.idp.response(browser.claims(JANE_BY_SSO), before=kind))
    assert latest().code == "signed_in"
    assert WORDS not in str(latest().checks), "an IdP that signs somebody in explains no refusal"


def test_a_refusal_by_the_idp_is_understood_if_assertions_must_be_encrypted(browser: Browser, acme: Connection) -> None:
    make_key_where_none(actor=ADMIN, connection=acme)
    SamlSettings.objects.update(want_encrypted=True)
    browser.post(browser.idp.response(browser.claims(JANE_BY_SSO), sign="response", before=many(DENIED, ALONE)))
    assert (latest().code, row_of(WORDS)["received"]) == ("status", SAID)


def test_a_success_without_an_assertion_is_not_a_status_to_ask_about(browser: Browser) -> None:
    browser.post(
        browser.idp.response(browser.claims(JANE_BY_SSO), sign="response", before=many(failing(SUCCESS), ALONE))
    )
    assert latest().code == "structure"


def test_each_status_has_an_advice_of_its_own_in_the_code_and_in_the_docs() -> None:
    assert set(STATUS_REMEDIES) == TOP | SECOND
    assert len({*STATUS_REMEDIES.values(), REMEDIES["status"]}) == len(STATUS_REMEDIES) + 1
    page = (Path(__file__).resolve().parents[2] / "docs/how-to/find-out-why-somebody-was-refused.md").read_text()
    assert [name for name, advice in STATUS_REMEDIES.items() if f"| `{name}` | {advice} |" not in page] == []


def test_the_innermost_status_that_is_known_decides_the_advice() -> None:
    for codes, name in (
        ("Responder", "Responder"),
        ("Responder AuthnFailed", "AuthnFailed"),
        ("Responder RequestDenied NoPassive", "NoPassive"),
        ("Requester InvalidNameIDPolicy Other", "InvalidNameIDPolicy"),
        ("Success AuthnFailed", "AuthnFailed"),
        ("Other", ""),
        ("", ""),
    ):
        received = " ".join(f"{STATUS}{code}" for code in codes.split())
        checks = [
            {"check": "XML within the limits", "passed": True},
            {"check": "Status", "passed": False, "received": received},
        ]
        expected = f"{name}: {STATUS_REMEDIES[name]}" if name else REMEDIES["status"]
        assert remedy_for("status", checks) == expected, codes
    older = [
        {
            "check": "One Assertion in one Response, signed as required",
            "passed": False,
            "received": f"{STATUS}NoPassive",
        }
    ]
    assert remedy_for("status", older).startswith("NoPassive: ")
    assert remedy_for("status", []) == REMEDIES["status"]
    assert remedy_for("audience", older) == REMEDIES["audience"]

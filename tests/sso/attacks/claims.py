"""Claims that are wrong, missing, doubled or nearly right; signed by the IdP itself."""

from datetime import timedelta
from typing import Any

from tests.sso.attacks.attack import Attack, add, drop, fragment, many, put, says, text, twice
from tests.support.saml import BEARER, NS, SUCCESS, Change

SERVICE = "http://localhost:8000/sso/acme"
AUDIENCE = f"{SERVICE}/metadata"
ACS = f"{SERVICE}/acs"
ISSUER = "https://idp.test/metadata"
HOUR = timedelta(hours=1)
MONTH = timedelta(days=30)
LONG_AGO = "2001-01-01T00:00:00Z"
STATUS_CODE = "samlp:Status/samlp:StatusCode"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
CONFIRMATION = ".//saml:SubjectConfirmation"
DATA = ".//saml:SubjectConfirmationData"
CONDITIONS = ".//saml:Conditions"
AUTHN = ".//saml:AuthnStatement"
RESTRICTION = ".//saml:AudienceRestriction"


def _nearly(url: str) -> dict[str, str]:
    """Return texts that differ from ``url``, but would match by a prefix, a suffix, a substring, or a lenient reader."""
    return {
        "empty": "", "longer": f"{url}/x", "with a slash": f"{url}/", "shorter": url[:-1], "the host only": "http://localhost:8000",
        "upper case": url.upper(), "https": url.replace("http:", "https:"), "without a port": url.replace(":8000", ""),
        "another host": url.replace("localhost", "127.0.0.1"), "of another connection": url.replace("acme", "other"),
        "inside another": f"https://evil.test/?{url}", "with a query": f"{url}?x", "with a fragment": f"{url}#x", "with spaces": f" {url} ",
        "with a line": f"{url}\n", "by a user": url.replace("//", "//evil@"), "with dots": url.replace("/acme", "/x/../acme"),
        "escaped": url.replace("acme", "%61cme"), "of wide letters": url.replace("a", "\uff41"),
    }  # fmt: skip


def _claiming(code: str, claim: str, value: str | None) -> Attack:
    claims: dict[str, Any] = {claim: value}
    return says(code, **claims)


def _each(code: str, claim: str, url: str) -> dict[str, Attack]:
    return {f"{claim} {name}": _claiming(code, claim, value) for name, value in _nearly(url).items() if value != url}


ABSURD = {
    "the year 0": "0000-01-01T00:00:00Z",
    "the year -1": "-0001-01-01T00:00:00Z",
    "the year 10000": "10000-01-01T00:00:00Z",
    "no time": "yesterday",
    "empty": "",
    "a number": "1700000000",
    "no month of the calendar": "2026-13-01T00:00:00Z",
    "no zone": "2026-01-01T00:00:00",
    "a day only": "2026-01-01",
    "Arabic digits": "\u0662\u0660\u0662\u0666-01-01T00:00:00Z",
    "out of the calendar": "0001-01-01T00:00:00+14:00",
    "out of its other end": "9999-12-31T23:59:59-14:00",
    "a leap second": "2016-12-31T23:59:60Z",
}  # fmt: skip
"""Spellings of a time that are refused in every place."""


def _second_audience(root: Any) -> None:
    """Two restrictions: we are in one of them only."""
    root.find(CONDITIONS, NS).append(
        fragment(
            "<saml:AudienceRestriction><saml:Audience>https://other.test</saml:Audience></saml:AudienceRestriction>"
        )
    )


def _second_confirmation(name: str, value: str) -> Change:
    """One good confirmation, and one more that is not."""
    return many(twice(CONFIRMATION), put(f"{CONFIRMATION}[2]/saml:SubjectConfirmationData", name, value))


FAILED = put(STATUS_CODE, "Value", f"{STATUS}Responder")

TREES: dict[str, tuple[str, Change]] = {
    # Status
    "no Status": ("status", drop("samlp:Status")),
    "a StatusCode without a value": ("status", put(STATUS_CODE, "Value", None)),
    "no StatusCode": ("status", drop(STATUS_CODE)),
    "two Status": ("status", twice("samlp:Status")),
    "two StatusCode": ("status", twice(STATUS_CODE)),
    "a failure within a success": ("status", add(STATUS_CODE, f'<samlp:StatusCode Value="{STATUS}AuthnFailed"/>')),
    "a success within a failure": ("status", many(FAILED, add(STATUS_CODE, f'<samlp:StatusCode Value="{SUCCESS}"/>'))),
    "a success in the detail of a failure": (
        "status", many(FAILED, add("samlp:Status", f'<samlp:StatusDetail><samlp:StatusCode Value="{SUCCESS}"/></samlp:StatusDetail>')),
    ),
    **{
        f"the status {value or 'of nothing'}": ("status", put(STATUS_CODE, "Value", value))
        for value in (
            f"{STATUS}Requester", f"{STATUS}Responder", f"{STATUS}VersionMismatch", f"{STATUS}success", f"{SUCCESS}/x", f" {SUCCESS}", "", "Success",
        )
    },
    # Issuer
    "two Issuers of the Assertion": ("issuer", twice("saml:Assertion/saml:Issuer")),
    "two Issuers of the Response": ("invalid", twice("saml:Issuer")),
    "another Issuer of the Response": ("issuer", text("saml:Issuer", "https://evil.test")),
    "another Issuer of the Assertion": ("issuer", text("saml:Assertion/saml:Issuer", "https://evil.test")),
    "no Issuer of the Assertion": ("issuer", drop("saml:Assertion/saml:Issuer")),
    "an element in the Issuer": ("issuer", add("saml:Assertion/saml:Issuer", "<saml:x/>")),
    "an Issuer of another format": ("issuer", put("saml:Assertion/saml:Issuer", "Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")),
    "a Response's Issuer of another format": ("issuer", put("saml:Issuer", "Format", "urn:x")),
    # Subject and its confirmation
    "no Subject": ("structure", drop(".//saml:Subject")),
    "two Subjects": ("structure", twice(".//saml:Subject")),
    "no SubjectConfirmation": ("confirmation", drop(CONFIRMATION)),
    "no SubjectConfirmationData": ("confirmation", drop(DATA)),
    "two SubjectConfirmationData": ("confirmation", twice(DATA)),
    **{
        f"confirmed by {method or 'nothing'}": ("confirmation", put(CONFIRMATION, "Method", method))
        for method in (
            "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches", "urn:oasis:names:tc:SAML:1.0:cm:bearer",
            BEARER.upper(), f" {BEARER}", f"{BEARER}:x", "", None,
        )
    },
    "one good confirmation and one for somebody else": ("recipient", _second_confirmation("Recipient", f"{ACS}/x")),
    "one good confirmation and one that has ended": ("too_late", _second_confirmation("NotOnOrAfter", LONG_AGO)),
    "a confirmation that is not yet": ("not_yet", put(DATA, "NotBefore", "2999-01-01T00:00:00Z")),
    # Conditions
    "no Conditions": ("conditions", drop(CONDITIONS)),
    "two Conditions": ("conditions", twice(CONDITIONS)),
    "no AudienceRestriction": ("audience", drop(RESTRICTION)),
    "an AudienceRestriction of nobody": ("audience", drop(f"{RESTRICTION}/saml:Audience")),
    "two restrictions, one for another service": ("audience", _second_audience),
    "an element in the Audience": ("audience", add(f"{RESTRICTION}/saml:Audience", "<saml:x/>")),
    "a condition that nobody knows": ("conditions", add(CONDITIONS, '<c:Condition xmlns:c="urn:x"/>')),
    "a condition of a type that nobody knows": ("conditions", add(CONDITIONS, '<saml:Condition xmlns:c="urn:x" xsi:type="c:x"/>')),
    "conditions of long ago": ("too_late", many(put(CONDITIONS, "NotBefore", LONG_AGO), put(CONDITIONS, "NotOnOrAfter", LONG_AGO))),
    # AuthnStatement
    "no AuthnStatement": ("structure", drop(AUTHN)),
    "no AuthnInstant": ("invalid", put(AUTHN, "AuthnInstant", None)),
    "no AuthnContext": ("invalid", drop(".//saml:AuthnContext")),
    "a session that has ended": ("too_late", put(AUTHN, "SessionNotOnOrAfter", LONG_AGO)),
    "a session until out of the calendar": ("times", put(AUTHN, "SessionNotOnOrAfter", "9999-12-31T23:59:59-14:00")),
    "signed in out of the calendar": ("times", put(AUTHN, "AuthnInstant", "0001-01-01T00:00:00+14:00")),
    "signed in hundreds of years from now": ("not_yet", put(AUTHN, "AuthnInstant", "2999-01-01T00:00:00Z")),
    "two AuthnStatements, one of which has ended": ("too_late", many(twice(AUTHN), put(AUTHN, "SessionNotOnOrAfter", LONG_AGO))),
    # Times of the Response
    "a Response of long ago": ("too_late", put(".", "IssueInstant", LONG_AGO)),
    "a Response from the future": ("not_yet", put(".", "IssueInstant", "2999-01-01T00:00:00Z")),
    "a Response of no time": ("times", put(".", "IssueInstant", None)),
    "an Assertion of no time": ("times", put("saml:Assertion", "IssueInstant", None)),
    "no ID of the Response": ("signature_layout", put(".", "ID", None)),
}  # fmt: skip

ATTACKS: dict[str, Attack] = {
    **_each("audience", "audience", AUDIENCE),
    **_each("destination", "destination", ACS),
    **_each("recipient", "recipient", ACS),
    **_each("issuer", "issuer", ISSUER),
    **{f"{claim} missing": _claiming(claim, claim, None) for claim in ("audience", "destination", "recipient", "issuer")},
    # The request that is answered, in both places
    "in answer to somebody else's request": says("no_request", in_response_to="_somebody-elses"),
    "in answer to an empty request": says("no_request", in_response_to=""),
    "in answer to an expression": says("no_request", in_response_to="' or ''='"),
    "in answer to a very long request": says("no_request", in_response_to="_" + "a" * 20_000),
    "in answer to nothing": says("unsolicited", in_response_to=None, confirmed_request=None),
    "in answer to nothing, confirmed": says("unsolicited", in_response_to=None),
    "confirmed for nothing": says("in_response_to", confirmed_request=None),
    "confirmed for another request": says("in_response_to", confirmed_request="_another"),
    "confirmed for an empty request": says("in_response_to", confirmed_request=""),
    # Times
    "ended": says("too_late", not_on_or_after=timedelta(minutes=-4)),
    "confirmed until before": says("too_late", confirmation_end=timedelta(minutes=-4)),
    "confirmed without an end": says("times", confirmation_end=None),
    "not yet": says("not_yet", not_before=timedelta(minutes=4)),
    "issued in the future": says("not_yet", issued=timedelta(minutes=5)),
    "issued half an hour ago, and good for an hour": says("too_late", issued=timedelta(minutes=-30), confirmation_end=HOUR, not_on_or_after=HOUR),
    "issued 15 minutes ago, and good for a month": says("too_late", issued=-HOUR / 4, confirmation_end=MONTH, not_on_or_after=MONTH),
    "a session that has just ended": says("too_late", session_end=timedelta(minutes=-1)),
    "signed in in the future": says("not_yet", authn=timedelta(minutes=10)),
    **{f"issued: {name}": says("times", put("saml:Assertion", "IssueInstant", value)) for name, value in ABSURD.items()},
    **{
        f"{what}: {name}": says("times", put(path, "NotOnOrAfter", value))
        for what, path in (("until", CONDITIONS), ("confirmed until", DATA)) for name, value in ABSURD.items()
    },
    # The ID by which it is remembered
    "a long ID": says("structure", assertion_id="_" + "a" * 300, late=True),
    **{name: says(code, change, late=True) for name, (code, change) in TREES.items()},
}  # fmt: skip

"""What a verified message claims, checked one by one against what must be true (SAML core 2.0 and profiles 4.1.4.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from lxml import etree

from sso.saml.assertion import SEAL, Idp, Sp, VerifiedAssertion
from sso.saml.encryption import Keys
from sso.saml.gate import SAML, SAMLP, require_success, text_of
from sso.saml.refusals import Code, SamlRefusal

SKEW: Final = timedelta(minutes=2)
"""How far the clocks may disagree where a connection says nothing else."""

MAX_SKEW: Final = timedelta(minutes=5)
"""How far a connection may let them disagree."""

MAX_AGE: Final = timedelta(minutes=10)
"""How long ago an assertion may have been issued."""

MAX_WINDOW: Final = timedelta(hours=24)
"""How long an assertion may want to be good for."""

MAX_ID: Final = 256
"""Characters of an assertion's ID: it is remembered against replay."""

SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
ENTITY: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
KNOWN_CONDITIONS: Final = {f"{SAML}AudienceRestriction", f"{SAML}OneTimeUse", f"{SAML}ProxyRestriction"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What the message must answer to. ``request_id`` None: the sign-in started at the IdP, and must not claim otherwise.

    ``now`` is aware. ``keys`` may open what is encrypted to us. ``skew`` is what the connection lets clocks disagree.
    """

    idp: Idp
    sp: Sp
    request_id: str | None
    now: datetime
    keys: Keys = tuple
    skew: timedelta = SKEW


def check_claims(root: etree._Element, assertion: etree._Element, expected: Expected) -> VerifiedAssertion:
    """Return what the assertion says once every claim holds; raise `SamlRefusal` naming the first that does not."""
    require_success(root)
    _same(Code.DESTINATION, root.get("Destination"), expected.sp.acs_url)
    _same(Code.IN_RESPONSE_TO, root.get("InResponseTo"), expected.request_id)
    for issuer in (*root.findall(f"{SAML}Issuer"), _one(assertion, "Issuer", Code.ISSUER)):
        _same(Code.ISSUER, text_of(issuer), expected.idp.entity_id)
        _same(Code.ISSUER, issuer.get("Format", ENTITY), ENTITY)
    if not 1 <= len(assertion.get("ID", "")) <= MAX_ID:
        raise SamlRefusal(Code.STRUCTURE, expected=f"an ID of at most {MAX_ID} characters")
    _check_age(root, expected)
    _check_age(assertion, expected)
    not_on_or_after = _check_subject(assertion, expected)
    _check_conditions(assertion, expected)
    session_index, session_end = _check_authentication(assertion, expected)
    name_id = _one(assertion, "Subject", Code.STRUCTURE).find(f"{SAML}NameID")
    attributes, unreadable = _read_attributes(assertion)
    return VerifiedAssertion(
        seal=SEAL,
        assertion_id=assertion.get("ID", ""),
        issuer=expected.idp.entity_id,
        name_id="" if name_id is None else _plain(name_id, "NameID"),
        name_id_format="" if name_id is None else name_id.get("Format", ""),
        in_response_to=expected.request_id,
        not_on_or_after=not_on_or_after,
        session_index=session_index,
        session_not_on_or_after=session_end,
        attributes=MappingProxyType(attributes),
        unreadable=frozenset(unreadable),
    )


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """Whose session an IdP wants ended. No ``session_indexes``: all of that NameID. ``until`` is when its age alone refuses it."""

    request_id: str
    name_id: str
    session_indexes: tuple[str, ...]
    until: datetime


def check_logout_request(root: etree._Element, expected: Expected) -> LogoutRequest:
    """Return what a verified LogoutRequest asks once every claim holds (SAML core 3.7.1); raise `SamlRefusal` naming the first that does not."""
    _check_head(root, expected)
    end = _time(root, "NotOnOrAfter")
    if end is not None and end <= expected.now - expected.skew:
        raise SamlRefusal(Code.TOO_LATE, expected=f"after {expected.now.isoformat()}", received=end.isoformat())
    name_id = _plain(_one(root, "NameID", Code.STRUCTURE), "NameID")
    if not name_id:
        raise SamlRefusal(Code.VALUE, expected="a NameID")
    indexes = tuple(_plain(one, "SessionIndex") for one in root.findall(f"{SAMLP}SessionIndex"))
    if "" in indexes:
        raise SamlRefusal(Code.VALUE, expected="a SessionIndex")  # sessions without one are not what it names
    return LogoutRequest(root.get("ID", ""), name_id, indexes, expected.now + MAX_AGE + 2 * expected.skew)


def check_logout_response(root: etree._Element, expected: Expected) -> tuple[str, bool]:
    """Return which request a verified LogoutResponse answers, and whether all was ended; raise `SamlRefusal`."""
    _check_head(root, expected)
    codes = [code.get("Value") for code in root.findall(f"{SAMLP}Status/{SAMLP}StatusCode")]
    inner = root.find(f"{SAMLP}Status/{SAMLP}StatusCode/{SAMLP}StatusCode")
    return root.get("InResponseTo", ""), codes == [SUCCESS] and inner is None


def _check_head(root: etree._Element, expected: Expected) -> None:
    _same(Code.DESTINATION, root.get("Destination"), expected.sp.slo_url)
    _same(Code.ISSUER, text_of(_one(root, "Issuer", Code.ISSUER)), expected.idp.entity_id)
    if not 1 <= len(root.get("ID", "")) <= MAX_ID:
        raise SamlRefusal(Code.STRUCTURE, expected=f"an ID of at most {MAX_ID} characters")
    _check_age(root, expected)


def _check_age(assertion: etree._Element, expected: Expected) -> None:
    now, skew = expected.now, expected.skew
    issued = _time(assertion, "IssueInstant")
    if issued is None:
        raise SamlRefusal(Code.TIMES, expected="IssueInstant")
    if issued > now + skew:
        raise SamlRefusal(Code.NOT_YET, expected=f"issued by {now.isoformat()}", received=issued.isoformat())
    if issued < now - MAX_AGE - skew:
        raise SamlRefusal(
            Code.TOO_LATE, expected=f"issued after {(now - MAX_AGE).isoformat()}", received=issued.isoformat()
        )


def _check_subject(assertion: etree._Element, expected: Expected) -> datetime:
    """Every bearer confirmation must be for us, now, and in answer to our request; return when the last of them ends."""
    confirmations = _one(assertion, "Subject", Code.STRUCTURE).findall(f"{SAML}SubjectConfirmation")
    bearers = [one for one in confirmations if one.get("Method") == BEARER]
    if not bearers:
        raise SamlRefusal(Code.CONFIRMATION, expected=BEARER)
    ends = []
    for bearer in bearers:
        data = _one(bearer, "SubjectConfirmationData", Code.CONFIRMATION)
        _same(Code.RECIPIENT, data.get("Recipient"), expected.sp.acs_url)
        _same(Code.IN_RESPONSE_TO, data.get("InResponseTo"), expected.request_id)
        ends.append(_check_window(data, expected, end_required=True))
    return max(end for end in ends if end is not None)


def _check_conditions(assertion: etree._Element, expected: Expected) -> None:
    conditions = _one(assertion, "Conditions", Code.CONDITIONS)
    unknown = [str(child.tag) for child in conditions if child.tag not in KNOWN_CONDITIONS]
    if unknown:
        raise SamlRefusal(Code.CONDITIONS, expected="conditions that we understand", received=" ".join(unknown))
    _check_window(conditions, expected, end_required=False)
    restrictions = conditions.findall(f"{SAML}AudienceRestriction")
    if not restrictions:
        raise SamlRefusal(Code.AUDIENCE, expected=expected.sp.entity_id)
    for restriction in restrictions:  # several restrict together: we must be in each
        audiences = [text_of(one) for one in restriction.findall(f"{SAML}Audience")]
        if expected.sp.entity_id not in audiences:
            received = " ".join(audience or "" for audience in audiences)
            raise SamlRefusal(Code.AUDIENCE, expected=expected.sp.entity_id, received=received)


def _check_authentication(assertion: etree._Element, expected: Expected) -> tuple[str, datetime | None]:
    now = expected.now
    statements = assertion.findall(f"{SAML}AuthnStatement")
    if not statements:
        raise SamlRefusal(Code.STRUCTURE, expected="AuthnStatement")
    index, session_end = "", None
    for statement in statements:
        instant = _time(statement, "AuthnInstant")
        if instant is not None and instant > now + expected.skew:
            raise SamlRefusal(Code.NOT_YET, expected=now.isoformat(), received=instant.isoformat())
        end = _time(statement, "SessionNotOnOrAfter")
        if end is not None and end <= now:
            raise SamlRefusal(Code.TOO_LATE, expected=f"a session after {now.isoformat()}", received=end.isoformat())
        session_end = min((one for one in (session_end, end) if one is not None), default=None)
        index = index or statement.get("SessionIndex", "")
    return index, session_end


def _read_attributes(assertion: etree._Element) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """Read all attributes. One name in several elements has the values of all (Keycloak says each role so): one UID in two is two values."""
    attributes: dict[str, tuple[str, ...]] = {}
    unreadable: set[str] = set()
    for attribute in assertion.iterfind(f"{SAML}AttributeStatement/{SAML}Attribute"):
        name = attribute.get("Name", "")
        texts = [text_of(value) for value in attribute.iterfind(f"{SAML}AttributeValue")]
        if any(text is None for text in texts):
            unreadable.add(name)
        attributes[name] = (*attributes.get(name, ()), *(text for text in texts if text is not None))
    return {name: values for name, values in attributes.items() if name not in unreadable}, unreadable


def _check_window(element: etree._Element, expected: Expected, *, end_required: bool) -> datetime | None:
    now = expected.now
    start, end = _time(element, "NotBefore"), _time(element, "NotOnOrAfter")
    if start is not None and start > now + expected.skew:
        raise SamlRefusal(Code.NOT_YET, expected=now.isoformat(), received=start.isoformat())
    if end is None:
        if end_required:
            raise SamlRefusal(Code.TIMES, expected="NotOnOrAfter")
        return None
    if end <= now - expected.skew:
        raise SamlRefusal(Code.TOO_LATE, expected=f"after {now.isoformat()}", received=end.isoformat())
    if end > now + MAX_WINDOW:
        raise SamlRefusal(Code.TIMES, expected=f"before {(now + MAX_WINDOW).isoformat()}", received=end.isoformat())
    return end


def _time(element: etree._Element, name: str) -> datetime | None:
    value = element.get(name)
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise SamlRefusal(Code.TIMES, expected=f"{name} as a time", received=value) from error
    if time.tzinfo is None:
        raise SamlRefusal(Code.TIMES, expected=f"{name} with a time zone", received=value)
    try:
        return time.astimezone(UTC)
    except OverflowError as error:  # the year 1 or 9999, in a zone that leads out of the calendar
        raise SamlRefusal(Code.TIMES, expected=f"{name} within the calendar", received=value) from error


def _one(element: etree._Element, name: str, code: Code) -> etree._Element:
    found = element.findall(f"{SAML}{name}")
    if len(found) != 1:
        raise SamlRefusal(code, expected=f"one {name}", received=str(len(found)))
    return found[0]


def _same(code: Code, received: str | None, expected: str | None) -> None:
    """Compare exactly: the library compares Destination by prefix and Recipient by substring, and lets missing ones pass."""
    if received != expected:
        raise SamlRefusal(code, expected=str(expected), received=str(received))


def _plain(element: etree._Element, name: str) -> str:
    text = text_of(element)
    if text is None:
        raise SamlRefusal(Code.VALUE, expected=f"{name} of text only")
    return text


def names_of(attributes: VerifiedAssertion) -> Iterator[str]:
    """Yield the names of all attributes that arrived, readable or not."""
    yield from sorted({*attributes.attributes, *attributes.unreadable})

"""Check the claims of a Response one by one, and return the assertion that is believed (SAML core 2.0 and profiles 4.1.4.3)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from lxml import etree

from sso.saml.expectations import FRESH, Expected, check_age, check_id, check_window, only, plain, same, shown, time_of
from sso.saml.gate import SAML, SAMLP, text_of
from sso.saml.refusals import Code, SamlRefusal, legible
from sso.saml.trace import Seen, Trace

ENTITY: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
KNOWN_CONDITIONS: Final = {f"{SAML}AudienceRestriction", f"{SAML}OneTimeUse", f"{SAML}ProxyRestriction"}

STATUS_PREFIX: Final = "urn:oasis:names:tc:SAML:2.0:status:"
SUCCESS: Final = f"{STATUS_PREFIX}Success"
STATUS: Final = "Status"
WORDS: Final = "The identity provider's own words"
"""Names of two checks: the received codes, and the StatusMessage."""

MASK: Final = "…"

SEAL: Final = object()
"""Only `check_claims` uses it; see `VerifiedAssertion`."""


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """An assertion whose signature, place, time and recipient were checked. Times are aware.

    ``attributes`` maps each name to its values as sent; ``unreadable`` contains the names of attributes with anything but plain text.
    """

    seal: object = field(repr=False, compare=False)
    assertion_id: str
    issuer: str
    name_id: str
    name_id_format: str
    in_response_to: str | None
    session_index: str
    session_not_on_or_after: datetime | None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    unreadable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.seal is not SEAL:
            raise TypeError("Only the verifier builds a VerifiedAssertion.")


@dataclass(frozen=True, slots=True)
class Message:
    """A Response whose layout and signature are good, its one Assertion, and the expected values of both."""

    root: etree._Element
    assertion: etree._Element
    expected: Expected


def check_claims(
    root: etree._Element, assertion: etree._Element, expected: Expected, trace: Trace | None = None
) -> VerifiedAssertion:
    """Return the content of the assertion if every claim of `CLAIMS` passes; otherwise raise `SamlRefusal` for the first failure."""
    (trace or Trace()).run(CLAIMS, Message(root, assertion, expected))
    name_id = _subject(assertion).find(f"{SAML}NameID")
    session_index, session_end = _session(assertion)
    attributes, unreadable = _attributes(assertion)
    return VerifiedAssertion(
        seal=SEAL,
        assertion_id=assertion.get("ID", ""),
        issuer=expected.idp.entity_id,
        name_id="" if name_id is None else plain(name_id, "NameID"),
        name_id_format="" if name_id is None else name_id.get("Format", ""),
        in_response_to=expected.request_id,
        session_index=session_index,
        session_not_on_or_after=session_end,
        attributes=MappingProxyType(attributes),
        unreadable=frozenset(unreadable),
    )


def check_failure(root: etree._Element, expected: Expected) -> None:
    """Require that a Response without an Assertion is for us, is recent, and answers our request. Raises `SamlRefusal`."""
    _destination(root, expected)
    _answered_request(root, expected)
    for issuer in root.findall(f"{SAML}Issuer"):
        same(Code.ISSUER, text_of(issuer), expected.idp.entity_id)
    check_age(root, expected)


def _destination(root: etree._Element, expected: Expected) -> Seen:
    return same(Code.DESTINATION, root.get("Destination"), expected.sp.acs_url)


def _answered_request(root: etree._Element, expected: Expected) -> Seen:
    return same(Code.IN_RESPONSE_TO, root.get("InResponseTo"), expected.request_id)


def _status(message: Message) -> Seen:
    require_success(message.root)
    return SUCCESS, SUCCESS


def _issuers(message: Message) -> Seen:
    """The Assertion must name the issuer. The Response may, but then no other issuer."""
    issuers = message.root.findall(f"{SAML}Issuer")
    for issuer in (*issuers, only(message.assertion, "Issuer", Code.ISSUER)):
        same(Code.ISSUER, text_of(issuer), message.expected.idp.entity_id)
        same(Code.ISSUER, issuer.get("Format", ENTITY), ENTITY)
    return message.expected.idp.entity_id, message.expected.idp.entity_id


def _recipient(message: Message) -> Seen:
    required = message.expected.sp.acs_url
    return _each_confirmation(message, lambda data: same(Code.RECIPIENT, data.get("Recipient"), required))


def _confirmed_request(message: Message) -> Seen:
    required = message.expected.request_id
    return _each_confirmation(message, lambda data: same(Code.IN_RESPONSE_TO, data.get("InResponseTo"), required))


def _confirmed_now(message: Message) -> Seen:
    return _each_confirmation(message, lambda data: check_window(data, message.expected, end_required=True))


def _each_confirmation(message: Message, look: Callable[[etree._Element], Seen]) -> Seen:
    """Require that every bearer confirmation is for us, is valid now, and answers our request. One good confirmation is not enough."""
    results = [look(data) for data in _confirmations(message.assertion)]
    return results[0]


def _known_conditions(message: Message) -> Seen:
    required = "conditions that we understand"
    tags = [str(child.tag) for child in _conditions(message.assertion)]
    unknown = [tag for tag in tags if tag not in KNOWN_CONDITIONS]
    if unknown:
        raise SamlRefusal(Code.CONDITIONS, expected=required, received=" ".join(unknown))
    return required, " ".join(tag.rpartition("}")[2] for tag in tags)


def _conditions_now(message: Message) -> Seen:
    return check_window(_conditions(message.assertion), message.expected, end_required=False)


def _audience(message: Message) -> Seen:
    required, received = message.expected.sp.entity_id, ""
    restrictions = _conditions(message.assertion).findall(f"{SAML}AudienceRestriction")
    if not restrictions:
        raise SamlRefusal(Code.AUDIENCE, expected=required)
    for restriction in restrictions:  # an assertion must meet all restrictions, so we must be in each
        audiences = [text_of(one) for one in restriction.findall(f"{SAML}Audience")]
        received = " ".join(audience or "" for audience in audiences)
        if required not in audiences:
            raise SamlRefusal(Code.AUDIENCE, expected=required, received=received)
    return required, received


def _authentication(message: Message) -> Seen:
    now, skew = message.expected.now, message.expected.skew
    received = []
    for statement in _statements(message.assertion):
        instant, end = time_of(statement, "AuthnInstant"), time_of(statement, "SessionNotOnOrAfter")
        if instant is not None and instant > now + skew:
            raise SamlRefusal(Code.NOT_YET, expected=f"by {shown(now)}", received=shown(instant))
        if end is not None and end <= now:
            raise SamlRefusal(Code.TOO_LATE, expected=f"a session after {shown(now)}", received=shown(end))
        received += [shown(time) for time in (instant, end) if time is not None]
    return f"by {shown(now)}, and a session after it", " to ".join(received)


def _context(message: Message) -> Seen:
    required = message.expected.wishes.authn_context
    path = f"{SAML}AuthnContext/{SAML}AuthnContextClassRef"
    received = [text_of(one) or "" for statement in _statements(message.assertion) for one in statement.iterfind(path)]
    if required and (not received or set(received) != {required}):
        raise SamlRefusal(Code.AUTHN_CONTEXT, expected=required, received=" ".join(received))
    return required or "anything", " ".join(received)


def _fresh(message: Message) -> Seen:
    expected = message.expected
    if not expected.wishes.force_authn:
        return "not required", ""
    since = expected.now - FRESH - expected.skew
    instants = [time_of(statement, "AuthnInstant") for statement in _statements(message.assertion)]
    received = ", ".join("…" if one is None else shown(one) for one in instants)
    if any(one is None or one < since for one in instants):
        raise SamlRefusal(Code.AUTHN_CONTEXT, expected=f"AuthnInstant after {shown(since)}", received=received)
    return f"after {shown(since)}", received


def _name_id(message: Message) -> Seen:
    name_id = _subject(message.assertion).find(f"{SAML}NameID")
    if name_id is not None:
        plain(name_id, "NameID")
    return "text only", "none" if name_id is None else name_id.get("Format", "no Format")


CLAIMS: Final[tuple[tuple[str, Callable[[Message], Seen]], ...]] = (
    (STATUS, _status),
    ("Destination", lambda one: _destination(one.root, one.expected)),
    ("InResponseTo", lambda one: _answered_request(one.root, one.expected)),
    ("Issuer", _issuers),
    ("ID of the Assertion", lambda one: check_id(one.assertion)),
    ("IssueInstant of the Response", lambda one: check_age(one.root, one.expected)),
    ("IssueInstant of the Assertion", lambda one: check_age(one.assertion, one.expected)),
    ("Recipient of the confirmation", _recipient),
    ("InResponseTo of the confirmation", _confirmed_request),
    ("Times of the confirmation", _confirmed_now),
    ("Conditions", _known_conditions),
    ("Times of the Conditions", _conditions_now),
    ("Audience", _audience),
    ("AuthnStatement", _authentication),
    ("How the person proved their identity", _context),
    ("Proved again", _fresh),
    ("NameID", _name_id),
)
"""The claims of a Response, each with its name in the log. Each returns the expected and the received value, or raises `SamlRefusal`."""


def _subject(assertion: etree._Element) -> etree._Element:
    return only(assertion, "Subject", Code.STRUCTURE)


def _confirmations(assertion: etree._Element) -> list[etree._Element]:
    """Return the data of every bearer confirmation; there is at least one."""
    bearers = [one for one in _subject(assertion).findall(f"{SAML}SubjectConfirmation") if one.get("Method") == BEARER]
    if not bearers:
        raise SamlRefusal(Code.CONFIRMATION, expected=BEARER)
    return [only(bearer, "SubjectConfirmationData", Code.CONFIRMATION) for bearer in bearers]


def _conditions(assertion: etree._Element) -> etree._Element:
    return only(assertion, "Conditions", Code.CONDITIONS)


def _statements(assertion: etree._Element) -> list[etree._Element]:
    statements = assertion.findall(f"{SAML}AuthnStatement")
    if not statements:
        raise SamlRefusal(Code.STRUCTURE, expected="AuthnStatement")
    return statements


def _session(assertion: etree._Element) -> tuple[str, datetime | None]:
    """Return the IdP's names for the session, and the earliest of all its ends."""
    statements = _statements(assertion)
    index = next((one.get("SessionIndex", "") for one in statements if one.get("SessionIndex")), "")
    ends = [end for end in (time_of(one, "SessionNotOnOrAfter") for one in statements) if end is not None]
    return index, min(ends, default=None)


def _attributes(assertion: etree._Element) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """Return all attributes. If a name is in several elements, their values are joined: Keycloak sends each role in an element of its own."""
    attributes: dict[str, tuple[str, ...]] = {}
    unreadable: set[str] = set()
    for attribute in assertion.iterfind(f"{SAML}AttributeStatement/{SAML}Attribute"):
        name = attribute.get("Name", "")
        texts = [text_of(value) for value in attribute.iterfind(f"{SAML}AttributeValue")]
        if any(text is None for text in texts):
            unreadable.add(name)
        attributes[name] = (*attributes.get(name, ()), *(text for text in texts if text is not None))
    return {name: values for name, values in attributes.items() if name not in unreadable}, unreadable


def attribute_names(assertion: VerifiedAssertion) -> Iterator[str]:
    """Yield the names of all attributes in the assertion, readable or not."""
    yield from sorted({*assertion.attributes, *assertion.unreadable})


def require_success(root: etree._Element) -> None:
    """Raise `SamlRefusal` unless the Status is success."""
    codes = _codes(root)
    if codes != [SUCCESS]:  # a second code could contradict the first
        raise SamlRefusal(Code.STATUS, expected=SUCCESS, received=" ".join(codes))


def is_failure_alone(root: etree._Element) -> bool:
    """Whether this is a Response without an Assertion and with a Status other than success. Anybody may have sent it."""
    if root.tag != f"{SAMLP}Response" or root.get("Version") != "2.0" or root.find(f"{SAMLP}Status") is None:
        return False
    assertions = (next(root.iter(tag), None) for tag in ("{*}Assertion", f"{SAML}EncryptedAssertion"))
    return all(one is None for one in assertions) and _codes(root) != [SUCCESS]


def words_of_failure(root: etree._Element) -> str:
    """Return the StatusMessage of a Response that signs nobody in, for an administrator: one line, legible, short, without email addresses.

    Empty if the Response has no StatusMessage. Email addresses are removed, because Entra writes the person's address into it.
    """
    text = text_of(root.find(f"{SAMLP}Status/{SAMLP}StatusMessage")) or ""
    if _codes(root) == [SUCCESS]:
        return ""
    return legible(" ".join(MASK if "@" in word else word for word in text.split()))


def _codes(root: etree._Element) -> list[str]:
    return [code.get("Value", "") for code in root.iterfind(f"{SAMLP}Status//{SAMLP}StatusCode")]

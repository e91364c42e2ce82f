"""The expected values of a message, and the comparisons for claims. Each comparison returns the expected and the received value, or refuses."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from sso.saml.encryption import Keys
from sso.saml.gate import SAML, text_of
from sso.saml.parties import Idp, Sp, Wishes
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.trace import Seen

SKEW: Final = timedelta(minutes=2)
"""The default difference of the clocks that a connection accepts."""

MAX_SKEW: Final = timedelta(minutes=5)
"""The largest difference that a connection may choose."""

MAX_AGE: Final = timedelta(minutes=10)
"""The maximum age of a message, whatever its window is. The ID of a used message is stored for longer than this."""

FRESH: Final = timedelta(minutes=15)
"""The maximum age of an authentication if the IdP must ask each time. It is the time that people may need there."""

MAX_ID: Final = 256
"""The maximum length of an assertion's ID, because it is stored against replay."""

NO_WISHES: Final = Wishes()


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected values of a message. ``request_id`` None: the IdP began the sign-in, and the message must not claim to answer a request.

    ``now`` is aware. ``keys`` open assertions that are encrypted to us. ``skew`` is the accepted difference of the clocks. The ``wishes`` about
    authentication apply to the answer too, and to sign-ins that the IdP began, because a request does not bind the IdP.
    """

    idp: Idp
    sp: Sp
    request_id: str | None
    now: datetime
    keys: Keys = tuple
    skew: timedelta = SKEW
    wishes: Wishes = NO_WISHES


def check_age(element: etree._Element, expected: Expected) -> Seen:
    now, skew = expected.now, expected.skew
    required = f"after {shown(now - MAX_AGE)}, by {shown(now)}, give or take {skew.seconds} s"
    issued = time_of(element, "IssueInstant")
    if issued is None:
        raise SamlRefusal(Code.TIMES, expected="IssueInstant")
    if issued > now + skew:
        raise SamlRefusal(Code.NOT_YET, expected=required, received=shown(issued))
    if issued < now - MAX_AGE - skew:
        raise SamlRefusal(Code.TOO_LATE, expected=required, received=shown(issued))
    return required, shown(issued)


def check_id(element: etree._Element) -> Seen:
    required = f"an ID of at most {MAX_ID} characters"
    if not 1 <= len(element.get("ID", "")) <= MAX_ID:
        raise SamlRefusal(Code.STRUCTURE, expected=required)
    return required, element.get("ID", "")


def check_window(element: etree._Element, expected: Expected, *, end_required: bool) -> Seen:
    """Require that now is within the window. The window may have any length: `check_age` limits how long a message is accepted."""
    now = expected.now
    start, end = time_of(element, "NotBefore"), time_of(element, "NotOnOrAfter")
    if start is not None and start > now + expected.skew:
        raise SamlRefusal(Code.NOT_YET, expected=f"from {shown(now)} on", received=shown(start))
    if end is None and end_required:
        raise SamlRefusal(Code.TIMES, expected="NotOnOrAfter")
    if end is not None and end <= now - expected.skew:
        raise SamlRefusal(Code.TOO_LATE, expected=f"after {shown(now)}", received=shown(end))
    required = f"{shown(now)} is within, give or take {expected.skew.seconds} s"
    return required, " to ".join("…" if one is None else shown(one) for one in (start, end))


def time_of(element: etree._Element, name: str) -> datetime | None:
    value = element.get(name)
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise SamlRefusal(Code.TIMES, expected=f"{name} with a time zone", received=value)
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SamlRefusal(Code.TIMES, expected=f"{name} as a time", received=value) from error


def shown(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def only(element: etree._Element, name: str, code: Code) -> etree._Element:
    children = element.findall(f"{SAML}{name}")
    if len(children) != 1:
        raise SamlRefusal(code, expected=f"one {name}", received=str(len(children)))
    return children[0]


def same(code: Code, received: str | None, expected: str | None) -> Seen:
    """Compare exactly. The library compares Destination by prefix and Recipient by substring, and accepts a message without them."""
    if received != expected:
        raise SamlRefusal(code, expected=expected or "none", received="none" if received is None else received)
    return expected or "none", received or "none"


def plain(element: etree._Element, name: str) -> str:
    text = text_of(element)
    if text is None:
        raise SamlRefusal(Code.VALUE, expected=f"{name} of text only")
    return text

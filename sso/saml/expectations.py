"""The expected values of a message, and the comparisons that claims consist of. Each returns the expected and the received value, or refuses."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from sso.saml.assertion import Idp, Sp, Wishes
from sso.saml.encryption import Keys
from sso.saml.gate import SAML, text_of
from sso.saml.refusals import Code, SamlRefusal
from sso.saml.trace import Seen

SKEW: Final = timedelta(minutes=2)
"""The preset difference between the clocks that a connection accepts."""

MAX_SKEW: Final = timedelta(minutes=5)
"""The largest difference that a connection may choose."""

MAX_AGE: Final = timedelta(minutes=10)
"""The maximum age of a message, whatever its window. A used message is therefore remembered longer than this, not for the window."""

FRESH: Final = timedelta(minutes=15)
"""The maximum age of the authentication if the IdP must ask each time: the time that people may need there."""

MAX_ID: Final = 256
"""Characters of an assertion's ID: it is remembered against replay."""

NO_WISHES: Final = Wishes()


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected values of a message. ``request_id`` None: the sign-in started at the IdP, and must not claim otherwise.

    ``now`` is aware. ``keys`` may open assertions that are encrypted to us. ``skew`` is the accepted difference of the clocks. The ``wishes``
    about authentication apply to the answer too, and to sign-ins that the IdP began, because a request alone binds nobody.
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
    wanted = f"after {shown(now - MAX_AGE)}, by {shown(now)}, give or take {skew.seconds} s"
    issued = time_of(element, "IssueInstant")
    if issued is None:
        raise SamlRefusal(Code.TIMES, expected="IssueInstant")
    if issued > now + skew:
        raise SamlRefusal(Code.NOT_YET, expected=wanted, received=shown(issued))
    if issued < now - MAX_AGE - skew:
        raise SamlRefusal(Code.TOO_LATE, expected=wanted, received=shown(issued))
    return wanted, shown(issued)


def check_id(element: etree._Element) -> Seen:
    wanted = f"an ID of at most {MAX_ID} characters"
    if not 1 <= len(element.get("ID", "")) <= MAX_ID:
        raise SamlRefusal(Code.STRUCTURE, expected=wanted)
    return wanted, element.get("ID", "")


def check_window(element: etree._Element, expected: Expected, *, end_required: bool) -> Seen:
    """Require that now is within the window, which may be of any length: `check_age` limits how long a message is accepted."""
    now = expected.now
    start, end = time_of(element, "NotBefore"), time_of(element, "NotOnOrAfter")
    if start is not None and start > now + expected.skew:
        raise SamlRefusal(Code.NOT_YET, expected=f"from {shown(now)} on", received=shown(start))
    if end is None and end_required:
        raise SamlRefusal(Code.TIMES, expected="NotOnOrAfter")
    if end is not None and end <= now - expected.skew:
        raise SamlRefusal(Code.TOO_LATE, expected=f"after {shown(now)}", received=shown(end))
    wanted = f"{shown(now)} is within, give or take {expected.skew.seconds} s"
    return wanted, " to ".join("…" if one is None else shown(one) for one in (start, end))


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
    found = element.findall(f"{SAML}{name}")
    if len(found) != 1:
        raise SamlRefusal(code, expected=f"one {name}", received=str(len(found)))
    return found[0]


def same(code: Code, received: str | None, expected: str | None) -> Seen:
    """Compare exactly: the library compares Destination by prefix and Recipient by substring, and lets missing ones pass."""
    if received != expected:
        raise SamlRefusal(code, expected=expected or "none", received="none" if received is None else received)
    return expected or "none", received or "none"


def plain(element: etree._Element, name: str) -> str:
    text = text_of(element)
    if text is None:
        raise SamlRefusal(Code.VALUE, expected=f"{name} of text only")
    return text

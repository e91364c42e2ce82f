"""The proof that an email domain belongs to a customer: a DNS TXT record that its owner publishes, looked up when somebody asks (R38).

The value depends on the connection and the domain. A record that another connection was given proves nothing here.

A proof lasts. A domain that leads to a connection only saves its people a link, so a record that disappears takes nothing away by itself: DNS
faults would lock people out. An administrator can look again, and take the domain back.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from core_identity.errors import InvalidValue

if TYPE_CHECKING:
    from core_identity.models import Connection

LABEL: Final = "_core-identity"
"""Below the domain, so that records of the domain itself, such as SPF, stay as they are."""
VALUE: Final = "core-identity-verification="
_FIELD: Final = "domain"


@dataclass(frozen=True, slots=True)
class TxtRecord:
    """The record that the owner of a domain must publish."""

    name: str
    value: str


def record_for(connection: "Connection", domain: str) -> TxtRecord:
    """Return the record for a domain in the form of `normal_domain`. It is the same each time. Only our secret key can make it."""
    return TxtRecord(f"{LABEL}.{domain}", _value(connection, domain, settings.SECRET_KEY))


class Finding(StrEnum):
    """The answers of DNS about the record of a domain."""

    RIGHT = "right"
    ABSENT = "absent"
    OTHER = "other"
    UNANSWERED = "unanswered"


def look_up(connection: "Connection", domain: str) -> Finding:
    """Ask DNS for the record of ``domain``. It may take seconds, so call it outside of a transaction.

    A record made by a former secret key counts while SECRET_KEY_FALLBACKS lists the key.
    """
    from sso.settings.txt_records import NotAnswered, txt_records  # imported late: only this needs dnspython

    try:
        found = txt_records(f"{LABEL}.{domain}")
    except NotAnswered:
        return Finding.UNANSWERED
    if not found:
        return Finding.ABSENT
    expected = [_value(connection, domain, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    # Somebody who can publish a record must not measure how many of its characters are right.
    is_right = any(constant_time_compare(text.strip(), value.encode()) for text in found for value in expected)
    return Finding.RIGHT if is_right else Finding.OTHER


def require_proof(connection: "Connection", domain: str) -> None:
    """Return if the record of ``domain`` is published now. Otherwise raise `InvalidValue` with what to do. It may take seconds, as `look_up`."""
    name = f"{LABEL}.{domain}"
    match look_up(connection, domain):
        case Finding.UNANSWERED:
            fault = f"The name servers of {domain} did not answer. Try again in a minute."
        case Finding.ABSENT:
            fault = f"There is no TXT record {name} yet. Publish it, then try again. A new record can take an hour to appear."
        case Finding.OTHER:
            fault = f"The TXT record {name} has another value. Correct it, then try again. A new value can take an hour to appear."
        case Finding.RIGHT:
            return
    raise InvalidValue(_FIELD, fault)


def state_of_proof(connection: "Connection", domain: str) -> tuple[Finding, str]:
    """Return what DNS answers now about the record of a domain that was verified before, and a sentence about it. Nothing changes (R38)."""
    name = f"{LABEL}.{domain}"
    found = look_up(connection, domain)
    now = {
        Finding.RIGHT: f"The TXT record {name} is published.",
        Finding.ABSENT: f"There is no TXT record {name} now.",
        Finding.OTHER: f"The TXT record {name} has another value now.",
        Finding.UNANSWERED: f"The name servers of {domain} did not answer. Try again in a minute.",
    }[found]
    return found, f"{now} {domain} still leads here."


def _value(connection: "Connection", domain: str, key: str) -> str:
    digest = salted_hmac("sso.settings.domain_proof", f"{connection.pk} {domain}", secret=key, algorithm="sha256")
    return f"{VALUE}{digest.hexdigest()}"

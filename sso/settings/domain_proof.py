"""The proof that an email domain belongs to a customer: a DNS TXT record that its owner publishes, looked up when somebody asks (R38).

The value depends on the connection and the domain. A record that another connection was given proves nothing here.
"""

from dataclasses import dataclass
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


def require_proof(connection: "Connection", domain: str) -> None:
    """Return if the record of ``domain`` is published now. Otherwise raise `InvalidValue` with what to do.

    It may take seconds, so call it outside of a transaction. A record made by a former secret key counts while SECRET_KEY_FALLBACKS lists the key.
    """
    from sso.settings.txt_records import NotAnswered, txt_records  # imported late: only this needs dnspython

    name = f"{LABEL}.{domain}"
    try:
        found = txt_records(name)
    except NotAnswered as error:
        unanswered = f"The name servers of {domain} did not answer. Try again in a minute."
        raise InvalidValue(_FIELD, unanswered) from error
    if not found:
        absent = (
            f"There is no TXT record {name} yet. Publish it, then try again. A new record can take an hour to appear."
        )
        raise InvalidValue(_FIELD, absent)
    expected = [_value(connection, domain, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    # Somebody who can publish a record must not measure how much of it is right.
    if not any(constant_time_compare(text.strip(), value.encode()) for text in found for value in expected):
        other = f"The TXT record {name} has another value. Correct it, then try again. A new value can take an hour to appear."
        raise InvalidValue(_FIELD, other)


def _value(connection: "Connection", domain: str, key: str) -> str:
    digest = salted_hmac("sso.settings.domain_proof", f"{connection.pk} {domain}", secret=key, algorithm="sha256")
    return f"{VALUE}{digest.hexdigest()}"

"""Fields of a query string or of a posted form."""

from typing import Final
from urllib.parse import parse_qsl

from demo.idp.authn_request import MAX_CHARACTERS, Refused
from demo.idp.habits import QUESTIONS

MAX_BYTES: Final = 4 * MAX_CHARACTERS
_KNOWN: Final = (
    "SAMLRequest",
    "SAMLResponse",
    "RelayState",
    "person",
    "step",
    "token",
    "connection",
    "session",
    *(question.name for question in QUESTIONS),
)


def fields_of(encoded: str) -> dict[str, str]:
    """Return the fields that are known here; raise `Refused` if a field is sent twice, because either value could be meant."""
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise Refused("The form cannot be read.") from error
    known = [(name, value) for name, value in pairs if name in _KNOWN]
    fields = dict(known)
    if len(fields) != len(known):
        raise Refused("A field was sent twice.")
    return fields


def going_along(fields: dict[str, str]) -> dict[str, str]:
    """Return the RelayState as sent, or nothing: the SP must get back exactly what it gave (SAML bindings 3.4.3)."""
    return {name: value for name, value in fields.items() if name == "RelayState"}

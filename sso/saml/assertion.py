"""An assertion that is believed. Only `sso.saml.verifier` can build it, so no other code needs to check it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sso.saml.signed import Signed

UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

SEAL: Final = object()
"""Only the verifier uses it; see `VerifiedAssertion`."""


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
class Idp:
    """The IdP that a connection believes. ``certificates`` are PEM texts; a signature by any of them is accepted."""

    entity_id: str
    sso_url: str
    certificates: tuple[str, ...]
    signed: Signed = Signed.BOTH
    want_encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Sp:
    """Our addresses for that IdP. All are absolute URLs, one set for each connection, compared exactly."""

    entity_id: str
    acs_url: str
    slo_url: str


@dataclass(frozen=True, slots=True)
class Session:
    """The IdP's names for a person's session with it; ``index`` and ``name_id_format`` may be empty."""

    name_id: str
    name_id_format: str = ""
    index: str = ""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The wishes of an AuthnRequest. ``authn_context`` empty: the IdP decides how people prove their identity."""

    name_id_format: str = UNSPECIFIED
    force_authn: bool = False
    authn_context: str = ""

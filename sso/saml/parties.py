"""The two parties of a connection, our side (SP) and the IdP: their addresses, the parts that the IdP must sign, and our wishes.

A signature that is present must verify at every setting of `Signed`; the setting decides which ones may be absent, so that one verified signature
covers everything that is read. See docs/explanation/trust-in-an-assertion.md.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from sso.saml.refusals import Code, SamlRefusal

UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


class Signed(StrEnum):
    """The values of the setting *signed*. They are stored, and connection files contain them."""

    BOTH = "both"
    ASSERTION = "assertion"
    RESPONSE = "response"
    EITHER = "either"

    @property
    def needs_response(self) -> bool:
        return self in {Signed.BOTH, Signed.RESPONSE}

    @property
    def needs_assertion(self) -> bool:
        return self in {Signed.BOTH, Signed.ASSERTION}

    def allows(self, *, response: bool, assertion: bool) -> bool:
        """Whether a message with these signatures is signed enough. It does not check that they verify."""
        enough = response or assertion
        return enough and (response or not self.needs_response) and (assertion or not self.needs_assertion)

    def require(self, *, response: bool, assertion: bool) -> None:
        """Raise `SamlRefusal` with the exact reason if a message with these signatures is not signed enough."""
        if not self.allows(response=response, assertion=assertion):
            raise SamlRefusal(
                Code.NOT_SIGNED,
                expected=DEMANDS[self],
                received=signatures_in_words(response=response, assertion=assertion),
            )


DEMANDS: Final = {
    Signed.BOTH: "the Response and the Assertion signed; this connection requires both",
    Signed.ASSERTION: "the Assertion signed; this connection requires the Assertion",
    Signed.RESPONSE: "the Response signed; this connection requires the Response",
    Signed.EITHER: "the Response or the Assertion signed; this connection requires either",
}
LABELS: Final = (
    (Signed.BOTH.value, "the Response and the Assertion"),
    (Signed.ASSERTION.value, "the Assertion"),
    (Signed.RESPONSE.value, "the Response"),
    (Signed.EITHER.value, "the Response or the Assertion"),
)
"""The values of the setting, described for an administrator."""


def signatures_in_words(*, response: bool, assertion: bool) -> str:
    match response, assertion:
        case True, True:
            return "the Response and the Assertion are signed"
        case True, False:
            return "the Response is signed, the Assertion is not"
        case False, True:
            return "the Assertion is signed, the Response is not"
        case _:
            return "neither the Response nor the Assertion is signed"


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


_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
"""Hosts that may be copied into a Content-Security-Policy. There, ``;`` would begin another rule, and ``*`` match any host. Other letters: ``xn--``.
"""


class Binding(StrEnum):
    """The way of a message through the browser (SAML bindings 3.4, 3.5)."""

    REDIRECT = "redirect"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Place:
    """An address of an IdP, and the binding of messages to it."""

    url: str
    binding: Binding


def choose(preferred: Binding, *, redirect: str, post: str) -> Place | None:
    """Return the place of the ``preferred`` binding, or else of the other one; None if both addresses are empty."""
    places = [Place(redirect, Binding.REDIRECT), Place(post, Binding.POST)]
    places.sort(key=lambda place: place.binding != preferred)
    return next((place for place in places if place.url), None)


def is_safe_url(url: str, *, loopback: bool) -> bool:
    """Whether a browser may be sent to ``url``: https on any port. With ``loopback``, any address of this machine too.

    ``loopback`` is for a server on a developer's machine.
    Addresses that this server itself fetches are limited more (`sso.settings.metadata_source`).
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    # Browsers read a backslash as a slash, and drop line breaks and tabs, so they would see another host than we do. After a #, our query would not
    # be sent.
    if not _HOST.fullmatch(parts.netloc) or any(one.isspace() or ord(one) < 33 or one in "\\#\x7f" for one in url):
        return False
    if loopback and parts.scheme in {"http", "https"} and _is_loopback(host):
        return True
    return parts.scheme == "https" and port != 0


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

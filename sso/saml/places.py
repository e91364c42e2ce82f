"""The addresses of an IdP to which a browser may be sent, and the binding for each."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

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


def choose(rather: Binding, *, redirect: str, post: str) -> Place | None:
    """Return the place of the preferred binding (``rather``), or else of the other one; None if both addresses are empty."""
    places = [Place(redirect, Binding.REDIRECT), Place(post, Binding.POST)]
    places.sort(key=lambda place: place.binding != rather)
    return next((place for place in places if place.url), None)


def is_safe_url(url: str, *, loopback: bool) -> bool:
    """Whether a browser may be sent to ``url``: https on any port. With ``loopback``, for trials, any address of this machine too.

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

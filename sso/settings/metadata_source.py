"""Fetch the metadata of an IdP from its address, so that nobody can use the address to explore our network.

Each name is resolved once, and every result must be a public address. The connection goes to the address that was checked, so a name that changes
its address a moment later (DNS rebinding) gains nothing. No proxy from the environment is used.
"""

import http.client
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Timer
from time import monotonic
from typing import Final
from urllib.parse import urljoin, urlsplit

from sso.saml.idp_metadata import MetadataFaults
from sso.saml.parties import is_safe_url

SECONDS: Final = 10
MAX_BYTES: Final = 1024 * 1024
MAX_REDIRECTS: Final = 3
PORTS: Final = frozenset({None, 443, 8443, 9031, 9443})
"""Ports at which IdPs answer (PingFederate at 9031, WSO2 at 9443). This server must not connect to other services of a host."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
_SIX_TO_FOUR: Final = ip_network("2002::/16")


def is_fetchable(url: str) -> bool:
    """Whether this server may fetch ``url``: an address to which a browser may be sent, on one of `PORTS`."""
    return is_safe_url(url, loopback=False) and urlsplit(url).port in PORTS


def is_public(address: str) -> bool:
    """Whether an address is on the Internet: not private, loopback, link-local, CGNAT, multicast or reserved.

    IPv4 inside IPv6 (mapped, NAT64, 6to4, Teredo) is always refused, because it could contain any of these.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (ip not in _GLOBAL_UNICAST or ip in _SIX_TO_FOUR):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _resolve(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Reach:
    """The permitted addresses, and how to reach them. Only code can choose another one than `INTERNET`, never a setting, a row or a request."""

    resolve: Callable[[str, int], list[str]] = _resolve
    permits: Callable[[str], bool] = is_public
    allows_url: Callable[[str], bool] = is_fetchable
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    seconds: float = SECONDS


INTERNET: Final = Reach()


def fetch(url: str) -> bytes:
    """Return the document at an https address. Raises `MetadataFaults` with a sentence. Takes at most ``SECONDS``."""
    return fetch_within(INTERNET, url)


def fetch_within(reach: Reach, url: str) -> bytes:
    """As `fetch`, within ``reach``. Each redirect is checked as the first address was."""
    deadline = monotonic() + reach.seconds
    for _ in range(MAX_REDIRECTS + 1):
        answer = _get(reach, url, deadline)
        if isinstance(answer, bytes):
            return answer
        url = answer
    raise _fault("redirects", f"It redirects more than {MAX_REDIRECTS} times.")


def _get(reach: Reach, url: str, deadline: float) -> bytes | str:
    """Return the document, or the address of a redirect."""
    if not url.isascii() or len(url) > 2000 or not reach.allows_url(url):
        raise _fault(
            "unsafe_url",
            "The address must be https, on port 443, 8443, 9031 or 9443, without a user name or a # in it.",
        )
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    address = _checked_address(reach, host, port, deadline)
    left = deadline - monotonic()
    if left <= 0:
        raise _fault("too_slow", f"It took longer than {reach.seconds:g} seconds.")
    connection = _Pinned(host, port, address, left, reach.tls())
    # A server that sends one byte now and then never reaches the socket's timeout. This timer ends the whole connection.
    end = Timer(left, connection.cut)
    end.start()
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", headers=_HEADERS)
        with connection.getresponse() as answer:
            found = _read(answer, url)
        if connection.was_cut:
            raise TimeoutError
        return found
    except ssl.SSLCertVerificationError as error:
        raise _fault("tls", f"The TLS certificate of {host} is not one that we trust for that name.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.was_cut or isinstance(error, TimeoutError):
            raise _fault("too_slow", f"It took longer than {reach.seconds:g} seconds.") from error
        raise _fault("unreachable", f"{host} cannot be reached, or does not answer like a web server.") from error
    finally:
        end.cancel()
        connection.close()


_HEADERS: Final = {
    "Accept": "application/samlmetadata+xml, application/xml, text/xml",
    "Accept-Encoding": "identity",
    "User-Agent": "core-identity",
    "Connection": "close",
}


def _read(answer: http.client.HTTPResponse, url: str) -> bytes | str:
    if answer.status in _REDIRECTS:
        return urljoin(url, answer.headers.get("Location", ""))
    if answer.status != 200:
        raise _fault("status", f"It answers with status {answer.status} instead of the metadata.")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _fault("encoded", "It answers with compressed content, which we did not ask for.")
    content = answer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _fault("too_large", "It is larger than 1 MB.")
    if answer.length:
        raise http.client.IncompleteRead(content, answer.length)
    return content


def _checked_address(reach: Reach, host: str, port: int, deadline: float) -> str:
    """Return an address of the host. One forbidden address refuses the name, because an honest host has none."""
    waiting = ThreadPoolExecutor(1)  # a DNS lookup has no timeout of its own
    try:
        addresses = waiting.submit(reach.resolve, host, port).result(timeout=max(0, deadline - monotonic()))
    except TimeoutError as error:
        raise _fault("too_slow", f"It took longer than {reach.seconds:g} seconds.") from error
    except (OSError, UnicodeError) as error:
        raise _fault("unknown_host", f"There is no host {host}.") from error
    finally:
        waiting.shutdown(wait=False)
    if not addresses or not all(reach.permits(address) for address in addresses):
        raise _fault(
            "forbidden_address", f"{host} is not an address of the public Internet. Paste the metadata instead."
        )
    return addresses[0]


class _Pinned(http.client.HTTPSConnection):
    """A connection to the address that was checked. It requires a TLS certificate for the name."""

    def __init__(self, host: str, port: int, address: str, seconds: float, tls: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=seconds, context=tls)
        self.address, self.tls = address, tls
        self.was_cut = False
        self.raw: socket.socket | None = None

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), self.timeout)
        try:
            self.raw = plain.dup()  # wrap_socket takes the first one over
            if self.was_cut:
                raise TimeoutError
            self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def cut(self) -> None:
        """End the connection from another thread, in whatever state it is."""
        self.was_cut = True
        try:
            if self.raw is not None:
                self.raw.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended already

    def close(self) -> None:
        super().close()
        if self.raw is not None:
            self.raw.close()


def _fault(code: str, sentence: str) -> MetadataFaults:
    return MetadataFaults([(code, sentence)])

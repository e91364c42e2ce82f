"""Ports on this machine's own addresses: free or taken, answering or not."""

import errno
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from devtools.faults import Fault

START_SECONDS = 60


def loopback_addresses() -> list[str]:
    """The addresses of `localhost` here: 127.0.0.1, and ::1 where IPv6 is there."""
    addresses = ["127.0.0.1"]
    if socket.has_ipv6 and _can_bind(socket.AF_INET6, "::1", 0):
        addresses.append("::1")
    return addresses


def require_free(port: int, option: str) -> None:
    """Raises Fault when `port` is taken on a loopback address; `option` is how another one is chosen."""
    for address in loopback_addresses():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if not _can_bind(family, address, port):
            raise Fault(f"Port {port} is taken. Stop what uses it, or choose another one: {option} {port + 1}")


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError as error:
            raise Fault(f"Port {port} is reserved for root. Choose one above 1023.") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE or port == 0:
                return False
            raise
    return True


def wait_for_answer(url: str, still_alive: Callable[[], None], host: str | None = None) -> None:
    """Until `url` answers with a 2xx; `host` is the Host header, where the server goes by another name.

    `still_alive` raises when waiting is in vain; Fault after START_SECONDS.
    """
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    # No proxy: the address is our own.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    last: object = "nothing answered"
    while time.monotonic() < deadline:
        still_alive()
        try:
            with opener.open(request, timeout=2):
                return
        except (urllib.error.URLError, OSError) as error:
            last = error
        time.sleep(0.1)
    raise Fault(f"{url} does not answer: {last}")

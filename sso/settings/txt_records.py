"""Look up the TXT records of a name in DNS. The one home of dnspython.

Only our own resolver is asked, never a server that the name leads to, and no part of an answer is used as an address. So nobody can explore our
network by a name.
"""

from typing import Final

import dns.exception
import dns.resolver
from django.conf import settings
from dns.nameserver import Do53Nameserver

TIMEOUT: Final = 2.0
"""Seconds for one attempt."""
LIFETIME: Final = 5.0
"""Seconds for all attempts."""


class NotAnswered(Exception):
    """No resolver gave an answer in time."""


def txt_records(name: str) -> list[bytes]:
    """Return the TXT records of a name, each with its strings joined (RFC 7208 3.3). Empty if there are none. Raises `NotAnswered`."""
    try:
        answer = _resolver().resolve(f"{name}.", "TXT", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise NotAnswered(name) from error
    return [b"".join(record.strings) for record in answer]


def _resolver() -> dns.resolver.Resolver:
    """Return a resolver without a cache: that of the host if DNS_RESOLVERS is empty."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_RESOLVERS)
    if settings.DNS_RESOLVERS:
        resolver.nameservers = [Do53Nameserver(address, port) for address, port in settings.DNS_RESOLVERS]
    resolver.timeout, resolver.lifetime = TIMEOUT, LIFETIME
    return resolver

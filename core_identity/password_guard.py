"""Budgets for senders of passwords. They are spent before a password is hashed (R39)."""

import logging

from django.conf import settings
from django.http import HttpRequest

from core_identity.budgets import digest, hash_of_address, spend
from core_identity.errors import TooManyPasswords
from core_identity.keys import key

log = logging.getLogger("core_identity.passwords")


def require_password_budget(request: HttpRequest, name: str) -> None:
    """Spend one password of the address of ``request``, and one of ``name`` from this address. Raises `TooManyPasswords`.

    There is no budget of a name over all addresses, because a stranger could spend it and lock the owner of the name out. Known and unknown names
    cost the same statements. People type passwords into the field of the name, so only a keyed digest is stored.
    """
    address = hash_of_address(request)
    wait = spend(f"passwords of {address}", settings.PASSWORDS_PER_MINUTE) or spend(
        f"passwords {digest(f'{address} {key(name)}')}", settings.PASSWORDS_OF_A_NAME_PER_MINUTE
    )
    if wait:
        log.warning("too many passwords", extra={"reference": getattr(request, "request_id", ""), "wait": wait})
        raise TooManyPasswords("Too many passwords were sent from your network. Nothing was changed.", seconds=wait)

"""What happened, for the other apps to follow: few, in the past tense, sent in the transaction of the change."""

from typing import Final

from django.dispatch import Signal

connection_switched_off: Final = Signal()
"""A connection was switched off, or a successor took over (R1a). Arguments: ``connection``, which is locked, and ``actor``.

Receivers end what they created for the connection. A receiver that fails rolls the switch back.
"""

user_expired: Final = Signal()
"""Somebody may not sign in any more. Given are ``user`` and ``actor``. A receiver that fails takes the expiry back with it: let it do little."""

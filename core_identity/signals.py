"""Signals for the other apps. They are sent in the transaction of the change."""

from typing import Final

from django.dispatch import Signal

connection_switched_off: Final = Signal()
"""A connection was switched off, or a successor took over (R1a). Arguments: ``connection``, which is locked, and ``actor``.

Receivers end the tokens and sessions that they created for the connection. If a receiver fails, the switch is rolled back.
"""

user_expired: Final = Signal()
"""A user expired. Arguments: ``user`` and ``actor``. If a receiver fails, the expiry is rolled back, so a receiver must do little."""

"""What can be refused, each with a stable code and a sentence for the person who reads it. No HTTP here.

``message`` is written for the administrator of the IdP or of CORE. It never contains a secret, nor anything about another customer.
"""

from typing import ClassVar
from uuid import UUID

from core_identity.values import Collision


class IdentityError(Exception):
    """The family of everything that core_identity refuses."""

    code: ClassVar[str] = "refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidValue(IdentityError):
    """One value is not acceptable; ``field`` is its name as the sender knows it."""

    code = "invalid_value"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotFound(IdentityError):
    """No such user, identity, role, group or connection in the scope that was asked."""

    code = "not_found"


class Ambiguous(IdentityError):
    """More than one fits where exactly one was asked for."""

    code = "ambiguous"


class NotAllowed(IdentityError):
    """The act itself is not permitted, whatever the values."""

    code = "not_allowed"


class Locked(IdentityError):
    """A setting that cannot change any more (R3)."""

    code = "locked"


class NameTaken(IdentityError):
    """The name of a role, group, customer or connection is in use."""

    code = "name_taken"


class Busy(IdentityError):
    """Others of the customer are at work and did not finish in time. Nothing was changed; the same request can be sent again."""

    code = "busy"
    retry_after: ClassVar[int] = 10


class Refusal(IdentityError):
    """A message of an IdP was understood, and refused; nothing was changed. Recorded as an event under its reference."""

    code = "refused"


class Duplicate(Refusal):
    """The plain 409 of R8a: the person is already here, nothing is in doubt."""

    code = "duplicate"


class TryAgain(Refusal):
    """R8: an inactive identity has just given up the userName; the same request will now succeed."""

    code = "try_again"


class Conflict(Refusal):
    """R8a, R9: two people would become one, or one would become two. An administrator has to say; ``collision`` is what about."""

    code = "conflict"

    def __init__(self, message: str, collision: Collision) -> None:
        super().__init__(message)
        self.collision = collision


class NoMark(Conflict):
    """R8b: the UID is known, but nothing else in the sign-in agrees that it is that person."""

    code = "no_mark"


class UidRequired(Refusal):
    """R6: this connection demands that the UID is sent."""

    code = "uid_required"


class MissingAttributes(Refusal):
    """R12: ``missing`` and ``arrived`` are names of attributes, never their values."""

    code = "missing_attributes"

    def __init__(self, message: str, *, missing: tuple[str, ...], arrived: tuple[str, ...]) -> None:
        super().__init__(message)
        self.missing = missing
        self.arrived = arrived


class UnknownPerson(Refusal):
    """Nobody with this UID is here, and the connection does not let sign-ins make users."""

    code = "unknown_person"


class UnknownGroup(Refusal):
    """R29: the connection refuses push groups that reach no role."""

    code = "unknown_group"


class MayNotSignIn(Refusal):
    """The one gate said no to ``user_id``; ``reason`` is the value of `core_identity.policy.expiry.Bar`."""

    code = "may_not_sign_in"

    def __init__(self, reason: str, message: str, *, user_id: UUID) -> None:
        super().__init__(message)
        self.reason = reason
        self.user_id = user_id


class TryLater(Exception):
    """Work that is refused for now; ``seconds`` is when to ask again. Not an `IdentityError`, so no form takes it for a wrong value."""

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.message = message
        self.seconds = seconds


class TooManyPasswords(TryLater):
    """The budget of an address, or of a name from this address, is spent."""


class HashersBusy(TryLater):
    """This process hashes as many passwords as it may."""

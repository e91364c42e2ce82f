"""The reasons for a refusal, each with a stable code and a sentence for the person who reads it. No HTTP here.

``message`` is written for the administrator of the IdP or of CORE. It never contains a secret, nor anything about another customer.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core_identity.values import Collision


class IdentityError(Exception):
    """The base of all refusals of core_identity."""

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
    """No such user, identity, role, group or connection in the requested scope."""

    code = "not_found"


class Ambiguous(IdentityError):
    """More than one matches, but exactly one is needed."""

    code = "ambiguous"


class NotAllowed(IdentityError):
    """The action is not permitted, whatever the values."""

    code = "not_allowed"


class Locked(IdentityError):
    """A setting that cannot change any more (R3)."""

    code = "locked"


class NameTaken(IdentityError):
    """The name of a role, group, customer or connection is in use."""

    code = "name_taken"


class Busy(IdentityError):
    """Other requests of the customer did not finish in time. Nothing was changed; the same request can be sent again."""

    code = "busy"
    retry_after: ClassVar[int] = 10


class Refusal(IdentityError):
    """A message of an IdP was understood and refused; nothing was changed. An event with its reference records it."""

    code = "refused"


class Duplicate(Refusal):
    """The plain 409 of R8a: the person is already here, nothing is in doubt."""

    code = "duplicate"


class TryAgain(Refusal):
    """R8: an inactive identity has just given up the userName; the same request will now succeed."""

    code = "try_again"


class Conflict(Refusal):
    """R8a, R9: two people would become one, or one would become two. An administrator must decide; ``collision`` has the details."""

    code = "conflict"

    def __init__(self, message: str, collision: Collision) -> None:
        super().__init__(message)
        self.collision = collision


class NoMark(Conflict):
    """R8b: the UID is known, but nothing else in the sign-in agrees that it is that person."""

    code = "no_mark"


class UidRequired(Refusal):
    """R6: this connection requires a UID."""

    code = "uid_required"


class MissingAttributes(Refusal):
    """R12: ``missing`` and ``arrived`` are names of attributes, never their values."""

    code = "missing_attributes"

    def __init__(self, message: str, *, missing: tuple[str, ...], arrived: tuple[str, ...]) -> None:
        super().__init__(message)
        self.missing = missing
        self.arrived = arrived


class UnknownPerson(Refusal):
    """No user has this UID, and sign-ins of the connection may not create users."""

    code = "unknown_person"


class UnknownGroup(Refusal):
    """R29: the connection refuses push groups that give no role."""

    code = "unknown_group"


class MayNotSignIn(Refusal):
    """``user_id`` may not sign in; ``reason`` is the value of `core_identity.policy.expiry.Bar`."""

    code = "may_not_sign_in"

    def __init__(self, reason: str, message: str, *, user_id: UUID) -> None:
        super().__init__(message)
        self.reason = reason
        self.user_id = user_id


class TryLater(Exception):
    """Work that is refused for now; try again after ``seconds``. Not an `IdentityError`, so that no form shows it as a wrong value."""

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.message = message
        self.seconds = seconds


class TooManyPasswords(TryLater):
    """The budget of an address, or of a name from this address, is spent."""


class HashersBusy(TryLater):
    """This process hashes as many passwords as it may."""


@dataclass(frozen=True, slots=True)
class SettingsError:
    """One fault in the description of a connection. ``path`` is dotted, relative to that connection."""

    path: str
    code: str
    message: str


class SettingsErrors(IdentityError):
    """All faults of a description at once, so that an administrator can correct them together. Nothing was applied."""

    code = "settings"

    def __init__(self, faults: Collection[SettingsError]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)

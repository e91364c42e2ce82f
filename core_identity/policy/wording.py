"""The outcome of a push, in words and without personal data: for logs and for readers of the dialogue (R35)."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from core_identity.brand import BRAND
from core_identity.policy.matching import Decision
from core_identity.policy.projection import NAMES
from core_identity.values import Cause, Channel

_DECIDED: Final = {
    Decision.CREATE: "nobody had this UID: a new user",
    Decision.RELINK: "the UID changed: the externalId or the id proves that this is the same person",
    Decision.REVIVE: "revived under the old id",
    Decision.ADOPT: "matched to a user who had signed in but had not been pushed",
    Decision.CLAIM: "claimed: an administrator had offered this user to the connection",
    Decision.DRIFT: "the new UID was stored as drift: nothing else in the push proves that this is the same person",
}


class ActiveMeans(StrEnum):
    """The effect of a changed ``active`` on the user; the values are the words."""

    EXPIRED = "the user was expired"
    NEVER_EXPIRED = "not active at the identity provider; not expired, because the person was not active there before"
    REACTIVATION_REQUESTED = "reactivation requested: the user stays expired until an administrator unexpires them"
    UNEXPIRED = "the user was unexpired, as this connection permits"
    ACTIVE = "active again at the identity provider; the user was not expired"


def in_words(
    decision: Decision, *, noted: Collection[str], followed: Collection[str], active: ActiveMeans | None
) -> tuple[str, ...]:
    """Return the parts of the sentence. ``noted`` are the changed fields of the identity, ``followed`` those of the user."""
    return tuple(_parts(decision, noted, followed, active))


def _parts(
    decision: Decision, noted: Collection[str], followed: Collection[str], active: ActiveMeans | None
) -> Iterator[str]:
    if decision in _DECIDED:
        yield _DECIDED[decision]
    if decision is not Decision.CREATE:
        if "user_name" in noted:
            yield f"userName stored, the username in {BRAND} stays"
        if "email" in noted:
            yield f"email stored, the email in {BRAND} stays"
        if followed:
            yield f"copied to the user: {', '.join(sorted(field.replace('_', ' ') for field in followed))}"
        elif NAMES & set(noted):
            yield f"name stored, the name in {BRAND} stays"
    if active is not None:
        yield str(active)
    if decision is Decision.APPLY and not noted and not followed and active is None:
        yield "nothing changed"


CHANNELS: Final[Mapping[str, str]] = MappingProxyType(
    {Channel.SSO: "SSO", Channel.SCIM: "SCIM", Channel.ADMIN: "administration"}
)
"""A channel in words. A value that is not listed stays as it is."""

CAUSES: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        Cause.UID: "UID of another user",
        Cause.EXTERNAL_ID: "externalId of another user",
        Cause.USER_NAME: "userName of another user",
        Cause.EMAIL: "email address of another user",
        Cause.NO_MARK: "known UID, other name and email",
    }
)
"""The cause of a conflict, in words (R9)."""

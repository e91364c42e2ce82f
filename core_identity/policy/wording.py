"""What became of a push, in words and without anybody's data: for logs, and for whoever reads the dialogue (R35)."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Final

from core_identity.policy.matching import Decision

_DECIDED: Final = {
    Decision.CREATE: "nobody was known by this UID: a new user (R8)",
    Decision.RELINK: "the UID moved: the externalId or the id proves that it is the same person (R8a)",
    Decision.REVIVE: "revived under the old id (R8a)",
    Decision.ADOPT: "known here, but not by a push, until now: the same user (R8b, R9)",
    Decision.CLAIM: "an administrator had offered this user to the connection: claimed (R10)",
    Decision.DRIFT: "the new UID was noted and not taken: nothing else in the push proves that it is the same person (R8a)",
}


class ActiveMeans(StrEnum):
    """What a changed ``active`` meant for the user; the values are the words."""

    EXPIRED = "the user was expired (R20)"
    NEVER_EXPIRED = "not active at the IdP; an expiry needs somebody who was (R25)"
    WISH = "reactivation noted: the user stays expired until an administrator unexpires them (R22)"
    UNEXPIRED = "the user was unexpired, as this connection may (R22)"
    ACTIVE = "active again at the IdP; the user was not expired"


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
            yield "userName noted, the username stays (R8)"
        if "email" in noted:
            yield "email noted, the user's stays (R16)"
        if followed:
            yield f"the user follows: {', '.join(sorted(field.replace('_', ' ') for field in followed))} (R17)"
        elif {"given_name", "family_name"} & set(noted):
            yield "name noted, the user's stays (R4)"
    if active is not None:
        yield str(active)
    if decision is Decision.APPLY and not noted and not followed and active is None:
        yield "nothing was new"

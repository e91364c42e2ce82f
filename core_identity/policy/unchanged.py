"""Decide whether a push changes nothing at all. Such a push, the most frequent one of Okta, needs no lock and writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core_identity.keys import key
from core_identity.policy.matching import Decision, Push, decide_push
from core_identity.policy.projection import KEYS, mirrored_changes, permitted_changes
from core_identity.values import Person


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored values of a person, beside those in the `Push`, read from one snapshot.

    ``uid`` is the current UID as written, or None. ``identity`` and ``user`` map names of fields to values: all that
    `mirrored_changes` and `permitted_changes` ask for. ``has_conflict``: a conflict is pending that the message could close or use up (R9).
    """

    uid: str | None
    sent_uid: str
    identity: Mapping[str, Any]
    user: Mapping[str, str]
    names_are_the_uid: bool
    active: bool
    has_conflict: bool


def would_change_nothing(push: Push, person: Person, stored: Stored) -> bool:
    """Whether a PUT or PATCH with these values leaves everything as it is: identity, UIDs, drift, user, groups, conflicts and events."""
    x, keys = push.x, {name: key(stored.identity[name]) for name in KEYS}
    return (
        decide_push(push) is Decision.APPLY
        and not stored.has_conflict
        and x.pushed
        and not x.offered
        and person.active in {None, stored.active}
        and _uid_stays(person.uid, push, stored)
        and not mirrored_changes(person, stored.identity)
        and all(keys[name] == stored.identity[column] for name, column in KEYS.items())
        and not permitted_changes(person, stored.user, names_are_the_uid=stored.names_are_the_uid, uid_moves=False)
    )


def _uid_stays(uid: str | None, push: Push, stored: Stored) -> bool:
    """Whether neither the UID nor a UID that is kept as drift changes (R6, R8a)."""
    if uid is None:  # a derived UID follows the userName
        return stored.uid is not None and (not push.x.derived or push.x.uid_key == push.x.user_name_key)
    return uid == stored.uid and not push.x.derived and not stored.sent_uid

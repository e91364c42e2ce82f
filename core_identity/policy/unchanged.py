"""Decide whether a push changes nothing at all. Such a push, the most frequent one of Okta, needs no lock and writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core_identity.keys import key
from core_identity.policy.projection import KEY_COLUMNS, mirrored_changes, permitted_changes
from core_identity.values import Person


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored values of a SCIM resource, read from one snapshot.

    ``uid`` is the current UID as written, and ``uid_key`` as compared; both None if there is none. ``sent_uid`` is the UID that is kept as drift.
    ``identity`` and ``user`` map names of fields to values: those in `MIRRORED`, and those that follow them. ``has_conflict``: a conflict is pending
    that a message about this person could close or use up (R9).
    """

    uid: str | None
    uid_key: str | None
    derived: bool
    sent_uid: str
    identity: Mapping[str, Any]
    user: Mapping[str, str]
    names_are_the_uid: bool
    active: bool
    pushed: bool
    offered: bool
    has_conflict: bool


def would_change_nothing(person: Person, stored: Stored) -> bool:
    """Whether a PUT or PATCH with these values leaves everything as it is: identity, UIDs, drift, user, groups, conflicts and events.

    Its keys are the stored ones or absent, so the decision of R8a is to apply it: `test_unchanged.py` asks `decide_push` about each such message.
    """
    return (
        stored.pushed
        and not stored.offered
        and not stored.has_conflict
        and person.active in {None, stored.active}
        and person.user_name != ""
        and _uid_stays(person.uid, stored)
        and not mirrored_changes(person, stored.identity)
        and all(key(stored.identity[name]) == stored.identity[column] for name, column in KEY_COLUMNS.items())
        and not permitted_changes(person, stored.user, names_are_the_uid=stored.names_are_the_uid, uid_moves=False)
    )


def _uid_stays(uid: str | None, stored: Stored) -> bool:
    """Whether neither the UID nor a UID that is kept as drift changes (R6, R8a)."""
    if uid is None:  # a derived UID follows the userName
        return stored.uid is not None and (not stored.derived or stored.uid_key == stored.identity["user_name_key"])
    return uid == stored.uid and key(uid) == stored.uid_key and not stored.derived and not stored.sent_uid

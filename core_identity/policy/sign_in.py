"""Whom a sign-in speaks of, and whether it may be them: R8b. As `core_identity.policy.matching`, made of cases that the documentation shows."""

from dataclasses import dataclass
from typing import Final

from core_identity.policy.cases import Case, Cases, Verdict
from core_identity.policy.matching import Known, name_agrees


class SignIn(Verdict):
    """What a verified assertion leads to (R8b)."""

    ENTER = "enter", "the person whose the UID is"
    TAKE_OVER_DERIVED = (
        "take_over_derived",
        "the pushed person of this userName, whose derived UID gives way (R6)",
    )
    CLAIM = "claim", "the user whom an administrator offered to the connection (R10)"
    MOVE_UID = "move_uid", "the person whose the externalId and the userName are; the UID follows (R3)"
    CREATE = "create", "a new user (R9, R12)"
    NO_MARK = "no_mark", "refused, and a conflict: the UID is known, and nothing else agrees"
    CONFLICT = "conflict", "refused, and a conflict: the externalId in the assertion is another's"


@dataclass(frozen=True, slots=True)
class Assertion:
    """The keys of one verified assertion with the identities that they lead to.

    ``owner`` holds the UID; ``named`` is the pushed identity whose userName is the NameID; ``external`` the one with the asserted externalId.
    """

    external_id: str | None
    name_id_key: str
    email_key: str
    mark_waived: bool
    owner: Known | None
    named: Known | None = None
    external: Known | None = None
    rekeying: bool = False
    uid_key: str = ""
    external_id_may_change: bool = False

    @property
    def x(self) -> Known:
        assert self.owner is not None, "only asked where somebody has the UID"  # noqa: S101
        return self.owner


UID_FREE: Final[Cases[Assertion, SignIn]] = Cases(
    (
        Case(
            "the NameID is the userName of a SCIM resource whose UID is derived, and the asserted externalId is theirs (R6)",
            lambda said: _derived_external_id(said) is not None and said.external_id == _derived_external_id(said),
            SignIn.TAKE_OVER_DERIVED,
        ),
        Case(
            "the NameID is the userName of a SCIM resource whose UID is derived, and they have another externalId (R8b)",
            lambda said: _derived_external_id(said) is not None,
            SignIn.CONFLICT,
        ),
        Case(
            "the connection is in re-key, the owner of the asserted externalId is live and has the NameID as userName, "
            "and this UID is not a drift that waits for an administrator (R3)",
            lambda said: (
                said.rekeying
                and said.external is not None
                and _is_live_as(said.external, said.name_id_key)
                and not (said.external.held and said.external.drift_uid_key == said.uid_key)
            ),
            SignIn.MOVE_UID,
        ),
        Case("somebody has the asserted externalId", lambda said: said.external is not None, SignIn.CONFLICT),
        Case(
            "the NameID is the userName of somebody offered (R10)",
            lambda said: said.named is not None and said.named.offered,
            SignIn.CLAIM,
        ),
        Case(
            "the NameID is the userName of a SCIM resource whose UID is derived (R6)",
            lambda said: _gives_way(said.named),
            SignIn.TAKE_OVER_DERIVED,
        ),
    ),
    otherwise=SignIn.CREATE,
)
"""R8b, R12: a sign-in whose UID nobody has."""

UID_KNOWN: Final[Cases[Assertion, SignIn]] = Cases(
    (
        Case(
            "the asserted externalId is X's, and the externalId cannot change here",
            lambda said: _same_external_id(said) and not said.external_id_may_change,
            SignIn.ENTER,
        ),
        Case(
            "X has another externalId; the connection is in re-key, nobody has the asserted one, X is live, has the NameID as userName, "
            "and a UID that is not derived from it (R3)",
            lambda said: said.rekeying and _follows_to_free_external_id(said),
            SignIn.ENTER,
        ),
        Case(
            "X has another externalId; the externalId may change here, nobody has the asserted one, X is live, has the NameID as userName, "
            "and this UID as current and not derived one",
            lambda said: (
                said.external_id_may_change and said.uid_key == said.x.uid_key and _follows_to_free_external_id(said)
            ),
            SignIn.ENTER,
        ),
        Case(
            "X has another externalId",
            lambda said: _both_say_external_id(said) and not _same_external_id(said),
            SignIn.NO_MARK,
        ),
        Case("the asserted externalId is somebody else's", lambda said: said.external is not None, SignIn.CONFLICT),
        Case(
            "the NameID, or an email that is not the UID itself, is one by which the connection knows X now",
            lambda said: name_agrees(said.x, name_key=said.name_id_key, email_key=said.email_key, uid_key=said.uid_key),
            SignIn.ENTER,
        ),
        Case("the connection waives the mark", lambda said: said.mark_waived, SignIn.ENTER),
    ),
    otherwise=SignIn.NO_MARK,
)
"""R8b: a sign-in whose UID X has, now or formerly."""


def _both_say_external_id(said: Assertion) -> bool:
    return bool(said.external_id and said.x.external_id)


def _same_external_id(said: Assertion) -> bool:
    return _both_say_external_id(said) and said.external_id == said.x.external_id


def _follows_to_free_external_id(said: Assertion) -> bool:
    """Whether UID and NameID agree with X, who is live, and nobody has the asserted externalId."""
    differs = _both_say_external_id(said) and not _same_external_id(said) and said.external is None
    return differs and not said.x.derived and _is_live_as(said.x, said.name_id_key)


def _gives_way(named: Known | None) -> bool:
    return named is not None and named.derived and named.is_resource


def _derived_external_id(said: Assertion) -> str | None:
    """Return the externalId of who would give way, where both sides say one."""
    return said.named.external_id if said.named is not None and _gives_way(said.named) and said.external_id else None


def _is_live_as(known: Known, name_id_key: str) -> bool:
    """Whether ``known`` is live and the NameID is their userName, or before the first push their last NameID."""
    return known.is_live and known.name != "" and known.name == name_id_key


def mark_that_agrees(said: Assertion) -> str:
    """Return by which second fact a UID that X has opened X's account, in the order of `UID_KNOWN`; for people to read."""
    if _same_external_id(said) and not said.external_id_may_change:
        return "externalId"
    if _both_say_external_id(said) and not _same_external_id(said) and not said.external_id_may_change:
        return "NameID, in re-key (R3)"
    if name_agrees(said.x, name_key=said.name_id_key, email_key="", uid_key=said.uid_key):
        return "NameID"
    if name_agrees(said.x, name_key="", email_key=said.email_key, uid_key=said.uid_key):
        return "email"
    return "waived by the connection"


def decide_sign_in(assertion: Assertion) -> SignIn:
    """Return what R8b says of ``assertion``. Never does an email or a NameID alone open anything."""
    return (UID_FREE if assertion.owner is None else UID_KNOWN).decide(assertion)

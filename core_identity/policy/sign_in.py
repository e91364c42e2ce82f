"""Decide whose account a sign-in opens, if any: R8b. Like `core_identity.policy.matching`, it consists of cases that the documentation shows."""

from dataclasses import dataclass
from typing import Final

from core_identity.keys import key
from core_identity.policy.cases import Case, Cases, Verdict
from core_identity.policy.matching import Known, name_agrees
from core_identity.values import Person


class SignIn(Verdict):
    """The outcome of a verified assertion (R8b)."""

    ENTER = "enter", "the owner of the UID"
    TAKE_OVER_DERIVED = (
        "take_over_derived",
        "the pushed person with this userName; the UID of the sign-in replaces their derived UID",
    )
    CLAIM = "claim", "the user whom an administrator offered to the connection"
    MOVE_UID = "move_uid", "the owner of the externalId and the userName; their UID changes"
    CREATE = "create", "a new user"
    NO_MARK = "no_mark", "nobody: a conflict, because the UID is known and nothing else agrees"
    CONFLICT = "conflict", "nobody: a conflict, because the externalId in the assertion belongs to another identity"


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
            "the NameID is the userName of a SCIM resource whose UID is derived, and that resource has the asserted externalId",
            lambda assertion: (
                _derived_external_id(assertion) is not None and assertion.external_id == _derived_external_id(assertion)
            ),
            SignIn.TAKE_OVER_DERIVED,
        ),
        Case(
            "the NameID is the userName of a SCIM resource whose UID is derived, and that resource has another externalId",
            lambda assertion: _derived_external_id(assertion) is not None,
            SignIn.CONFLICT,
        ),
        Case(
            "in re-key, the owner of the asserted externalId is live and has the NameID as userName, "
            "and this UID is not drift that only an administrator may accept",
            lambda assertion: (
                assertion.rekeying
                and assertion.external is not None
                and _is_live_as(assertion.external, assertion.name_id_key)
                and not (
                    assertion.external.uid_needs_decision and assertion.external.drift_uid_key == assertion.uid_key
                )
            ),
            SignIn.MOVE_UID,
        ),
        Case(
            "another identity has the asserted externalId",
            lambda assertion: assertion.external is not None,
            SignIn.CONFLICT,
        ),
        Case(
            "the NameID is the userName of an offered user",
            lambda assertion: assertion.named is not None and assertion.named.offered,
            SignIn.CLAIM,
        ),
        Case(
            "the NameID is the userName of a SCIM resource whose UID is derived",
            lambda assertion: _has_derived_uid(assertion.named),
            SignIn.TAKE_OVER_DERIVED,
        ),
    ),
    otherwise=SignIn.CREATE,
)
"""R8b, R12: a sign-in with a UID that no identity has."""

UID_KNOWN: Final[Cases[Assertion, SignIn]] = Cases(
    (
        Case(
            "the asserted externalId is X's, and the externalId cannot change here",
            lambda assertion: _same_external_id(assertion) and not assertion.external_id_may_change,
            SignIn.ENTER,
        ),
        Case(
            "X has another externalId; in re-key, nobody has the asserted one, X is live, has the NameID as userName, "
            "and a UID that is not derived from it",
            lambda assertion: assertion.rekeying and _follows_to_free_external_id(assertion),
            SignIn.ENTER,
        ),
        Case(
            "X has another externalId; the externalId may change here, nobody has the asserted one, X is live, has the NameID as userName, "
            "and this current, not derived UID",
            lambda assertion: (
                assertion.external_id_may_change
                and assertion.uid_key == assertion.x.uid_key
                and _follows_to_free_external_id(assertion)
            ),
            SignIn.ENTER,
        ),
        Case(
            "X has another externalId",
            lambda assertion: _both_have_external_ids(assertion) and not _same_external_id(assertion),
            SignIn.NO_MARK,
        ),
        Case(
            "another identity has the asserted externalId",
            lambda assertion: assertion.external is not None,
            SignIn.CONFLICT,
        ),
        Case(
            "the NameID, or an email that is not the UID itself, is one by which the connection knows X now",
            lambda assertion: name_agrees(
                assertion.x, name_key=assertion.name_id_key, email_key=assertion.email_key, uid_key=assertion.uid_key
            ),
            SignIn.ENTER,
        ),
        Case("the connection waives the mark", lambda assertion: assertion.mark_waived, SignIn.ENTER),
    ),
    otherwise=SignIn.NO_MARK,
)
"""R8b: a sign-in with a UID that X has, now or formerly."""


def _both_have_external_ids(assertion: Assertion) -> bool:
    return bool(assertion.external_id and assertion.x.external_id)


def _same_external_id(assertion: Assertion) -> bool:
    return _both_have_external_ids(assertion) and assertion.external_id == assertion.x.external_id


def _follows_to_free_external_id(assertion: Assertion) -> bool:
    """Whether UID and NameID agree with X, who is live, and nobody has the asserted externalId."""
    differs = _both_have_external_ids(assertion) and not _same_external_id(assertion) and assertion.external is None
    return differs and not assertion.x.derived and _is_live_as(assertion.x, assertion.name_id_key)


def _has_derived_uid(named: Known | None) -> bool:
    return named is not None and named.derived and named.is_resource


def _derived_external_id(assertion: Assertion) -> str | None:
    """Return the externalId of the identity with the derived UID, if both sides have one."""
    return (
        assertion.named.external_id
        if assertion.named is not None and _has_derived_uid(assertion.named) and assertion.external_id
        else None
    )


def _is_live_as(known: Known, name_id_key: str) -> bool:
    """Whether ``known`` is live and the NameID is their userName, or before the first push their last NameID."""
    return known.is_live and known.name != "" and known.name == name_id_key


def email_as_mark(person: Person) -> str:
    """Return the email by which a sign-in may be recognised, as compared; empty if the message contains different ones (R8b).

    Otherwise, a person who can add a value to their own Email attribute could add the address of a colleague.
    """
    keys = {key(email) for email in (person.email or "", *person.more_emails)}
    return keys.pop() if len(keys) == 1 else ""


def mark_that_agrees(assertion: Assertion) -> str:
    """Return the mark that opened X's account in words, in the order of `UID_KNOWN`."""
    if _same_external_id(assertion) and not assertion.external_id_may_change:
        return "externalId"
    if _both_have_external_ids(assertion) and not _same_external_id(assertion) and not assertion.external_id_may_change:
        return "NameID, in re-key"
    if name_agrees(assertion.x, name_key=assertion.name_id_key, email_key="", uid_key=assertion.uid_key):
        return "NameID"
    if name_agrees(assertion.x, name_key="", email_key=assertion.email_key, uid_key=assertion.uid_key):
        return "email"
    return "waived by the connection"


def decide_sign_in(assertion: Assertion) -> SignIn:
    """Apply R8b to ``assertion``. An email or a NameID alone never opens an account."""
    return (UID_FREE if assertion.owner is None else UID_KNOWN).decide(assertion)

"""Add to the trace of a believed message which attributes arrived, and the decision (R8b, R12, R35). In words, never with a value."""

from typing import Final

from core_identity.attributes import FOLLOWED
from core_identity.brand import BRAND
from core_identity.clock import database_now
from core_identity.errors import (
    Conflict,
    IdentityError,
    InvalidValue,
    MayNotSignIn,
    MissingAttributes,
    NoMark,
    UnknownPerson,
)
from core_identity.keys import key
from core_identity.selectors.groups import unlisted_roles_end
from core_identity.services.sign_in import Entrance
from core_identity.values import Cause
from sso.models import SamlSettings
from sso.saml.claims import VerifiedAssertion, attribute_names
from sso.saml.trace import Trace
from sso.sign_in.mapping import SINGLE_VALUED, called_here, different, overage_attribute, reads_groups
from sso.sign_in.outcomes import words_of

MARK: Final = "Mark beside the UID"
MARKS: Final = "the externalId, if the assertion contains it; otherwise a NameID or an email that the connection knows for this person"
IN_THE_WAY: Final = {
    Cause.EXTERNAL_ID: "another identity has the externalId",
    Cause.USER_NAME: "another user of the customer has the NameID as userName or username",
    Cause.EMAIL: "another user of the customer has the email",
}

LABELS: Final = {
    **{attribute.field: f"the {attribute.label}" for attribute in FOLLOWED},
    "email": "the email",
    "groups": "the groups",
    "external_id": "the externalId",
    "uid": "the UID",
}


def explain_attributes(trace: Trace, saml: SamlSettings, assertion: VerifiedAssertion) -> None:
    """Note for each attribute that the connection maps whether it arrived, and which other attributes did."""
    mapped = {"uid": saml.connection.uid_attribute}
    mapped |= {name: getattr(saml, f"{name}_attribute") for name in saml.ATTRIBUTES}
    for label, attribute in mapped.items():
        if not attribute:
            continue
        received = _form(assertion, attribute, label)
        number = len(different(assertion, attribute, compared=SINGLE_VALUED[label])) if label in SINGLE_VALUED else 1
        passed = number == 1 if label == "uid" else False if number > 1 else None
        trace.note(f"Attribute of {LABELS[label]}", passed, expected=attribute, received=received)
    overage = overage_attribute(assertion) if reads_groups(saml) else None
    if overage:
        mapped["overage"] = overage
        trace.note("Sign that the groups are not listed", None, expected="none", received=overage)
    others = [name for name in attribute_names(assertion) if name not in mapped.values()]
    if others:
        trace.note("Attributes that are not used here", None, received=", ".join(others))


def explain_entrance(trace: Trace, entrance: Entrance) -> str:
    """Note why the person was let in; return the reason, with a warning if the groups were not listed."""
    trace.note("Who this is", True, received=entrance.decision.means)
    warning = _warning_of_groups(trace, entrance)
    if not entrance.mark:
        return f"{entrance.decision.means}.{warning}"
    trace.note(MARK, True, expected=MARKS, received=entrance.mark)
    return f"{entrance.decision.means}; mark: {entrance.mark}.{warning}"


def _warning_of_groups(trace: Trace, entrance: Entrance) -> str:
    """Return the effect on the roles of a person whose groups the IdP does not list (R31); empty if it lists them."""
    if entrance.identity.groups_unlisted_since is None:
        return ""
    until = unlisted_roles_end(entrance.identity)
    if until is None:
        outcome = "There is no earlier list, so the groups give no role"
    elif until <= database_now():
        outcome = f"The roles from sign-ins ended on {until:%Y-%m-%d}"
    else:
        outcome = f"The roles from sign-ins stay until {until:%Y-%m-%d}"
    trace.note("Groups that are not listed", None, received=outcome)
    return f" Warning: the identity provider did not list the groups. {outcome}."


def explain_refusal(trace: Trace, saml: SamlSettings, refusal: IdentityError) -> None:
    """Note the reason of a refusal: missing attributes, another user, or a rule."""
    match refusal:
        case MissingAttributes():
            missing = ", ".join(called_here(name, saml) for name in refusal.missing)
            trace.note(f"Attributes that {BRAND} needs", False, expected=missing, received="not sent, or empty")
        case NoMark():
            trace.note("Who this is", True, received="a user has this UID")
            trace.note(MARK, False, expected=MARKS, received="none agrees")
        case Conflict():
            why = IN_THE_WAY.get(refusal.collision.cause, "another identity has the UID")
            trace.note("No other user is in the way", False, received=why)
        case MayNotSignIn():
            trace.note("Who this is", True, received="a known user")
            trace.note("May sign in", False, received=refusal.reason.replace("_", " "))
        case UnknownPerson():
            trace.note("Known here, or SSO creates users", False, received="neither")
        case InvalidValue():
            trace.note(f"Value of {refusal.field}", False, expected="one plain text", received="another value")
        case _:
            trace.note(f"What {BRAND} allows", False, received=words_of(refusal.code))


def _form(assertion: VerifiedAssertion, attribute: str, label: str) -> str:
    if attribute in assertion.unreadable:
        return "sent, but not as plain text"
    values = assertion.attributes.get(attribute)
    if values is None:
        return "not sent"
    if not any(value.strip() for value in values):
        return "sent empty"
    if len(values) == 1:
        return "sent"
    if label == "groups":
        return f"sent, {len(values)} values"
    distinct = different(assertion, attribute, compared=SINGLE_VALUED.get(label, key))
    if len(distinct) == 1:
        return f"sent, {len(values)} equal values"
    if label in SINGLE_VALUED:
        return f"sent, {len(distinct)} different values"
    if label == "email":
        return f"sent, {len(distinct)} different values: no mark"
    return f"sent, {len(values)} values: the first that is not empty counts"

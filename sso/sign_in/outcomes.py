"""The outcome of a sign-in or sign-out, in words (R35). `sso.sign_in.remedies` has the remedy for each."""

from types import MappingProxyType
from typing import Final

from core_identity.brand import BRAND
from sso.saml.refusals import Code

SIGNED_IN: Final = "signed_in"
SIGNED_OUT: Final = "signed_out"
LOGOUT_REFUSED: Final = "logout_refused"
PASSWORD_ACCEPTED: Final = "password_accepted"  # noqa: S105 - an outcome
PASSWORD_REFUSED: Final = "password_refused"  # noqa: S105

OUTCOMES: Final = MappingProxyType({
    SIGNED_IN: "signed in",
    PASSWORD_ACCEPTED: "signed in with a password",
    PASSWORD_REFUSED: "wrong password",
    SIGNED_OUT: "signed out",
    LOGOUT_REFUSED: "logout message refused",
    "missing_attributes": "an attribute is missing",
    "invalid_value": "an attribute has an unusable value",
    "no_mark": "only the UID matches",
    "conflict": "a name or email belongs to somebody else",
    "unknown_person": "nobody has this UID",
    "may_not_sign_in": "may not sign in",
    "not_allowed": "the connection is switched off",
    "busy": f"{BRAND} was busy",
    Code.NOT_BASE64: "the message is damaged",
    Code.TOO_LARGE: "the message is too large",
    Code.NOT_XML: "the message is not XML",
    Code.FORBIDDEN_XML: "the message has forbidden XML",
    Code.STRUCTURE: "the message has an unknown structure",
    Code.ENCRYPTED: "encrypted, and no key is set up",
    Code.NOT_ENCRYPTED: "not encrypted",
    Code.DECRYPTION: "encrypted for another key",
    Code.OUR_KEY: f"a key of {BRAND} cannot be opened",
    Code.DOUBLE_ID: "an ID occurs twice",
    Code.NOT_SIGNED: "not signed as required",
    Code.SIGNATURE_LAYOUT: "the signature has an unknown form",
    Code.ALGORITHM: "signed with an algorithm that is not accepted",
    Code.SIGNATURE: "signed with an unknown certificate",
    Code.STATUS: "refused by the identity provider",
    Code.ISSUER: "from another identity provider",
    Code.DESTINATION: "sent to another address",
    Code.RECIPIENT: "made for another address",
    Code.AUDIENCE: "made for another service",
    Code.IN_RESPONSE_TO: "answers another request",
    Code.CONFIRMATION: "the confirmation is not accepted",
    Code.CONDITIONS: "has unknown conditions",
    Code.NOT_YET: "not valid yet: the clocks disagree",
    Code.TOO_LATE: "too late",
    Code.TIMES: "has unusable times",
    Code.AUTHN_CONTEXT: "the required authentication is missing",
    Code.VALUE: "has an unusable value",
    Code.INVALID: "not valid",
    Code.REPLAY: "used before",
    Code.NO_REQUEST: "not started here, or too long ago",
    Code.OTHER_BROWSER: "started in another browser",
    Code.UNSOLICITED: "started at the identity provider",
})  # fmt: skip
"""A few words for each code in the sign-in log."""


def words_of(code: str) -> str:
    return OUTCOMES.get(code, code.replace("_", " "))

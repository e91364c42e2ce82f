"""The advice to a refused person, for each code, and whether another try may help. A code that is not decided here fails a test."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sso.saml.refusals import Code


@dataclass(frozen=True, slots=True)
class Advice:
    """``what`` to do, in one or two sentences. Only if ``may_retry``, the page offers a button that begins the sign-in again."""

    what: str
    may_retry: bool


_START: Final = Advice("Start again with the button below. Do not use the back button or a bookmark.", may_retry=True)
_SOON: Final = Advice("Wait a moment, then try again.", may_retry=True)
_SETUP: Final = Advice(
    "You cannot correct this, and another try gives the same result. The settings of the sign-in must be corrected by your IT department.",
    may_retry=False,
)
_ATTRIBUTES: Final = Advice(
    "Your IT department must correct what your identity provider sends about you. Show them this page.", may_retry=False
)
_DECISION: Final = Advice(
    "Wait until an administrator has decided. Until then, another try gives the same result.", may_retry=False
)
_OURS: Final = Advice(
    "This is our fault, and our administrators must correct it. Give them the reference.", may_retry=False
)

OTHERWISE: Final = Advice("Another try gives the same result. Ask for help, and give the reference.", may_retry=False)

ADVICE: Final[Mapping[str, Advice]] = MappingProxyType({
    Code.NOT_BASE64: _SETUP,
    Code.TOO_LARGE: _SETUP,
    Code.NOT_XML: _SETUP,
    Code.FORBIDDEN_XML: _SETUP,
    Code.STRUCTURE: _SETUP,
    Code.ENCRYPTED: _SETUP,
    Code.NOT_ENCRYPTED: _SETUP,
    Code.DECRYPTION: _SETUP,
    Code.OUR_KEY: _OURS,
    Code.DOUBLE_ID: _SETUP,
    Code.NOT_SIGNED: _SETUP,
    Code.SIGNATURE_LAYOUT: _SETUP,
    Code.ALGORITHM: _SETUP,
    Code.SIGNATURE: _SETUP,
    Code.STATUS: Advice(
        "If you cancelled or mistyped your password, try again. Otherwise ask your IT department whether this application is assigned to you.",
        may_retry=True,
    ),
    Code.ISSUER: _SETUP,
    Code.DESTINATION: _SETUP,
    Code.RECIPIENT: _SETUP,
    Code.AUDIENCE: _SETUP,
    Code.IN_RESPONSE_TO: _START,
    Code.CONFIRMATION: _SETUP,
    Code.CONDITIONS: _SETUP,
    Code.NOT_YET: _SETUP,
    Code.TOO_LATE: Advice(
        "Start again with the button below, and finish without a long break. If that does not help, ask your IT department.", may_retry=True
    ),
    Code.TIMES: _SETUP,
    Code.AUTHN_CONTEXT: Advice(
        "Start again with the button below, so that your identity provider is asked for this proof. If that does not help, ask your IT department.",
        may_retry=True,
    ),
    Code.VALUE: _SETUP,
    Code.INVALID: _SETUP,
    Code.REPLAY: _START,
    Code.NO_REQUEST: _START,
    Code.OTHER_BROWSER: Advice("Switch cookies on for this site. Then start again with the button below, in one browser.", may_retry=True),
    Code.UNSOLICITED: _START,
    "our_fault": _SOON,
    "too_many_requests": Advice("Wait a minute, then start again.", may_retry=True),
    "too_many_sign_ins": Advice("Wait a minute, then start again.", may_retry=True),
    "missing_attributes": _ATTRIBUTES,
    "invalid_value": _ATTRIBUTES,
    "uid_required": _ATTRIBUTES,
    "no_mark": _DECISION,
    "conflict": _DECISION,
    "unknown_person": Advice("Ask for access to this application. After you have got it, sign in again.", may_retry=False),
    "may_not_sign_in": OTHERWISE,
    "not_allowed": Advice("Ask your IT department how you sign in now.", may_retry=False),
    "busy": _SOON,
    "try_again": _SOON,
    "refused": OTHERWISE,
    "not_found": OTHERWISE,
    "ambiguous": OTHERWISE,
    "locked": OTHERWISE,
    "name_taken": OTHERWISE,
    "duplicate": OTHERWISE,
    "unknown_group": OTHERWISE,
    "settings": OTHERWISE,
})  # fmt: skip
"""By the code on the page."""

BARS: Final[Mapping[str, Advice]] = MappingProxyType({
    "expired": Advice("If you should still have access, ask for it. An administrator can give it back to you.", may_retry=False),
    "inactive": Advice("Ask your IT department to give you access to this application.", may_retry=False),
    "connection_off": Advice("Ask your IT department how you sign in now.", may_retry=False),
    "staff": Advice("Sign in with your password on the sign-in page of administrators.", may_retry=False),
})  # fmt: skip
"""By the reason why a known person may not sign in."""


def advice_for(code: str, *, reason: str = "") -> Advice:
    """Return the advice for a code; ``reason`` is that of a person who may not sign in. An unknown code offers no other try."""
    return BARS.get(reason) or ADVICE.get(code, OTHERWISE)

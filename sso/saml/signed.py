"""The parts that an IdP must sign for a connection, so that one verified signature covers everything that is read.

A signature that is present must verify at every setting; the setting decides which ones may be absent. See docs/explanation/trust-in-an-assertion.md.
"""

import re
from enum import StrEnum
from typing import Final

from sso.saml.refusals import Code, SamlRefusal


class Signed(StrEnum):
    """The values of the setting *signed*. They are stored, and connection files contain them."""

    BOTH = "both"
    ASSERTION = "assertion"
    RESPONSE = "response"
    EITHER = "either"

    @property
    def needs_response(self) -> bool:
        return self in {Signed.BOTH, Signed.RESPONSE}

    @property
    def needs_assertion(self) -> bool:
        return self in {Signed.BOTH, Signed.ASSERTION}

    def allows(self, *, response: bool, assertion: bool) -> bool:
        """Whether a message with these signatures is signed enough. It does not check that they verify."""
        enough = response or assertion
        return enough and (response or not self.needs_response) and (assertion or not self.needs_assertion)

    def require(self, *, response: bool, assertion: bool) -> None:
        """Raise `SamlRefusal` with the exact reason if a message with these signatures is not signed enough."""
        if not self.allows(response=response, assertion=assertion):
            raise SamlRefusal(
                Code.NOT_SIGNED,
                expected=DEMANDS[self],
                received=signatures_in_words(response=response, assertion=assertion),
            )


DEMANDS: Final = {
    Signed.BOTH: "the Response and the Assertion signed; this connection requires both",
    Signed.ASSERTION: "the Assertion signed; this connection requires the Assertion",
    Signed.RESPONSE: "the Response signed; this connection requires the Response",
    Signed.EITHER: "the Response or the Assertion signed; this connection requires either",
}
LABELS: Final = (
    (Signed.BOTH.value, "the Response and the Assertion"),
    (Signed.ASSERTION.value, "the Assertion"),
    (Signed.RESPONSE.value, "the Response"),
    (Signed.EITHER.value, "the Response or the Assertion"),
)
"""The values of the setting, described for an administrator."""


def signatures_in_words(*, response: bool, assertion: bool) -> str:
    match response, assertion:
        case True, True:
            return "the Response and the Assertion are signed"
        case True, False:
            return "the Response is signed, the Assertion is not"
        case False, True:
            return "the Assertion is signed, the Response is not"
        case _:
            return "neither the Response nor the Assertion is signed"


_USUAL: Final = (
    (re.compile(r"https://sts\.windows\.net/.+"), "Entra", Signed.ASSERTION),
    (re.compile(r"https?://[^/]+/adfs/services/trust"), "ADFS", Signed.ASSERTION),
    (re.compile(r"https://accounts\.google\.com/o/saml2\?idpid=.+"), "Google", Signed.ASSERTION),
    (re.compile(r"https?://[^/]+/idp/shibboleth"), "Shibboleth", Signed.RESPONSE),
)
"""The usual setting of identity providers, by their entity IDs."""


def note_for(entity_id: str, signed: Signed) -> str:
    """Return a sentence for an administrator who accepts metadata; empty if nothing is known.

    Metadata does not contain which parts an identity provider signs (SAML metadata 2.4.3). So the usual setting is known by its entity ID only.
    """
    for pattern, name, usual in _USUAL:
        if not pattern.fullmatch(entity_id):
            continue
        fits = signed.allows(response=usual.needs_response, assertion=usual.needs_assertion)
        if fits and signed is not Signed.EITHER:
            return ""
        part = "Assertion" if usual is Signed.ASSERTION else "Response"
        return (
            f"Its entity ID is that of {name}, which signs only the {part} unless its administrator changes that. Metadata does not contain it. "
            f"The connection has signed: {signed}. If {name} keeps its usual setting, write signed: {usual} in the SAML settings."
        )
    return ""

"""The Status of a Response: whether the IdP signed the person in, and its message if it did not (SAML core 2.0, 3.2.2)."""

from typing import Final

from lxml import etree

from sso.saml.gate import SAML, SAMLP, text_of
from sso.saml.refusals import Code, SamlRefusal, legible

PREFIX: Final = "urn:oasis:names:tc:SAML:2.0:status:"
SUCCESS: Final = f"{PREFIX}Success"

STATUS: Final = "Status"
WORDS: Final = "The identity provider's own words"
"""Names of two checks: the received codes, and the StatusMessage."""

MASK: Final = "…"


def require_success(root: etree._Element) -> None:
    """Raise `SamlRefusal` unless the Status is success."""
    codes = _codes(root)
    if codes != [SUCCESS]:  # a second code could contradict the first
        raise SamlRefusal(Code.STATUS, expected=SUCCESS, received=" ".join(codes))


def is_failure_alone(root: etree._Element) -> bool:
    """Whether this is a Response without an Assertion and with a Status other than success. Anybody may have sent it."""
    if root.tag != f"{SAMLP}Response" or root.get("Version") != "2.0" or root.find(f"{SAMLP}Status") is None:
        return False
    assertions = (next(root.iter(tag), None) for tag in ("{*}Assertion", f"{SAML}EncryptedAssertion"))
    return all(one is None for one in assertions) and _codes(root) != [SUCCESS]


def words_of_failure(root: etree._Element) -> str:
    """Return the StatusMessage of a Response that signs nobody in, for an administrator: one line, legible, short, without email addresses.

    Empty if the Response has no StatusMessage. Email addresses are removed, because Entra writes the person's address into it.
    """
    text = text_of(root.find(f"{SAMLP}Status/{SAMLP}StatusMessage")) or ""
    if _codes(root) == [SUCCESS]:
        return ""
    return legible(" ".join(MASK if "@" in word else word for word in text.split()))


def _codes(root: etree._Element) -> list[str]:
    return [code.get("Value", "") for code in root.iterfind(f"{SAMLP}Status//{SAMLP}StatusCode")]

"""The reasons to refuse a message: a code, a sentence for the person, and the expected and received values for the log."""

from enum import StrEnum

from core_identity.brand import BRAND


class Code(StrEnum):
    """Names of refusals. Logs and docs contain them, so they never change."""

    NOT_BASE64 = "not_base64"
    TOO_LARGE = "too_large"
    NOT_XML = "not_xml"
    FORBIDDEN_XML = "forbidden_xml"
    STRUCTURE = "structure"
    ENCRYPTED = "encrypted"
    NOT_ENCRYPTED = "not_encrypted"
    DECRYPTION = "decryption"
    OUR_KEY = "our_key"
    DOUBLE_ID = "double_id"
    NOT_SIGNED = "not_signed"
    SIGNATURE_LAYOUT = "signature_layout"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    STATUS = "status"
    ISSUER = "issuer"
    DESTINATION = "destination"
    RECIPIENT = "recipient"
    AUDIENCE = "audience"
    IN_RESPONSE_TO = "in_response_to"
    CONFIRMATION = "confirmation"
    CONDITIONS = "conditions"
    NOT_YET = "not_yet"
    TOO_LATE = "too_late"
    TIMES = "times"
    AUTHN_CONTEXT = "authn_context"
    VALUE = "value"
    INVALID = "invalid"
    REPLAY = "replay"
    NO_REQUEST = "no_request"
    OTHER_BROWSER = "other_browser"
    UNSOLICITED = "unsolicited"


SENTENCES = {
    Code.STATUS: "Your identity provider did not sign you in.",
    Code.NOT_YET: "The clocks of your identity provider and of this service disagree.",
    Code.TOO_LATE: "The sign-in took too long, or the clocks of your identity provider and of this service disagree.",
    Code.ISSUER: "The sign-in came from another identity provider than the one that is set up here.",
    Code.AUDIENCE: "The sign-in was made for another service. The audience set at the identity provider is not ours.",
    Code.DESTINATION: "The sign-in was made for another address. The single sign-on URL at the identity provider is not ours.",
    Code.RECIPIENT: "The sign-in was made for another address. The single sign-on URL at the identity provider is not ours.",
    Code.SIGNATURE: "The sign-in is not signed with the certificate that is set up here.",
    Code.NOT_SIGNED: "This service requires a signature that the sign-in does not have.",
    Code.ENCRYPTED: "The sign-in is encrypted, which is not set up here.",
    Code.NOT_ENCRYPTED: "This service requires an encrypted sign-in, and yours is not encrypted.",
    Code.DECRYPTION: "The sign-in is encrypted, and could not be opened with the key of this service.",
    Code.OUR_KEY: f"{BRAND} cannot read the answer of your identity provider, because a key of {BRAND} cannot be opened. "
    f"Please tell an administrator of {BRAND}, and give the reference.",
    Code.AUTHN_CONTEXT: "Your identity provider did not ask you for the proof that this service requires.",
    Code.REPLAY: "This sign-in was used already. Please start again.",
    Code.NO_REQUEST: "This sign-in was not started here, or too long ago. Please start again.",
    Code.OTHER_BROWSER: "This sign-in was started in another browser, or cookies are switched off. Please start again.",
    Code.UNSOLICITED: "Sign-ins that start at the identity provider are not switched on here. Please start here.",
}
OTHERWISE = "The message of your identity provider is not acceptable."


MAX_SHOWN = 300
"""The maximum length of a value of a message that is stored."""


class SamlRefusal(Exception):
    """A message that is not believed. ``expected`` and ``received`` are for the log of the administrator, never for the browser."""

    def __init__(self, code: Code, *, expected: str = "", received: str = "") -> None:
        super().__init__(code.value)
        self.code = code
        self.expected = legible(expected)
        self.received = legible(received)

    @property
    def sentence(self) -> str:
        return SENTENCES.get(self.code, OTHERWISE)


class VerifierFault(Exception):
    """A message that we failed to judge. The fault is ours, so the answer is 503, never a refusal. The cause is chained."""


def legible(text: str) -> str:
    """Return ``text``, cut, with invisible and direction-changing characters escaped, because a stranger may have written it."""
    text = text[:MAX_SHOWN]
    if text.isprintable():
        return text
    escaped = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return escaped[:MAX_SHOWN]

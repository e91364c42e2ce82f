"""The remedy for each refusal, by its code, for an administrator: one or two sentences, with the names on Okta's screens if they help (R35)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from core_identity.brand import BRAND
from sso.saml.claims import STATUS_PREFIX
from sso.saml.refusals import Code
from sso.saml.trace import PROPOSAL

_URL: Final = "Enter the ACS URL of the connection's set-up sheet as Single sign-on URL, letter by letter. Recipient and Destination are the same."
_CLOCK: Final = (
    "Compare the clock of the identity provider with ours. The SAML settings contain the greatest permitted difference. A page that "
    "stayed open for long before it was sent has the same effect."
)
_AGAIN: Final = "Ask the person to start again from the sign-in page. A bookmark of the identity provider's page or the back button causes this."
_MESSAGE: Final = (
    "An identity provider in its usual settings does not send such a message. Look at the failed check, and compare the settings of the "
    "app at the identity provider with the set-up sheet."
)
_KEY: Final = (
    "Create a key (page Our SAML keys), and let the identity provider encrypt with the certificate in our metadata."
)
_CERTIFICATE: Final = (
    "Compare the fingerprints in the failed check. If they differ, the identity provider signs with a certificate that the connection does "
    "not know: adopt its present metadata (Metadata of the identity provider). Compare the fingerprint with that page first, because anybody can "
    "write one into a message. If they are equal, the message was changed after it was signed, or another key signed it."
)
_CONTEXT: Final = (
    "The SAML settings require a certain authentication, or a new one at each sign-in. The identity provider did not report it. Let this "
    "app require it there, or require less in the SAML settings. A sign-in that starts at the identity provider never gets our request."
)
_LOGOUT: Final = (
    "Let the identity provider sign its logout messages with a certificate that the connection knows, and send them to the Logout URL of the "
    "set-up sheet. The decision names the check that failed."
)
_CONFLICT: Final = "A sign-in opens a conflict. Find it by the reference, and decide who the person is. The next sign-in then succeeds."

REMEDIES: Final = MappingProxyType({
    **dict.fromkeys(Code, _MESSAGE),
    Code.STATUS: "The identity provider refused the sign-in. Check there that the app is assigned to the person, and read its log.",
    Code.ISSUER: "The message came from another app of the identity provider, or the app was created again. Adopt its present metadata.",
    Code.AUDIENCE: "Enter the Audience of the connection's set-up sheet as Audience URI (SP Entity ID), letter by letter.",
    Code.DESTINATION: _URL,
    Code.RECIPIENT: _URL,
    Code.NOT_YET: _CLOCK,
    Code.TOO_LATE: _CLOCK,
    Code.SIGNATURE: _CERTIFICATE,
    Code.NOT_SIGNED: "Let the identity provider sign the Response and the Assertion if it can. If it signs only one of them, choose "
    "that one in the SAML settings (what the identity provider must sign). The failed check shows the signatures of this message.",
    Code.ALGORITHM: (
        "Choose RSA-SHA256 for signature and digest at the identity provider, and exclusive canonicalization, with or without comments. "
        "SHA-1 is not accepted. The failed check shows the expected and the received value."
    ),
    Code.ENCRYPTED: _KEY,
    Code.DECRYPTION: "Let the identity provider encrypt with the certificate in our present metadata, by AES and RSA-OAEP.",
    Code.OUR_KEY: "Our key of this connection cannot be opened. Put the key that encrypted it back into SAML_KEY_ENCRYPTION_KEYS, or create a new "
    "key (page Our SAML keys) and let the identity provider encrypt with it. Nothing is wrong with the message.",
    Code.NOT_ENCRYPTED: "The connection requires encryption. Switch it on at the identity provider, or off in the SAML settings.",
    Code.AUTHN_CONTEXT: _CONTEXT,
    Code.REPLAY: _AGAIN,
    Code.NO_REQUEST: _AGAIN,
    Code.IN_RESPONSE_TO: _AGAIN,
    Code.OTHER_BROWSER: "Ask the person to start again, in one browser, with cookies on for this site. Closing a private window causes this too.",
    Code.UNSOLICITED: "The person began at the identity provider, at its tile. Allow that in the SAML settings, or give them the sign-in page.",
    "logout_refused": _LOGOUT,
    "missing_attributes": "Send the missing attribute under exactly this name, or enter the name that arrives in the SAML settings.",
    "invalid_value": "The failed check names the attribute. Send one UID, and one externalId if it is mapped, as plain text without invisible "
    "characters. Two equal values are accepted; different ones are not.",
    "no_mark": f"The UID is known, but the name and the email do not match. {_CONFLICT}",
    "conflict": f"Another user has the userName, the email or the externalId. {_CONFLICT}",
    "unknown_person": "Provision the person first, or let sign-ins create users (SSO creates users).",
    "may_not_sign_in": "The person is expired, inactive at the identity provider, or staff. Their page shows which, and what to do.",
    "not_allowed": "The connection was switched off during the sign-in.",
    "busy": "Other changes of the customer took too long. The person can try again.",
})  # fmt: skip
"""The remedy for each code in the sign-in log."""


_NAMED: Final = "Compare our entity ID and ACS URL there with the connection's set-up sheet, letter by letter."
_VERSION: Final = f"{BRAND} sends SAML 2.0. Set the app up there for SAML 2.0."

STATUS_REMEDIES: Final = MappingProxyType(
    {
        "Requester": f"The identity provider does not accept our request. {_NAMED} If it requires signed requests, create a "
        "key (page Our SAML keys), let it read our metadata, then switch on that we sign our AuthnRequests.",
        "Responder": "The identity provider failed. Look in its log at this time. Some identity providers answer like this if "
        f"they do not accept our request. {_NAMED}",
        "VersionMismatch": f"The identity provider does not accept the version of our request. {_VERSION}",
        "AuthnFailed": "The person did not prove who they are: a wrong password, a sign-in that was cancelled, or a locked "
        "account. Ask them to try again, and look in the identity provider's log.",
        "InvalidAttrNameOrValue": "The identity provider received an attribute that it does not expect. Compare the attribute statements of "
        "the app there with the names in the SAML settings.",
        "InvalidNameIDPolicy": "The identity provider cannot send the NameID format that we ask for. Enter the format of the app "
        "there in the SAML settings, or leave that to the identity provider by the format unspecified.",
        "NoAuthnContext": "The identity provider does not support the authentication that the SAML settings require (authn_context). Enter "
        "one that it supports, or leave the setting empty.",
        "NoAvailableIDP": "The identity provider forwards sign-ins, and cannot reach the providers behind it. Check there "
        "which of them is down.",
        "NoPassive": f"The identity provider had to show a page to the person, and was not allowed to. {BRAND} does not forbid "
        "it, so look for a policy or a proxy there that does. The person can start again, in a new "
        "window.",
        "NoSupportedIDP": "The identity provider forwards sign-ins, and does not know the requested providers. Look "
        "at its routing rules.",
        "PartialLogout": "The identity provider ended only some sessions of the person. Check in its log which application "
        "did not answer.",
        "ProxyCountExceeded": f"The sign-in passed through more providers than allowed. Connect {BRAND} to the last of them "
        "directly, or let it forward to one more.",
        "RequestDenied": "The identity provider understood the request, and refuses this person or this app. Check there "
        "that the app is switched on and assigned to the person, and check its access policy.",
        "RequestUnsupported": "The identity provider does not support something in our request. Switch off force_authn and "
        "authn_context in the SAML settings, or send requests by the other binding (sso_binding).",
        "RequestVersionDeprecated": f"The identity provider no longer accepts the version of our request. {_VERSION}",
        "RequestVersionTooHigh": f"The identity provider expects an older version of SAML than our request has. {_VERSION}",
        "RequestVersionTooLow": f"The identity provider expects a newer version of SAML than our request has. {_VERSION}",
        "ResourceNotRecognized": f"The identity provider does not know the service that our request names. {_NAMED}",
        "TooManyResponses": "The identity provider has more answers than it can send. Look in its log for this person.",
        "UnknownAttrProfile": "The identity provider does not know a profile of attributes. Choose plain attributes with the name "
        "format unspecified or basic there.",
        "UnknownPrincipal": "The identity provider does not know the person. Create or activate them there, and assign the app to "
        "them.",
        "UnsupportedBinding": "The identity provider cannot answer in the way that we ask for. Enter the ACS URL of the "
        "connection's set-up sheet there with the binding HTTP-POST.",
    }
)
"""The remedy for each code of a Status except Success, by its last word (SAML core 3.2.2.2). Any other code gets the remedy of `status`."""


def remedy_for(code: str, checks: Sequence[Mapping[str, Any]]) -> str:
    """Return the remedy for a refusal; empty if there is none. ``checks`` are the stored checks of its trace."""
    remedy: str = REMEDIES.get(code, "")
    proposal: str = next((check["expected"] for check in checks if check["check"] == PROPOSAL), "")
    if code == Code.STATUS:
        return _status_remedy(checks) or remedy
    if code != Code.NOT_SIGNED or not proposal:
        return remedy
    return (
        f"Let the identity provider sign the other part too. If it cannot, write {proposal} in the SAML settings: "
        "with this setting the message would have passed, because a certificate of the connection made its signature."
    )


def _status_remedy(checks: Sequence[Mapping[str, Any]]) -> str:
    """Return the remedy of the innermost known code that the failed check received: it is the most specific one."""
    received: str = next((check.get("received", "") for check in checks if check["passed"] is False), "")
    names = [code.removeprefix(STATUS_PREFIX) for code in received.split() if code.startswith(STATUS_PREFIX)]
    return next((f"{name}: {STATUS_REMEDIES[name]}" for name in reversed(names) if name in STATUS_REMEDIES), "")

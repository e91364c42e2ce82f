"""Advice for the SCIM steps of a set-up: what to do at each identity provider, and what to check there when nothing comes (R37)."""

from typing import Final

from core_identity.set_up import Advice, AdviceOf, Vendor

_CREDENTIAL: Final = "a client or a token. It proves which identity provider sends a request."
_CONSENT: Final = "the consent to provisioning."
_CALL: Final = "the first SCIM request that we accept."
_BY_TOKEN: Final = Advice(
    "With a long-lived token or client credentials there is nothing to do: the first request that we accept ticks this step."
)
_GOOGLE: Final = Advice("There is nothing to do here for an app of your own at Google.")

ADVICE: Final[AdviceOf] = {
    Vendor.OKTA: {
        "provisioning": Advice(
            "Create the OAuth client here. Then in Okta: General, App Settings, Edit, Provisioning: SCIM. Copy the values below into "
            "Provisioning, Integration.",
            _CREDENTIAL,
            "If the app has no tab Provisioning, choose SCIM under General, App Settings, Edit, and save.",
        ),
        "consent": Advice(
            "In Okta: Provisioning, Integration, Authenticate. Okta opens our consent page in this browser. Choose Allow.",
            _CONSENT,
            "If the button is missing, edit the SCIM connection in Okta, change nothing, and save. If our page refuses, the redirect URI or the "
            "Client ID differs: compare the address of the app in Okta, and copy the Client ID again.",
        ),
        "test_call": Advice(
            "In Okta: Provisioning, Integration, Test Connector Configuration. Then save.",
            _CALL,
            "Compare the SCIM connector base URL letter by letter. If Okta reports that it is not authorized, authenticate again in the step before.",
        ),
    },
    Vendor.ENTRA: {
        "provisioning": Advice(
            "Create a long-lived token here. Then in Entra: Provisioning, Get started, Automatic. Copy the values below into Admin Credentials.",
            _CREDENTIAL,
            "The token is shown once. If you lose it, create another one.",
        ),
        "consent": _BY_TOKEN,
        "test_call": Advice(
            "In Entra: Provisioning, Test Connection. Entra asks for a random user that does not exist, and our answer is an empty list. "
            "That is a success.",
            _CALL,
            "Compare the Tenant URL letter by letter. Paste the Secret Token again: a space or a missing letter at its end is enough.",
        ),
    },
    Vendor.GOOGLE: {
        "provisioning": Advice(
            "Google pushes people only to apps of its catalogue, and not to an app of your own. People are created at their first sign-in "
            "instead. Your set-up ends with the step before."
        ),
        "consent": _GOOGLE,
        "test_call": _GOOGLE,
    },
    Vendor.OTHER: {
        "provisioning": Advice(
            "Create an OAuth client or a long-lived token here. Then copy the values below into the SCIM settings of the identity provider.",
            _CREDENTIAL,
            "The secret is shown once. If you lose it, create another one.",
        ),
        "consent": Advice(
            f"{_BY_TOKEN.do} With the authorization code grant, let the identity provider ask for consent, and choose Allow.",
            _CONSENT,
            "The redirect URI of the identity provider must be one of the OAuth client's.",
        ),
        "test_call": Advice(
            "Let the identity provider test the connection, or start its provisioning.",
            _CALL,
            "Compare the base URL letter by letter. Send the token in the header Authorization, after the word Bearer.",
        ),
    },
}

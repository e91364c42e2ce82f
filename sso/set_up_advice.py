"""Advice for the SAML steps of a set-up: what to do at each identity provider, and what to check there when nothing comes (R37)."""

from typing import Final

from core_identity.set_up import Advice, AdviceOf, Vendor

_RESPONSE: Final = "the first signed SAML response. A test sign-in sends one."
_METADATA: Final = "the metadata. It contains the addresses and the certificates that we trust."
_TEST: Final = "a test sign-in that passes every check."
_SIGN_IN: Final = "the first person who signs in."

ADVICE: Final[AdviceOf] = {
    Vendor.OKTA: {
        "saml_app": Advice(
            "In Okta's Admin Console: Applications, Create App Integration, SAML 2.0. Copy the values below into its screens, in this order.",
            _RESPONSE,
            "Compare Single sign-on URL and Audience URI letter by letter. If Okta shows an error instead of sending you back here, "
            "its reason is under Reports, System Log.",
        ),
        "metadata": Advice(
            "In Okta: the app, Sign On, SAML Signing Certificates, the active row, Actions, View IdP metadata. "
            "Save the page as a file, or copy all of it.",
            _METADATA,
            "The page that opens must be XML. If it shows a sign-in page of Okta, the address is that of the app and not of its metadata.",
        ),
        "test": Advice(
            "Assign yourself to the app in Okta: Assignments, Assign. Then start a test sign-in. It goes through every check and changes nothing.",
            _TEST,
            "If Okta refuses you, you are not assigned to the app. If our page refuses the test, it names the value to correct: "
            "General, SAML Settings, Edit.",
        ),
        "first_sign_in": Advice(
            "",
            _SIGN_IN,
            "The person must be assigned to the app: Assignments.",
        ),
    },
    Vendor.ENTRA: {
        "saml_app": Advice(
            "In the Entra admin center: Enterprise applications, New application, Create your own application, non-gallery. "
            "Then Single sign-on, SAML. Copy the values below into Basic SAML Configuration and Attributes & Claims.",
            _RESPONSE,
            "Entra's error pages have a code. AADSTS700016: the Identifier differs from our value. AADSTS50011: the Reply URL differs. "
            "AADSTS50105: the person is not assigned under Users and groups.",
        ),
        "metadata": Advice(
            "In Entra: Single sign-on, SAML Certificates, Federation Metadata XML, Download.",
            _METADATA,
            "A certificate alone, such as Certificate (Base64), is not enough, because it contains no addresses.",
        ),
        "test": Advice(
            "Assign yourself in Entra: Users and groups, Add user/group. Then start a test sign-in. It goes through every check and changes nothing.",
            _TEST,
            "AADSTS50105: you are not assigned. If our page refuses the test, it names the value to correct: Single sign-on, Attributes & Claims. "
            "Leave the Namespace of each claim empty, because it becomes a part of the name.",
        ),
        "first_sign_in": Advice(
            "",
            _SIGN_IN,
            "The person must be assigned: Users and groups. Sign-ins that Entra refused are under Sign-in logs.",
        ),
    },
    Vendor.GOOGLE: {
        "saml_app": Advice(
            "In Google's Admin console: Apps, Web and mobile apps, Add app, Add custom SAML app. Copy the values below into its screens. "
            "Then switch the app on: User access, ON for everyone.",
            _RESPONSE,
            "Google's error pages have a name. app_not_configured_for_user: the Entity ID differs from our value. "
            "app_not_enabled_for_user: the app is off for this person. A change at Google can take up to 24 hours.",
        ),
        "metadata": Advice(
            "In Google's Admin console: the app, Download metadata.",
            _METADATA,
            "A certificate alone is not enough, because it contains no addresses.",
        ),
        "test": Advice(
            "Switch the app on for yourself: User access. Then start a test sign-in. It goes through every check and changes nothing.",
            _TEST,
            "Sign out of your other Google accounts: Google may choose the wrong one. If our page refuses the test, it names the value to correct: "
            "SAML attribute mapping.",
        ),
        "first_sign_in": Advice(
            "", _SIGN_IN, "The app must be on for the organizational unit or the group of the person: User access."
        ),
    },
    Vendor.OTHER: {
        "saml_app": Advice(
            "Create a SAML 2.0 application at the identity provider. Copy the values below, or let it read our metadata.",
            _RESPONSE,
            "Compare the Assertion Consumer Service URL and the Entity ID letter by letter. The answer must come by HTTP-POST.",
        ),
        "metadata": Advice(
            "Download the metadata of the application as an XML file. Some call it federation metadata.",
            _METADATA,
            "The file must contain an IDPSSODescriptor. A certificate alone, or our own metadata, is not enough.",
        ),
        "test": Advice(
            "Give yourself access to the application. Then start a test sign-in. It goes through every check and changes nothing.",
            _TEST,
            "If the identity provider refuses you, you have no access to the application. "
            "If our page refuses the test, it names the value to correct.",
        ),
        "first_sign_in": Advice(
            "", _SIGN_IN, "The person must have access to the application at the identity provider."
        ),
    },
}

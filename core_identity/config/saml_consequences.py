"""What a change of SAML settings does, and what it breaks, in words that are read before it is saved."""

from dataclasses import dataclass
from typing import Final

from django.utils.text import capfirst

from sso.connections import Changes
from sso.models import SamlSettings
from sso.saml.assertion import UNSPECIFIED
from sso.saml.signed import Signed

_SWITCHED: Final = {
    ("idp_initiated", True): "Sign-ins that answer no request of ours are taken: Okta's tile of the SAML app works.",
    ("idp_initiated", False): "Okta's tile of the SAML app leads to a refusal (unsolicited). A bookmark app goes on working.",
    ("want_encrypted", True): "Assertions that come unencrypted are refused (not_encrypted).",
    ("want_encrypted", False): "Assertions that come unencrypted are taken: the browser that carries them can read them.",
    ("sign_requests", True): "An IdP that checks the signature, and does not have our certificate, refuses everybody at its own door.",
    ("sign_requests", False): "An IdP that demands signed requests refuses everybody at its own door.",
    ("sign_metadata", True): "An IdP that checks the signature of our metadata has to have our certificate.",
    ("force_authn", True): "Everybody proves at each sign-in who they are, whatever session they have at the IdP.",
    ("force_authn", False): "Who has a session at the IdP comes in without a question.",
}  # fmt: skip
_CHANGED: Final = {
    "authn_context": "An IdP that cannot do what is demanded refuses everybody. Try it in a private window.",
    "name_id_format": "If another NameID arrives by it, whoever is known by the old one alone is refused until you decide (R8b).",
    "sso_binding": "Where the IdP has no address for this way, the other is taken. Try a sign-in in a private window.",
    "slo_binding": "Where the IdP has no address for this way, the other is taken. Okta takes logout messages by POST for certain.",
    "email_domains": "What is taken away leads nowhere at once. What is new has to be verified on the page Email domains.",
    "groups_attribute": "Where sign-ins give roles: those that came by the old name end with each person's next sign-in (R31).",
    "external_id_attribute": "Where it names one, the externalId alone decides who somebody is (R8b): it must be the one that SCIM sends.",
}  # fmt: skip
_ATTRIBUTE: Final = "A sign-in that sends the old name lacks it."


_SIGNED: Final = {
    Signed.BOTH: "An IdP that signs only one of the two is refused (not_signed). Entra, ADFS and Google do so unless told otherwise.",
    Signed.ASSERTION: "An IdP that signs the Response only is refused (not_signed). No signature covers what the Response says around the Assertion.",
    Signed.RESPONSE: "An IdP that signs the Assertion only is refused (not_signed). An encrypted Assertion is opened after the Response is verified.",
    Signed.EITHER: "One verified signature is enough, whichever it is. Choose a narrower setting as soon as the IdP always signs the same part.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Consequence:
    """One change, as it is shown: of which setting, from what, to what, and what comes of it (may be empty)."""

    label: str
    before: str
    after: str
    sentence: str


def consequences(changes: Changes) -> list[Consequence]:
    """Return the changes of settings that stand already, in the order of `sso.connections.plan`."""
    return [
        Consequence(
            capfirst(str(SamlSettings._meta.get_field(field).verbose_name)),  # type: ignore[union-attr]
            _words(before),
            _words(after),
            _sentence(field, after),
        )
        for field, (before, after) in changes.items()
    ]


def _sentence(field: str, after: object) -> str:
    if isinstance(after, bool):
        return _SWITCHED.get((field, after), "")
    if field == "signed":
        return _SIGNED[Signed(str(after))]
    return _CHANGED.get(field, _ATTRIBUTE if field.endswith("_attribute") else "")


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "unspecified" if value == UNSPECIFIED else str(value) if value not in {None, ""} else "nothing"

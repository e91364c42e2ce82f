"""The consequences of a change of SAML settings, in sentences that an administrator reads before it is saved."""

from dataclasses import dataclass
from typing import Final

from django.utils.text import capfirst

from core_identity.brand import BRAND
from sso.models import SamlSettings
from sso.saml.parties import UNSPECIFIED, Signed
from sso.settings.changes import Changes

_SWITCHED: Final = {
    ("idp_initiated", True): f"{BRAND} accepts sign-ins without a request from us: Okta's tile of the SAML app works.",
    ("idp_initiated", False): "Okta's tile of the SAML app leads to a refusal (unsolicited). A bookmark app still works.",
    ("want_encrypted", True): "Unencrypted assertions are refused (not_encrypted).",
    ("want_encrypted", False): "Unencrypted assertions are accepted. The browser that carries them can read them.",
    ("sign_requests", True): "An identity provider that checks the signature, and does not have our certificate, refuses everybody on its own page.",
    ("sign_requests", False): "An identity provider that demands signed requests refuses everybody on its own page.",
    ("sign_metadata", True): "An identity provider that checks the signature of our metadata needs our certificate.",
    ("force_authn", True): "Everybody must sign in again at the identity provider each time, even with a session there.",
    ("force_authn", False): "People with a session at the identity provider sign in without a question.",
}  # fmt: skip
_CHANGED: Final = {
    "authn_context": "An identity provider that cannot do this refuses everybody. Try it in a private window.",
    "name_id_format": "If the NameID changes with it, people who are known only by the old NameID are refused until you decide.",
    "sso_binding": f"If the identity provider has no address for this binding, {BRAND} uses the other one. Try a sign-in in a private window.",
    "slo_binding": f"If the identity provider has no address for this binding, {BRAND} uses the other one. "
    "Okta certainly accepts logout messages by POST.",
    "email_domains": "Removed domains stop working at once. Verify new ones on the page Email domains.",
    "groups_attribute": "If sign-ins give roles: the roles that came by the old name end at each person's next sign-in.",
    "external_id_attribute": "With a name here, the externalId alone is the mark beside the UID: it must be the one that SCIM sends.",
}  # fmt: skip
_ATTRIBUTE: Final = f"If a sign-in sends the old name, {BRAND} does not find the value."


_SIGNED: Final = {
    Signed.BOTH: "An identity provider that signs only one of the two is refused (not_signed). Entra, ADFS and Google do so by default.",
    Signed.ASSERTION: "An identity provider that signs the Response only is refused (not_signed). "
    "No signature covers the Response around the Assertion.",
    Signed.RESPONSE: "An identity provider that signs the Assertion only is refused (not_signed). "
    "An encrypted Assertion is opened after the Response is verified.",
    Signed.EITHER: "One verified signature is enough, whichever it is. "
    "Choose a narrower setting as soon as the identity provider always signs the same part.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Consequence:
    """One change, as it is shown: the setting, its old and new value, and the consequences (may be empty)."""

    label: str
    before: str
    after: str
    sentence: str


def consequences(changes: Changes) -> list[Consequence]:
    """Return the changes of existing settings, in the order of `sso.settings.changes.plan`."""
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

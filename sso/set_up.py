"""The SAML steps of a connection's set-up, and the SAML screens of the IdPs that we know (R37)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from core_identity.attributes import FOLLOWED, NAMES
from core_identity.selectors.newest import newest_of
from core_identity.selectors.sign_ins import last_passed_test, shown_last_sign_in
from core_identity.set_up import Advice, CustomerStep, Screen, Step, Value, Vendor
from core_identity.sketches import Drawing
from sso.models import SamlSettings, SignInRecord
from sso.saml.certificates import end_of
from sso.saml.parties import Signed
from sso.set_up_advice import ADVICE
from sso.settings.email_domains import verified_domains
from sso.settings.live_settings import new_settings
from sso.settings.trust_warnings import warnings_of
from sso.sign_in.log import without_names
from sso.sign_in.outcomes import SIGNED_IN

if TYPE_CHECKING:
    from core_identity.models import Connection

LATELY: Final = 200
"""Rows of the sign-in log that are searched for a test."""


def steps(connection: "Connection", vendor: Vendor) -> Iterator[Step]:
    """Yield the steps that sso can tick. Five statements.

    Only a sign-in whose signature was verified ticks a step, because anybody can send the others. A sign-in and a passed test are events, so
    their ticks stay when the log is emptied, or is off.
    """
    advice = ADVICE[vendor]
    saml = getattr(connection, "saml", None)
    records = newest_of(SignInRecord.objects.all(), connection_slug=connection.slug)
    signed_in = shown_last_sign_in(connection)
    # Once people sign in, nobody looks for tests: they could be a million rows back.
    lately = [] if signed_in else list(records[:LATELY])
    tests = [record for record in lately if record.is_test]
    passed = next((record for record in tests if record.code == SIGNED_IN), None)
    tested = signed_in or (passed.at if passed else last_passed_test(connection.pk))
    answered = tested or next((record.at for record in lately if record.arrived), None)
    yield Step(
        2,
        "saml_app",
        "Our values entered at the identity provider",
        done=answered is not None,
        facts=_values_proven(answered, saml),
        advice=advice["saml_app"],
        here="Each response that arrived is in the sign-in log here, also a refused one.",
        page="#sheet-heading",
        page_title="Show the values",
        seen_at=answered,
        for_customer=CustomerStep(
            "Create the SAML app and copy our values into it", facts=_values_proven(answered, saml)
        ),
        is_proven_later=saml is not None,
    )
    yield Step(
        3,
        "metadata",
        "Metadata of the identity provider",
        done=saml is not None,
        facts=_trust(saml),
        advice=advice["metadata"],
        page="metadata",
        page_title="Replace" if saml else "Enter the metadata",
        for_customer=CustomerStep(
            "Send us the metadata of your app",
            facts=_until(saml),
            act="portal-metadata",
            act_title="Replace the metadata" if saml else "Send the metadata",
        ),
    )
    yield Step(
        4,
        "test",
        "Test sign-in passed",
        done=tested is not None,
        facts=_last_refused("test", tests) if tested is None else (passed.decision,) if passed else (),
        advice=advice["test"],
        page="test" if saml else "",
        page_title="Test sign-in",
        seen_at=tested,
        for_customer=CustomerStep(
            "Test the sign-in",
            act="portal-test" if saml else "",
            act_title="Test again" if tested else "Start a test",
        ),
    )
    yield Step(
        5,
        "first_sign_in",
        "First person signed in",
        done=signed_in is not None,
        facts=() if signed_in else _last_refused("sign-in", [record for record in lately if not record.is_test]),
        advice=_first_sign_in(advice["first_sign_in"], saml or new_settings(connection)),
        here="A refused person sees a reference: enter it in the search at the top. The SAML settings decide where sign-ins may start.",
        seen_at=signed_in,
        for_customer=CustomerStep("First person signs in"),
    )
    if saml is not None:
        yield _domains_step(saml)


def _domains_step(saml: SamlSettings) -> Step:
    verified = [one.domain for one in verified_domains(saml.connection)]
    facts = (f"{', '.join(verified)}: the sign-in page sends people with such an address here.",) if verified else ()
    return Step(
        5,
        "domains",
        "Email domains lead here",
        done=bool(verified),
        facts=facts,
        advice=Advice(
            "People then type their email address on the sign-in page and need no link. The customer verifies a domain by a DNS record."
        ),
        page="domains",
        page_title="Email domains",
        for_customer=CustomerStep(
            "Let your people start with their email address",
            Advice(
                "Optional. People then type their email address on our sign-in page and need no link. You verify your domain by a DNS record."
            ),
            facts=facts,
            act="portal-domains",
            act_title="Email domains",
        ),
        is_optional=True,
    )


def _first_sign_in(advice: Advice, saml: SamlSettings) -> Advice:
    """Return the advice with the address to open, and whether the tile at the IdP works too."""
    tile = (
        "The tile of the app at the identity provider works too."
        if saml.idp_initiated
        else "The tile of the app at the identity provider is refused, because sign-ins must start at this address."
    )
    return replace(
        advice, do="Ask one person to open this address.", check=f"{advice.check} {tile}", address=_login_url(saml)
    )


def _values_proven(answered: datetime | None, saml: SamlSettings | None) -> tuple[str, ...]:
    if answered is not None:
        return ("A SAML response from it arrived here.",)
    return ("The test sign-in will show whether the values are right.",) if saml is not None else ()


def _last_refused(what: str, records: Sequence[SignInRecord]) -> tuple[str, ...]:
    return (f"The last {what} was refused: {without_names(records[0])}",) if records else ()


def _trust(saml: SamlSettings | None) -> tuple[str, ...]:
    """Return until when the certificates are valid, and the warnings about them."""
    if saml is None:
        return ()
    return (*_until(saml), *map(str, warnings_of(saml, timezone.now())))


def _until(saml: SamlSettings | None) -> tuple[str, ...]:
    return () if saml is None else (f"Signing certificate valid until {_last_end(saml):%d %b %Y}.",)


def _last_end(saml: SamlSettings) -> datetime:
    return max(end_of(pem) for pem in saml.certificates)


def _login_url(saml: SamlSettings) -> str:
    return saml.sp.acs_url.removesuffix("acs") + "login"


# The words of each vendor's screens, and the expressions of its language for our attributes.
_EXPRESSIONS: Final = {
    Vendor.OKTA: {
        **{one.field: one.okta for one in NAMES},
        "email": "user.email",
        **{one.field: one.okta for one in FOLLOWED},
    },
    Vendor.ENTRA: {
        **{one.field: one.entra for one in NAMES},
        "email": "user.mail",
        **{one.field: one.entra for one in FOLLOWED},
    },
    Vendor.GOOGLE: {
        **{one.field: one.google for one in NAMES},
        "email": "Basic Information > Primary email",
        **{one.field: one.google for one in FOLLOWED},
    },
    Vendor.OTHER: {
        **{one.field: one.label for one in NAMES},
        "email": "email address",
        **{one.field: one.label for one in FOLLOWED},
    },
}
_REQUIRED: Final = (*(name.field for name in NAMES), "email")

_UID: Final[Mapping[tuple[Vendor, str], str]] = {
    (Vendor.OKTA, "name"): 'user.firstName + "." + user.lastName',
    (Vendor.OKTA, "email"): "user.email",
    (Vendor.OKTA, "other"): "user.employeeNumber",
    (Vendor.ENTRA, "name"): 'Join(user.givenname, ".", user.surname)',
    (Vendor.ENTRA, "email"): "user.mail",
    (Vendor.ENTRA, "other"): "user.employeeid",
    (Vendor.GOOGLE, "name"): "a custom attribute that contains firstName.lastName",
    (Vendor.GOOGLE, "email"): "Basic Information > Primary email",
    (Vendor.GOOGLE, "other"): "Employee Details > Employee ID",
    (Vendor.OTHER, "name"): "first name, a dot, last name",
    (Vendor.OTHER, "email"): "email address",
    (Vendor.OTHER, "other"): "the stable, unique value, such as the employee number",
}


def screens(connection: "Connection", vendor: Vendor) -> Iterator[Screen]:
    """Yield the screens of the SAML app at this vendor. One statement."""
    found = getattr(connection, "saml", None)
    saml = found or new_settings(connection)
    app, attributes = _DRAWINGS.get(vendor, (None, None))
    yield replace(_app_screen(saml, vendor), drawing=app)
    yield replace(_attribute_screen(saml, vendor), drawing=attributes)


_OKTA_WIZARD: Final = ("1 General Settings", "2 Configure SAML", "3 Feedback")
_ENTRA_APP: Final = ("Overview", "Properties", "Users and groups", "Single sign-on", "Provisioning")
_DRAWINGS: Final[Mapping[Vendor, tuple[Drawing, Drawing]]] = {
    Vendor.OKTA: (
        Drawing(_OKTA_WIZARD, "2 Configure SAML"),
        Drawing(_OKTA_WIZARD, "2 Configure SAML", columns=("Name", "Value")),
    ),
    Vendor.ENTRA: (
        Drawing(_ENTRA_APP, "Single sign-on", at_the_side=True),
        Drawing(_ENTRA_APP, "Single sign-on", at_the_side=True, columns=("Claim name", "Source attribute")),
    ),
}
"""Where the values of the app go, and those of its attributes."""


def _app_screen(saml: SamlSettings, vendor: Vendor) -> Screen:
    sp = saml.sp
    login = _login_url(saml)
    signing = _signing(Signed(saml.signed), vendor)
    match vendor:
        case Vendor.OKTA:
            return Screen(
                "SAML app: Configure SAML",
                "Applications, Create App Integration, SAML 2.0",
                (
                    Value(
                        "acs_url",
                        "Single sign-on URL",
                        sp.acs_url,
                        'Tick "Use this for Recipient URL and Destination URL".',
                    ),
                    Value("entity_id", "Audience URI (SP Entity ID)", sp.entity_id),
                    Value("relay_state", "Default RelayState", "", "Leave it empty.", required=False, copied=False),
                    Value("name_id_format", "Name ID format", "Unspecified", copied=False),
                    Value(
                        "name_id",
                        "Application username",
                        "Okta username",
                        "The same value that SCIM sends as userName.",
                        copied=False,
                    ),
                    Value(
                        "signing",
                        "Response, Assertion Signature",
                        signing,
                        "Under Show Advanced Settings.",
                        copied=False,
                    ),
                    Value(
                        "algorithms",
                        "Signature and digest algorithm",
                        "RSA-SHA256, SHA256",
                        "The defaults.",
                        copied=False,
                    ),
                ),
            )
        case Vendor.ENTRA:
            return Screen(
                "Single sign-on: Basic SAML Configuration",
                "Enterprise applications, New application, Create your own application; then Single sign-on, SAML",
                (
                    Value("entity_id", "Identifier (Entity ID)", sp.entity_id),
                    Value("acs_url", "Reply URL (Assertion Consumer Service URL)", sp.acs_url),
                    Value("login_url", "Sign on URL", login),
                    Value("logout_url", "Logout URL", sp.slo_url, required=False),
                    Value(
                        "name_id",
                        "Unique User Identifier (Name ID)",
                        "user.userprincipalname",
                        "The same value that SCIM sends as userName.",
                        copied=False,
                    ),
                    Value("signing", "Signing Option", signing, "Under SAML Certificates, Edit.", copied=False),
                    Value("algorithms", "Signing Algorithm", "SHA-256", "The default.", copied=False),
                ),
            )
        case Vendor.GOOGLE:
            return Screen(
                "Service provider details",
                "Apps, Web and mobile apps, Add app, Add custom SAML app",
                (
                    Value("acs_url", "ACS URL", sp.acs_url),
                    Value("entity_id", "Entity ID", sp.entity_id),
                    Value("login_url", "Start URL", login, "Optional: the page where people start.", required=False),
                    Value("signing", "Signed response", signing, copied=False),
                    Value("name_id_format", "Name ID format", "UNSPECIFIED", copied=False),
                    Value("name_id", "Name ID", "Basic Information > Primary email", copied=False),
                ),
            )
        case _:
            return Screen(
                "SAML service provider",
                "The identity provider can read all of this from our metadata",
                (
                    Value("metadata_url", "Metadata of the service provider", sp.entity_id),
                    Value("acs_url", "Assertion Consumer Service URL (binding HTTP-POST)", sp.acs_url),
                    Value("entity_id", "Entity ID, Audience", sp.entity_id),
                    Value("login_url", "Sign-in page", login, required=False),
                    Value("logout_url", "Single Logout URL", sp.slo_url, required=False),
                    Value("name_id", "NameID", "the userName that SCIM sends", copied=False),
                    Value("signing", "Signature", signing, copied=False),
                ),
            )


def _attribute_screen(saml: SamlSettings, vendor: Vendor) -> Screen:
    title, way = {
        Vendor.OKTA: ("SAML app: Attribute Statements", 'On the same page; name format "Unspecified"'),
        Vendor.ENTRA: ("Attributes & Claims", "Add new claim for each, with an empty namespace"),
        Vendor.GOOGLE: ("Attribute mapping", "Google Directory attribute on the left, our name on the right"),
        Vendor.OTHER: ("Attributes of the assertion", "Use exactly these names"),
    }[vendor]
    connection, expressions = saml.connection, _EXPRESSIONS[vendor]
    values = [
        Value(
            "attribute_uid",
            connection.uid_attribute,
            _UID[vendor, connection.uid_rule],
            "Identifies the person.",
        )
    ]
    for name, expression in expressions.items():
        called = getattr(saml, f"{name}_attribute")
        if called and expression:
            values.append(Value(f"attribute_{name}", called, expression, required=name in _REQUIRED))
    if connection.takes_sso_groups and saml.groups_attribute:
        values.append(_groups(saml, vendor))
    return Screen(title, way, tuple(values))


def _groups(saml: SamlSettings, vendor: Vendor) -> Value:
    value, where = {
        Vendor.OKTA: (
            "Matches regex .*",
            "A group attribute statement. Narrow the filter to the groups that give roles.",
        ),
        Vendor.ENTRA: (
            "Groups assigned to the application",
            "Add a group claim, with this name under Advanced options.",
        ),
        Vendor.GOOGLE: ("the groups that give roles", "Under Group membership; up to 75 groups."),
        Vendor.OTHER: ("the names of the person's groups", "One value for each group."),
    }[vendor]
    return Value("attribute_groups", saml.groups_attribute, value, where, copied=False)


def _signing(signed: Signed, vendor: Vendor) -> str:
    """Return what the IdP must sign, in the words of its screen."""
    both, response, assertion = {
        Vendor.OKTA: ("Signed, both", "Signed, Unsigned", "Unsigned, Signed"),
        Vendor.ENTRA: ("Sign SAML response and assertion", "Sign SAML response", "Sign SAML assertion"),
        Vendor.GOOGLE: (
            "Google signs one part only: first choose the Assertion in the SAML settings here",
            "ticked",
            "not ticked",
        ),
        Vendor.OTHER: ("response and assertion", "response", "assertion"),
    }[vendor]
    return {Signed.BOTH: both, Signed.RESPONSE: response, Signed.ASSERTION: assertion}.get(signed, both)

"""The SCIM steps of a connection's set-up, and the provisioning screens of the IdPs that we know (R37)."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from core_identity.selectors.newest import newest_of
from core_identity.selectors.set_up import first_pushed
from core_identity.set_up import CustomerStep, Screen, Step, Value, Vendor
from core_identity.sketches import Drawing
from scim.connections import urls
from scim.last_calls import last_call
from scim.models import BearerToken, OAuthClient, ProvisioningRecord
from scim.set_up_advice import ADVICE
from scim.wire.urns import ENTERPRISE_USER

if TYPE_CHECKING:
    from core_identity.models import Connection

_GOOD: Final = 300
"""Statuses below this one are successes."""
STEP: Final = "provisioning"
"""The step that shows the screens."""
USED_BY: Final = "test_call"
_LATELY: Final = 200
"""Calls that are searched for a success."""


def steps(connection: "Connection", vendor: Vendor) -> Iterator[Step]:
    """Yield the steps that scim can tick. Three statements at most.

    The credentials note each request with a valid token, so the ticks stay when the log is emptied, or is off.
    """
    advice, is_optional = ADVICE[vendor], vendor is Vendor.GOOGLE  # which pushes to apps of its catalogue only
    client = getattr(connection, "oauth_client", None)
    tokens = list(BearerToken.objects.filter(connection=connection).order_by("-id"))  # few, with all that ended
    token = next((token for token in tokens if token.revoked_at is None), None)
    calls = newest_of(ProvisioningRecord.objects.filter(connection_id=connection.pk), connection_slug=connection.slug)
    # A call that failed proves no connection; the newest calls are enough to find one that did not.
    lately = list(calls[:_LATELY])
    newest, good = next(iter(lately), None), next((call for call in lately if call.status < _GOOD), None)
    if good is not None:
        used_at: datetime | None = good.at
    else:
        # An emptied log contains no answer. Then a valid token is proof enough, and so is a pushed person, whatever failed since.
        worked_before = not lately or first_pushed(connection) is not None
        used_at = last_call(client, tokens) if worked_before else None
    has_credential = client is not None or token is not None
    page, page_title = _page(client, vendor, has_credential=has_credential)
    yield Step(
        6,
        STEP,
        "Provisioning prepared",
        done=has_credential,
        facts=_credentials(client, token),
        advice=advice[STEP],
        page=page,
        page_title=page_title,
        for_customer=CustomerStep(
            "Switch on provisioning",
            facts=("There is a credential. Its secret was shown once.",) if has_credential else (),
            act="portal-credentials",
            act_title="Create a token" if has_credential else "Create the client or token",
        ),
        is_optional=is_optional,
    )
    consented = client is not None and client.consented_at is not None
    settled = consented or used_at is not None or (token is not None and client is None)  # a token needs no consent
    yield Step(
        7,
        "consent",
        "Consent given",
        done=settled,
        facts=_consent(client, token),
        advice=advice["consent"],
        here="Only a superuser can consent, or the customer's administrator by a set-up link.",
        page="" if settled else "setup-link",
        page_title="Let the customer consent",
        seen_at=client.consented_at if client is not None else None,
        for_customer=CustomerStep(
            "Give your consent",
            facts=("With a token no consent is needed.",) if token is not None and not consented else (),
        ),
        is_optional=is_optional,
    )
    yield Step(
        8,
        USED_BY,
        "The identity provider tested the connection",
        done=used_at is not None,
        facts=_call(newest, good, used_at),
        advice=advice[USED_BY],
        here="The provisioning log shows each request with its answer.",
        seen_at=used_at,
        for_customer=CustomerStep("Test the connection", facts=_call(newest, good, used_at)),
        is_optional=is_optional,
    )


def _page(client: OAuthClient | None, vendor: Vendor, *, has_credential: bool) -> tuple[str, str]:
    """Return the page of the administration that does the step, and the words of its link."""
    if client is not None and _cannot_ask(client):
        return "redirects", "Add Okta's redirect URI"
    if has_credential:
        return "credentials", "Secrets and tokens"
    return ("oauth", "Create the OAuth client") if vendor is Vendor.OKTA else ("token", "Create the token")


def _cannot_ask(client: OAuthClient) -> bool:
    return bool(client.allows_authorization_code) and not client.redirect_uris.split()


def _credentials(client: OAuthClient | None, token: BearerToken | None) -> tuple[str, ...]:
    facts = []
    if client is not None:
        uris = len(client.redirect_uris.split())
        facts.append(f"The OAuth client has {uris} redirect URI{'' if uris == 1 else 's'}.")
        if _cannot_ask(client):
            facts.append("Okta cannot ask for consent before its redirect URI is added.")
    if token is not None:
        facts.append(f"The token {token.name} is {token.state}.")
    return tuple(facts)


def _consent(client: OAuthClient | None, token: BearerToken | None) -> tuple[str, ...]:
    if client is not None and client.consented_at is not None:
        return (f"Consent was given by {client.consented_as}.",)
    return ("A long-lived token needs no consent.",) if token is not None else ()


def _call(
    newest: ProvisioningRecord | None, good: ProvisioningRecord | None, used_at: datetime | None
) -> tuple[str, ...]:
    if good is not None and (good.method, good.resource_type, good.resource_id) == ("GET", "Users", None):
        return ("It looked for people, as Okta and Entra do to test a connection.",)
    if newest is None and used_at is not None:
        return ("A request with a valid token arrived. The log no longer contains its answer.",)
    if newest is None or good is not None:
        return ()
    return (f"The last request was {newest.method} {newest.resource_type} and was answered with {newest.status}.",)


_OKTA_APP: Final = ("General", "Sign On", "Provisioning", "Assignments", "Push Groups")
_ENTRA_APP: Final = ("Overview", "Properties", "Users and groups", "Single sign-on", "Provisioning")


def screens(connection: "Connection", vendor: Vendor) -> Iterator[Screen]:
    """Yield the provisioning screens at this vendor. One statement."""
    known = urls(connection)
    uid = f"{ENTERPRISE_USER}:{connection.uid_attribute}"
    match vendor:
        case Vendor.OKTA:
            yield Screen(
                "Provisioning: Integration",
                "General, App Settings, Edit, Provisioning: SCIM; then the tab Provisioning",
                (
                    Value("scim_base_url", "SCIM connector base URL", known["scim_base_url"]),
                    Value("unique_field", "Unique identifier field for users", "userName"),
                    Value(
                        "actions",
                        "Supported provisioning actions",
                        "Import New Users and Profile Updates, Push New Users, Push Profile Updates, Push Groups",
                        "Leave Import Groups unticked.",
                        copied=False,
                    ),
                    Value("mode", "Authentication Mode", "OAuth 2", copied=False),
                    Value("token_url", "Access token endpoint URI", known["token_url"]),
                    Value(
                        "authorize_url", "Authorization endpoint URI", f"{known['authorize_url']}?scope=offline_access"
                    ),
                    Value(
                        "client_id",
                        "Client ID",
                        known["client_id"] or "",
                        "" if known["client_id"] else "Create the OAuth client first.",
                    ),
                    Value("client_secret", "Client Secret", "shown once, when it is created", copied=False),
                ),
                step=STEP,
                used_by=USED_BY,
                drawing=Drawing(_OKTA_APP, "Provisioning"),
            )
            yield Screen(
                "Profile Editor: Add Attribute",
                "Provisioning, To App, Go to Profile Editor, Add Attribute; then map it under Provisioning, To App",
                (
                    Value("uid_names", "Display name, variable name, external name", connection.uid_attribute),
                    Value("uid_namespace", "External namespace", ENTERPRISE_USER),
                    Value("uid_scope", "Attribute type", "Personal", copied=False),
                ),
                step=STEP,
                used_by=USED_BY,
                drawing=Drawing(("Users", "Profile Editor", "Add Attribute"), "Add Attribute"),
            )
        case Vendor.ENTRA:
            yield Screen(
                "Provisioning: Admin Credentials",
                "Provisioning, Get started, Automatic",
                (
                    Value("scim_base_url", "Tenant URL", known["scim_base_url"]),
                    Value("token", "Secret Token", "the long-lived token, shown once when it is created", copied=False),
                ),
                step=STEP,
                used_by=USED_BY,
                drawing=Drawing(_ENTRA_APP, "Provisioning", at_the_side=True),
            )
            yield Screen(
                "Mappings: Provision Microsoft Entra ID Users",
                "Show advanced options, Edit attribute list: add the UID; then Add New Mapping",
                (
                    Value("uid_path", "Target attribute", uid, "Map it to the value that SAML sends as UID."),
                    Value(
                        "user_name", "userName", "userPrincipalName", "The same value as the SAML NameID.", copied=False
                    ),
                    Value(
                        "external_id",
                        "externalId",
                        "objectId",
                        "It never changes. The default, mailNickname, can change.",
                        copied=False,
                    ),
                ),
                step=STEP,
                used_by=USED_BY,
                drawing=Drawing(_ENTRA_APP, "Provisioning", at_the_side=True, columns=("Target attribute", "Source")),
            )
        case Vendor.GOOGLE:
            yield Screen(
                "Provisioning",
                "Google offers SCIM for apps of its catalogue only. People are created at their first sign-in instead.",
                step=STEP,
                used_by=USED_BY,
            )
        case _:
            yield Screen(
                "SCIM 2.0 client",
                "Some call it provisioning, or directory sync",
                (
                    Value("scim_base_url", "Base URL", known["scim_base_url"]),
                    Value("unique_field", "Unique field of a user", "userName"),
                    Value(
                        "token_url",
                        "OAuth 2 token URL",
                        known["token_url"],
                        "Grant: client credentials or authorization code.",
                    ),
                    Value("authorize_url", "OAuth 2 authorization URL", known["authorize_url"], required=False),
                    Value(
                        "client_id",
                        "Client ID",
                        known["client_id"] or "",
                        "Or use a long-lived token as Bearer.",
                        required=False,
                    ),
                    Value("uid_path", "Attribute of the UID", uid),
                ),
                step=STEP,
                used_by=USED_BY,
            )

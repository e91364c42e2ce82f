"""The pages of a connection, in five tabs: what each page is for, and who may open it (R37)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest
from django.urls import reverse

from core_identity.brand import BRAND
from core_identity.models import Connection

if TYPE_CHECKING:
    from core_identity.admin.connections import ConnectionAdmin


@dataclass(frozen=True, slots=True)
class Page:
    """``name`` is that of the declared page, or ``change``. ``purpose`` is one sentence about what it does.

    A page that is not ``listed`` belongs to its tab, and a button of another page leads to it.
    """

    name: str
    title: str
    purpose: str
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    pages: tuple[Page, ...]


TABS: Final = (
    Tab(
        "Set-up",
        (
            Page("overview", "Set-up", "The steps in order, and the values for the identity provider."),
            Page(
                "setup-link",
                "Set-up link",
                "Lets the customer's IT administrator do these steps without an account here.",
                listed=False,
            ),
        ),
    ),
    Tab(
        "SAML",
        (
            Page(
                "saml",
                "Settings",
                f"Signatures that {BRAND} requires, names of attributes, and where a sign-in may start.",
            ),
            Page("metadata", "Metadata of the identity provider", f"Addresses and certificates that {BRAND} trusts."),
            Page(
                "locked-out",
                "Who is locked out",
                "People who cannot sign in while the certificate of the identity provider is not known.",
            ),
            Page("keys", "Our SAML keys", "Needed for encrypted assertions, signed requests and logout."),
            Page("domains", "Email domains", "Addresses that lead from the sign-in page to this connection."),
            Page(
                "test",
                "Test sign-in",
                "Goes through every check at the identity provider and here, and changes nothing.",
            ),
        ),
    ),
    Tab(
        "Provisioning",
        (
            Page("credentials", "Secrets and tokens", "Client secrets and long-lived tokens: create, list, revoke."),
            Page("oauth", "OAuth client", "Lets the identity provider ask for consent and tokens."),
            Page("redirects", "Redirect URIs of Okta", "Computed from the address of the app in Okta."),
        ),
    ),
    Tab(
        "People and groups",
        (
            Page("groups", "Groups", "Groups that give a role, and groups that give none yet."),
            Page(
                "roles",
                "Roles of its groups",
                "The roles that groups may give. Everybody who can create or rename groups at the identity provider can give them.",
            ),
            Page("drift", "Drift", "Values of the identity provider that differ from those here."),
            Page(
                "mismatches",
                "People known twice",
                "People who probably have two users, because SAML and SCIM send different UIDs.",
            ),
        ),
    ),
    Tab(
        "Safety",
        (
            Page(
                "change",
                "Name and UID rule",
                "The value that identifies people, and the effects of a sign-in or a push.",
            ),
            Page("external-id", "May the externalId change?", "Only for identity providers that change it."),
            Page("rekey", "Re-key", "Lets one of the three keys of each person change, for a limited time."),
            Page("succeed", "Successor", "Moves the people to another connection."),
            Page("limits", "Limits", "The number of deactivations, requests and sign-ins that is too many."),
            Page("switch", "Switch on or off", "Stops all sign-ins and pushes. People stay."),
        ),
    ),
)


FOLLOWS: Final = {
    "group": "groups",
    "key": "keys",
    "proposed-metadata": "metadata",
    "proposed-token": "credentials",
    "revoke": "credentials",
    "secret": "credentials",
    "tested": "test",
    "token": "credentials",
}
"""The pages that only a page of a tab leads to, each with that page."""


def tabs_for(admin: "ConnectionAdmin", request: HttpRequest, connection: Connection) -> list[dict[str, Any]]:
    """Return the tabs with the pages that this administrator may open; the current page and tab are marked."""
    match = request.resolver_match
    current = (match.url_name or "").removeprefix("core_identity_connection_") if match else ""
    declared = {page.name: page for page in admin.pages}
    tabs = []
    for tab in TABS:
        pages = [
            {
                "name": page.name,
                "title": page.title,
                "purpose": page.purpose,
                "url": reverse(f"admin:core_identity_connection_{page.name}", args=[connection.pk]),
                "is_current": page.name == current,
                "is_listed": page.listed,
            }
            for page in tab.pages
            if page.name == "change" or _may_open(declared.get(page.name), admin, request, connection)
        ]
        if pages:
            is_current = any(page["is_current"] or page["name"] == FOLLOWS.get(current) for page in pages)
            listed = [page for page in pages if page["is_listed"]]
            tabs.append(
                {
                    "title": tab.title,
                    "url": pages[0]["url"],
                    "pages": pages,
                    "listed": listed if len(listed) > 1 else [],
                    "is_current": is_current,
                }
            )
    return tabs


def address_of(admin: "ConnectionAdmin", request: HttpRequest, connection: Connection, name: str) -> str:
    """Return the address of a page of a connection, or an empty text if this administrator may not open it now."""
    declared = {page.name: page for page in admin.pages}
    if name == "change" or _may_open(declared.get(name), admin, request, connection):
        return reverse(f"admin:core_identity_connection_{name}", args=[connection.pk])
    return ""


def _may_open(page: Any, admin: "ConnectionAdmin", request: HttpRequest, connection: Connection) -> bool:
    return page is not None and bool(page.is_open_to(admin, request, connection))

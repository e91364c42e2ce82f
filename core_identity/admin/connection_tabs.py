"""The pages of a connection, in five tabs: what each page is for, and who may open it (R37)."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from core_identity.models import Connection


class For(Enum):
    """Who may open a page: who may see the connection, who may see people too, who may change it, or superusers only."""

    VIEWERS = auto()
    PEOPLE = auto()
    EDITORS = auto()
    SUPERUSERS = auto()


@dataclass(frozen=True, slots=True)
class Page:
    """``name`` is the last part of the name of the address. ``purpose`` is one sentence about what it does."""

    name: str
    title: str
    purpose: str
    readers: For = For.EDITORS


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    pages: tuple[Page, ...]


TABS: Final = (
    Tab(
        "Set-up",
        (Page("overview", "Set-up", "The steps in order, and the values for the identity provider.", For.VIEWERS),),
    ),
    Tab(
        "SAML",
        (
            Page(
                "saml",
                "Settings",
                "Signatures that CORE demands, names of attributes, and where a sign-in may start.",
            ),
            Page("metadata", "Metadata of the IdP", "Addresses and certificates that CORE trusts.", For.SUPERUSERS),
            Page("keys", "Our keys", "Needed for encrypted assertions, signed requests and logout.", For.SUPERUSERS),
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
            Page("credentials", "Secrets and tokens", "Client secrets and long-lived tokens: make, change, revoke."),
            Page("oauth", "OAuth client", "Lets the identity provider ask for consent and tokens."),
            Page("redirects", "Redirect URIs of Okta", "Computed from the address of the app in Okta.", For.SUPERUSERS),
            Page(
                "contact",
                "Link for the set-up contact",
                "Lets the customer's administrator give consent.",
                For.SUPERUSERS,
            ),
        ),
    ),
    Tab(
        "People and groups",
        (
            Page("groups", "Groups", "Groups that wait for a role, and groups that give one.", For.VIEWERS),
            Page(
                "roles",
                "Roles of its groups",
                "The roles that groups may give. Everybody who can name groups at the identity provider can give these roles.",
            ),
            Page("drift", "Drift", "Values of the identity provider that differ from those here.", For.PEOPLE),
            Page(
                "mismatches",
                "People known twice",
                "People who probably have two users, because SAML and SCIM send different UIDs.",
                For.PEOPLE,
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
                For.VIEWERS,
            ),
            Page("external-id", "May the externalId change?", "Only for identity providers that change it."),
            Page(
                "rekey",
                "Re-key",
                "Lets one of the three keys of each person change, for a limited time.",
                For.SUPERUSERS,
            ),
            Page("succeed", "Successor", "Moves the people to another connection.", For.SUPERUSERS),
            Page("switch", "Switch on or off", "Stops all sign-ins and pushes. People stay."),
        ),
    ),
)


def tabs_for(
    request: HttpRequest, connection: Connection, *, may_change: bool, closed: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the tabs with the pages that this administrator may open, without those in ``closed``; the current page and tab are marked."""
    match = request.resolver_match
    current = (match.url_name or "").removeprefix("core_identity_connection_") if match else ""
    allowed = readers_of(request, may_change=may_change)
    tabs = []
    for tab in TABS:
        pages = [
            {
                "title": page.title,
                "purpose": page.purpose,
                "url": reverse(f"admin:core_identity_connection_{page.name}", args=[connection.pk]),
                "is_current": page.name == current,
            }
            for page in tab.pages
            if page.readers in allowed and page.name not in closed
        ]
        if pages:
            is_current = any(page["is_current"] for page in pages)
            tabs.append({"title": tab.title, "url": pages[0]["url"], "pages": pages, "is_current": is_current})
    return tabs


def readers_of(request: HttpRequest, *, may_change: bool) -> set[For]:
    allowed = {For.VIEWERS}
    if request.user.has_perm("core_identity.view_user") or request.user.has_perm("core_identity.change_user"):
        allowed.add(For.PEOPLE)
    if may_change:
        allowed.add(For.EDITORS)
        if request.user.is_superuser:
            allowed.add(For.SUPERUSERS)
    return allowed

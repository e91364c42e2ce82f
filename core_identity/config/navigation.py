"""The navigation of the administration: by task, with counts, and only what its reader may open."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl, urlsplit

from django.apps import apps
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from core_identity.admin_kit.pages import ListPage
from core_identity.selectors.attention import attention_counts
from core_identity.templatetags.core_pages import bounded

if TYPE_CHECKING:
    from core_identity.models import User


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the navigation: ``page`` is the name of its address, ``model`` whose permission opens it, ``counts`` what waits there."""

    label: str
    page: str
    model: str = ""
    query: str = ""
    counts: str = ""
    trouble: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as shown: ``count`` is empty where nothing waits."""

    label: str
    url: str
    count: str = ""
    tone: str = "attention"
    current: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    links: Sequence[Link]


PASSWORD_PAGE: Final = "password_change"  # noqa: S105 - a page
"""For administrators who have a password. Others sign in through a connection."""

SECTIONS: Final[Sequence[tuple[str, Sequence[Entry]]]] = (
    ("", (Entry("Home", "index"),)),
    ("People", (
        Entry("Users", "core_identity_user_changelist", "core_identity.User"),
        Entry("Roles", "core_identity_role_changelist", "core_identity.Role"),
        Entry("Groups", "core_identity_connection_waiting-groups", "core_identity.Connection", counts="groups"),
    )),
    ("Connections", (
        Entry("Connections", "core_identity_connection_changelist", "core_identity.Connection"),
        Entry("Customers", "core_identity_customer_changelist", "core_identity.Customer"),
    )),
    ("Needs attention", (
        Entry("Conflicts", "core_identity_conflict_changelist", "core_identity.Conflict", counts="conflicts", trouble=True),
        Entry("Reactivation requests", "core_identity_user_reactivations", "core_identity.User", counts="reactivations"),
        Entry("Drift", "core_identity_user_all-drift", "core_identity.User", counts="drift"),
        Entry("Set-ups by customers", "core_identity_connection_set-ups", "core_identity.Connection", counts="set_ups"),
        Entry("Connections to look at", "core_identity_connection_need-a-look", "core_identity.Connection"),
        Entry("People known twice", "core_identity_user_mismatches", "core_identity.User"),
        Entry("Refused people", "core_identity_user_refused", "core_identity.User"),
    )),
    ("Logs", (
        Entry("Sign-ins", "sso_signinrecord_changelist", "sso.SignInRecord"),
        Entry("Provisioning", "scim_provisioningrecord_changelist", "scim.ProvisioningRecord"),
        Entry("Events", "core_identity_event_changelist", "core_identity.Event"),
    )),
    ("Settings", (
        Entry("Administrators", "core_identity_user_changelist", "core_identity.User", "is_staff__exact=1"),
        Entry("Your password", PASSWORD_PAGE),
    )),
)  # fmt: skip


def navigation(request: HttpRequest, site: AdminSite) -> tuple[list[Section], Mapping[str, int]]:
    """Return the sections with the links that this administrator may follow, and the counts. One statement at most, for all counts together."""
    allowed = [
        (heading, [entry for entry in entries if may_open(request, site, entry)]) for heading, entries in SECTIONS
    ]
    counts = attention_counts({entry.counts for _, entries in allowed for entry in entries if entry.counts})
    sections = [Section(heading, list(_links(site, entries, counts))) for heading, entries in allowed]
    return _with_current(request, [section for section in sections if section.links]), counts


def may_open(request: HttpRequest, site: AdminSite, entry: Entry) -> bool:
    """Ask the page itself, so the navigation and the page never disagree."""
    if not entry.model:
        return entry.page != PASSWORD_PAGE or cast("User", request.user).has_usable_password()
    model = apps.get_model(entry.model)
    if not site.is_registered(model):
        return False
    admin = site.get_model_admin(model)
    for page in getattr(admin, "pages", ()):
        if issubclass(page, ListPage) and entry.page == f"{model._meta.app_label}_{model._meta.model_name}_{page.name}":
            return bool(page.is_open_to(admin, request))
    return admin.has_view_or_change_permission(request)


def _links(site: AdminSite, entries: Sequence[Entry], counts: Mapping[str, int]) -> Iterator[Link]:
    for entry in entries:
        try:
            url = reverse(f"{site.name}:{entry.page}")
        except NoReverseMatch:
            continue  # this installation has no such page
        count = counts.get(entry.counts, 0)
        words = bounded(count) if count else ""
        tone = "trouble" if entry.trouble else "attention"
        yield Link(entry.label, f"{url}?{entry.query}" if entry.query else url, words, tone)


def _with_current(request: HttpRequest, sections: Sequence[Section]) -> list[Section]:
    """Mark the one link to the present page: the one with the longest path, and of these the one with its query."""
    ranked = [(_rank(request, link), link) for section in sections for link in section.links]
    best, here = max(ranked, key=lambda one: one[0], default=((0, 0), None))
    if here is None or best == (0, 0):
        return list(sections)
    return [
        replace(section, links=[replace(link, current=link is here) for link in section.links]) for section in sections
    ]


def _rank(request: HttpRequest, link: Link) -> tuple[int, int]:
    parts = urlsplit(link.url)
    parameters = {name: request.GET.get(name) for name, _ in parse_qsl(parts.query)}
    if parameters != dict(parse_qsl(parts.query)) or not request.path.startswith(parts.path):
        return (0, 0)
    if request.path != parts.path and (parts.query or link.label == "Home"):
        return (0, 0)
    return (len(parts.path), len(parameters))

"""The navigation: by task, with counts, and nothing that its reader may not open."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection as database
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core_identity.config.navigation import Link, navigation
from core_identity.models import Conflict, Connection, Identity, PushGroup, User
from core_identity.selectors.attention import attention_counts
from core_identity.templatetags.core_pages import ago, relative_time
from tests.admin.conftest import browser_of, put, staff
from tests.support.cast import JANE


def links(user: User, path: str = "/admin/", **query: str) -> list[Link]:
    request = RequestFactory().get(path, query)
    request.user = user
    return [link for section in navigation(request, admin.site)[0] for link in section.links]


def labels(user: User) -> list[str]:
    return [link.label for link in links(user)]


def wait_for_a_role(connection: Connection, count: int) -> None:
    PushGroup.objects.bulk_create(
        PushGroup(connection=connection, display_name=f"Team {n}", name_key=f"team {n}") for n in range(count)
    )


def test_a_superuser_sees_every_task(root: User) -> None:
    known = labels(root)
    assert known[0] == "Home"
    assert {
        "Users",
        "Roles",
        "Groups",
        "Drift",
        "Connections",
        "Customers",
        "Conflicts",
        "Reactivation requests",
    } <= set(known)
    assert {"Sign-ins", "Provisioning", "Events", "Administrators"} <= set(known)


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ("view_event", ["Home", "Events"]),
        ("view_role", ["Home", "Roles", "Groups"]),
        ("change_conflict", ["Home", "Conflicts"]),
        ("view_user", ["Home", "Users", "Reactivation requests", "Drift", "People known twice", "Administrators"]),
    ],
)
def test_only_what_may_be_opened_is_shown(permission: str, expected: list[str], db: None) -> None:
    user = staff("few", permission)
    assert labels(user) == expected
    browser = browser_of(user)
    assert {browser.get(link.url).status_code for link in links(user)} == {200}


def test_only_an_administrator_with_a_password_is_led_to_its_page(root: User) -> None:
    assert "Your password" not in labels(root)
    root.set_password("a long and quiet river")
    assert links(root)[-1].url == "/admin/password_change/"


def test_without_a_session_there_is_no_navigation(db: None) -> None:
    page = Client(headers={"host": "localhost"}).get("/admin/login/").content.decode()
    assert "core-nav" not in page
    assert "core-search" not in page


def test_the_counts_are_one_statement_however_much_waits(acme: Connection, jane: Identity, root: User) -> None:
    def cost() -> tuple[int, dict[str, str]]:
        with CaptureQueriesContext(database) as queries:
            shown = {link.label: link.count for link in links(root) if link.count}
        return len(queries), shown

    assert cost() == (1, {})
    put(jane, replace(JANE, active=False))
    put(jane, JANE)
    wait_for_a_role(acme, 120)
    now = timezone.now()
    Conflict.objects.bulk_create(
        Conflict(connection=acme, cause="email", cause_key=str(n), channel="scim", other=jane.user, first_at=now, last_at=now)
        for n in range(99)
    )  # fmt: skip
    queries, shown = cost()
    assert (queries, shown["Conflicts"], shown["Reactivation requests"]) == (1, "99", "1")
    assert attention_counts(["groups"]) == {"groups": 100}
    assert attention_counts([]) == {}


@pytest.mark.parametrize(
    ("path", "query", "current"),
    [
        ("/admin/", {}, "Home"),
        ("/admin/core_identity/user/", {}, "Users"),
        ("/admin/core_identity/user/reactivations/", {}, "Reactivation requests"),
        ("/admin/core_identity/user/", {"is_staff__exact": "1", "q": "jane"}, "Administrators"),
        ("/admin/core_identity/user/all-drift/", {"kind": "email"}, "Drift"),
        ("/admin/core_identity/connection/waiting-groups/", {}, "Groups"),
        ("/admin/core_identity/user/", {"status": "expired"}, "Users"),
        ("/admin/core_identity/user/00000000-0000-4000-8000-000000000000/change/", {}, "Users"),
        ("/admin/core_identity/conflict/", {}, "Conflicts"),
        ("/admin/password_change/", {}, None),
    ],
)
def test_the_entry_of_this_page_is_marked(path: str, query: dict[str, str], current: str | None, root: User) -> None:
    assert [link.label for link in links(root, path, **query) if link.current] == ([current] if current else [])


def test_each_page_has_the_search_box_and_one_marked_entry(as_root: Client, jane: Identity) -> None:
    for path in ("/admin/", "/admin/core_identity/user/", f"/admin/core_identity/user/{jane.user_id}/change/"):
        page = as_root.get(path).content.decode()
        assert page.count('action="/admin/search/"') == 1
        assert page.count('aria-current="page"') == 1


def test_a_page_begins_with_its_subject(as_root: Client, jane: Identity) -> None:
    page = as_root.get(f"/admin/core_identity/user/{jane.user_id}/change/").content.decode()
    assert "<h1>Jane Doe</h1>" in page
    assert "<h1>Users</h1>" in as_root.get("/admin/core_identity/user/").content.decode()


def test_each_cell_of_a_list_knows_its_column_and_stays_escaped(as_root: Client, jane: Identity) -> None:
    User.objects.filter(pk=jane.user_id).update(first_name="<b onx=1>", email='"><i>')
    page = as_root.get("/admin/core_identity/user/").content.decode()
    assert re.search(r'<th data-label="Username" class="field-username"', page)
    assert 'data-label="Email"' in page
    assert "<b onx" not in page
    assert "<i>" not in page
    assert 'data-label=""' not in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3 * 60 + 20, "3 minutes ago"),
        (7200, "2 hours ago"),
        (86400, "1 day ago"),
        (29 * 86400, "29 days ago"),
        (-30, "in a moment"),
        (-6 * 86400 - 5, "in 6 days"),
    ],
)
def test_a_time_is_shown_in_everyday_words(seconds: int, words: str) -> None:
    now = timezone.now()
    assert relative_time(now - timedelta(seconds=seconds), now) == words


def test_a_time_long_ago_is_a_date_and_the_exact_time_is_always_there() -> None:
    now = timezone.now().replace(year=2026, month=3, day=4)
    assert relative_time(now - timedelta(days=365), now) == "4 Mar 2025"
    shown = ago(timezone.now() - timedelta(minutes=3))
    assert re.fullmatch(
        r'<time datetime="[^"]+" title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC">3 minutes ago</time>', shown
    )
    assert ago(None) == ""

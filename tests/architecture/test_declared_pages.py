"""Each page of the administration beside Django's own is a declaration: name, title, form, template, who may open it."""

from typing import Any, Final

import pytest
from django.contrib import admin
from django.template.loader import get_template
from django.test import Client
from django.urls import URLPattern, reverse

from core_identity.admin.connection_tabs import TABS
from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import ActForm
from core_identity.admin_kit.pages import Access, AdminPage, ConnectionPage, ListReadPage, ReadPage, RowPage
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from devtools.checkout import this_checkout
from tests.admin.conftest import browser_of, staff
from tests.support.cast import COMMAND, JANE, OKTA, make_connection

DJANGO_S_OWN: Final = {"changelist", "add", "history", "delete", "change", "autocomplete"}

DECLARED: Final[list[tuple[CoreAdmin, type[AdminPage]]]] = [
    (one, page) for one in admin.site._registry.values() if isinstance(one, CoreAdmin) for page in one.pages
]
each_page = pytest.mark.parametrize(
    ("of", "page"), DECLARED, ids=[f"{of.opts.model_name}-{page.name}" for of, page in DECLARED]
)


def views_of(one: Any) -> list[URLPattern]:
    """Return the addresses of a model that are neither Django's nor an export of a log."""
    named = {url.name: url for url in one.get_urls() if isinstance(url, URLPattern) and url.name}
    return [
        url for name, url in named.items() if name.rpartition("_")[2] not in DJANGO_S_OWN and "_export_" not in name
    ]


def test_no_page_is_a_view_written_by_hand() -> None:
    views = [url.callback for one in admin.site._registry.values() for url in views_of(one)]
    assert len(views) == len(DECLARED) > 30
    assert {view.view_class for view in views} == {page for _, page in DECLARED}  # type: ignore[attr-defined]


@each_page
def test_a_declaration_is_complete(of: CoreAdmin, page: type[AdminPage]) -> None:
    assert page.name
    assert getattr(page, "title", "") or page.get_title is not AdminPage.get_title
    assert page.template_name
    get_template(page.template_name)
    if not issubclass(page, ReadPage | ListReadPage):
        assert page.form_class is not None
        assert issubclass(page.form_class, ActForm)


@each_page
def test_the_template_is_in_the_folder_of_the_package(of: CoreAdmin, page: type[AdminPage]) -> None:
    package = page.__module__.partition(".")[0]
    assert page.template_name is not None
    assert page.template_name.startswith(f"admin/{package}/")
    if package != "core_identity":
        assert issubclass(page, ConnectionPage)


@each_page
def test_a_page_writes_by_its_form_and_by_nothing_else(of: CoreAdmin, page: type[AdminPage]) -> None:
    """The test sign-in alone begins without a form: there is nothing to fill in."""
    assert page.post is AdminPage.post or page.__name__ == "BeginTestPage"


@pytest.fixture
def rows(db: None) -> dict[str, Any]:
    connection = make_connection()
    jane = create_person(actor=OKTA, connection=connection, person=JANE).identity
    return {"connection": connection, "user": jane.user, "role": create_role(actor=COMMAND, name="Editors")}


def address(of: CoreAdmin, page: type[AdminPage], rows: dict[str, Any]) -> str:
    model = str(of.opts.model_name)
    found = [rows[model].pk] if issubclass(page, RowPage) else []
    return reverse(f"admin:{of.opts.app_label}_{model}_{page.name}", args=found)


def test_no_page_opens_without_a_permission(rows: dict[str, Any]) -> None:
    stranger, nobody = browser_of(staff("stranger")), Client(headers={"host": "localhost"})
    for of, page in DECLARED:
        where = address(of, page, rows)
        for ask in ("get", "post"):
            assert getattr(stranger, ask)(where).status_code == 403, where
            assert getattr(nobody, ask)(where)["Location"].startswith("/admin/login/"), where


def test_to_see_a_row_is_not_enough_to_change_it(rows: dict[str, Any]) -> None:
    reader = browser_of(staff("reader", "view_connection", "view_user", "view_role", "view_event", "view_conflict"))
    for of, page in DECLARED:
        sees = getattr(page, "access", None) is Access.VIEW and not getattr(page, "permission", "")
        expected = 200 if sees else 403
        assert reader.get(address(of, page, rows)).status_code == expected, page
        assert reader.post(address(of, page, rows), {"reason": "x"}).status_code in {403, 405}, page


def test_pages_for_superusers_open_for_nobody_else(rows: dict[str, Any]) -> None:
    keeper = browser_of(staff("keeper", "change_connection", "change_user", "change_role"))
    of_superusers = [one for one in DECLARED if getattr(one[1], "access", None) is Access.SUPERUSER]
    assert len(of_superusers) > 6
    for of, page in of_superusers:
        assert keeper.get(address(of, page, rows)).status_code == 403, page


def test_each_page_of_a_connection_is_in_a_tab_or_follows_from_another_page() -> None:
    """Nobody would find a page without a link to it."""
    in_tabs = {page.name for tab in TABS for page in tab.pages}
    of_connections = {
        page.name for of, page in DECLARED if of.opts.model_name == "connection" and issubclass(page, RowPage)
    }
    proposed = {
        "proposed-metadata",
        "proposed-token",
    }  # the overview leads to these; tests/portal/test_trust.py follows
    follow = {"burst", "group", "key", "revoke", "secret", "steps", "tested", "token"} | proposed
    assert in_tabs - {"change"} == of_connections - follow
    assert not in_tabs & follow
    pages = {path.read_text() for path in (this_checkout().root / "templates" / "admin").rglob("*.html")}
    for name in follow - {"tested"} - proposed:  # the browser comes back to that one from the identity provider
        assert any(f"core_identity_connection_{name}'" in page for page in pages), name

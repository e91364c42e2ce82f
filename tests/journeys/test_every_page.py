"""Every page of the administration is accessible, writes nothing to the console, and is no longer than five screens, on a desk and on a telephone."""

import re
import secrets
import subprocess
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from django.urls import resolve
from playwright.sync_api import Browser, Page, expect

from tests.architecture.test_urls import ALL
from tests.support.accessibility import (
    DESK,
    Rounds,
    assert_accessible,
    assert_good_for_everybody,
    cut_cells,
    elements_too_wide,
    screens_too_many,
)
from tests.support.service import Service, running_service

pytestmark = pytest.mark.browser
HEIGHT: Final = 900
WIDTHS: Final = (DESK, 390)


@pytest.fixture(scope="module")
def full_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with more rows of each kind than a page shows. It is not the one of other journeys, which would find these rows."""
    with running_service(tmp_path_factory.mktemp("full")) as running:
        command: list[str | Path] = [
            running.checkout.python,
            "-m",
            "benchmarks.population",
            "--people",
            "400",
            "--customers",
            "40",
        ]
        subprocess.run(command, env=running.environment, cwd=running.checkout.root, check=True, capture_output=True)
        yield running


@pytest.fixture
def page(chromium: Browser, full_service: Service) -> Iterator[Page]:
    name = f"chief-{secrets.token_hex(3)}"
    password = full_service.add_administrator(name)
    context = chromium.new_context(base_url=full_service.url)
    page = context.new_page()
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Hello, {name}")
    yield page
    context.close()


def addresses(page: Page, selector: str) -> list[str]:
    return list(dict.fromkeys(str(one.get_attribute("href")) for one in page.locator(selector).all()))


def test_a_field_for_many_connections_is_accessible_also_when_it_is_open(page: Page) -> None:
    assert_good_for_everybody(page, "/admin/core_identity/role/add/")
    field = page.get_by_role("searchbox", name="Search: Grantable by")
    field.fill("customer-3")
    page.get_by_role("option", name="customer-30", exact=True).click()
    expect(page.locator(".field-grantable_by .select2-selection__choice")).to_have_count(1)
    expect(field).to_be_visible()
    assert_accessible(page)


MAKE_EVERYTHING: Final = """
from core_identity.models import User
from tests.support.everything import make_everything
acme = make_everything(User.objects.filter(is_superuser=True)[0])
print(acme.pk, *(User.objects.get(username=name).pk for name in ("jane.doe@acme.test", "boss")))
"""
BULK: Final = (
    "conflict/decide-many/?all=1",
    "user/accept-drift/",
    "user/expire-many/?all=1",
    "user/give-role-many/?all=1",
    "user/unexpire-many/?all=1",
    "user/unexpire-requested/",
)
"""The pages that only an action of a list leads to."""
NO_PAGE: Final = re.compile(
    r"^style$|_history|_export_(csv|jsonl)|_steps|jsi18n|logout|autocomplete|view_on_site|app_list|suggest"
)
"""Names of addresses that answer with a file, a part of a page, or a redirect, and of the style guide, which only developers have."""
REFUSED: Final = re.compile(r"_(conflict|event|provisioningrecord|signinrecord)_add|_(?!role_)[a-z]+_delete")
"""Names of Django's addresses for what nobody may do here."""
ELSEWHERE: Final = {"login", "core_identity_connection_tested"}
"""Names of pages that other journeys look at, because they need a browser that is not signed in, or an IdP."""


def name_of(address: str) -> str:
    return str(resolve(urlsplit(address).path).url_name)


@pytest.fixture
def first_addresses(full_service: Service, page: Page) -> list[str]:
    """Return the pages from which links lead to all others, after making something for each of these links."""
    code, out = full_service.manage("shell", "--verbosity=0", f"--command={MAKE_EVERYTHING}")
    assert code == 0
    acme, jane, boss = out.split()
    by_hand = (
        f"connection/{acme}/overview/",
        f"user/{jane}/change/",
        f"user/{boss}/change/",
        f"user/{boss}/erase/",
        f"user/{boss}/password/",
        f"user/offer/?user={jane}",
        *BULK,
    )
    return [*(f"/admin/core_identity/{one}" for one in by_hand), "/admin/password_change/done/", "/admin/"]


def one_of_each_page(page: Page, rounds: Rounds, first: list[str]) -> Iterator[str]:
    """Open the addresses, and each other page that a link leads to, once; yield the name of each page while it is open.

    Links to the connection and the people of the first addresses are followed first, because these have something to show.
    """
    todo, opened = deque(first), set[str]()
    ids = set(re.findall(r"[0-9a-f-]{36}", " ".join(first)))
    while todo:
        address = todo.popleft()
        if (name := name_of(address)) in opened or NO_PAGE.search(name):
            continue
        opened.add(name)
        rounds.next()
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert name_of(page.url) == name, f"{address} leads to {page.url}"
        yield name
        for link in page.eval_on_selector_all("a[href^='/admin/'], a[href^='?']", "all => all.map(one => one.href)"):
            if "?certificate=" not in link:
                (todo.appendleft if ids & set(re.findall(r"[0-9a-f-]{36}", link)) else todo.append)(link)


def faults_of_size(page: Page) -> Iterator[str]:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        if too_long := screens_too_many(page):
            yield f"{page.url} at {width}: {too_long}"
        for element in (*elements_too_wide(page), *cut_cells(page)):
            yield f"{page.url} at {width}: too wide: {element}"


def test_every_page_is_accessible_and_silent_and_not_too_long_or_wide(page: Page, first_addresses: list[str]) -> None:
    faults: list[str] = []
    page.context.on("weberror", lambda error: faults.append(f"{page.url}: {error.error}"))
    page.context.on(
        "console",
        lambda message: faults.append(f"{page.url}: {message.text}") if message.type in {"error", "warning"} else None,
    )
    rounds, names = Rounds(page), set()
    for name in one_of_each_page(page, rounds, first_addresses):
        names.add(name)
        page.set_viewport_size({"width": DESK, "height": HEIGHT})
        faults += rounds.faults()
        faults += faults_of_size(page)
    expected = {entry.name for path, entry in ALL if path.startswith("admin/") and entry.name} - ELSEWHERE
    assert names == {name for name in expected if not NO_PAGE.search(name) and not REFUSED.search(name)}
    assert not faults, "\n".join(faults)


def test_no_page_about_much_is_too_long_or_wide(page: Page) -> None:
    """The lists with many rows are among the pages of the test above. Here are the pages of their first rows, and those of a large connection."""
    visited: dict[str, str] = {}
    for address in addresses(page, "#core-nav li a"):
        page.goto(address)
        first_row = "#result_list tbody tr:first-child a, main .core-fold tbody tr:first-child a"
        visited |= {name_of(link): link for link in addresses(page, first_row)}
    page.goto("/admin/core_identity/connection/?q=customer-1")
    page.locator("#result_list tbody tr", has_text="customer-1").get_by_role("link").first.click()
    expect(page.locator(".core-tabs")).to_be_visible()
    tabs = addresses(page, ".core-tabs > ul:first-child a")
    assert len(tabs) == 5
    for tab in tabs:
        page.goto(tab)
        visited |= {name_of(link): link for link in addresses(page, ".core-tabs a")}
    assert len(visited) > 25
    faults: list[str] = []
    for address in visited.values():
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        faults += faults_of_size(page)
    assert not faults, "\n".join(faults)

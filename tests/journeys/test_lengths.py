"""No page of the administration is longer than five screens, on a desk and on a telephone, with full pages of rows."""

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.accessibility import assert_accessible, assert_good_for_everybody
from tests.support.service import Service, running_service

pytestmark = pytest.mark.browser
SCREENS: Final = 5
HEIGHT: Final = 900
WIDTHS: Final = (1280, 390)


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


def test_no_page_is_longer_than_five_screens_or_wider_than_one(page: Page) -> None:
    lists = addresses(page, "#core-nav li a")
    assert len(lists) > 12
    visited = [*lists]
    for address in lists:
        page.goto(address)
        visited += addresses(page, "#result_list tbody tr:first-child a, main .core-fold tbody tr:first-child a")
    page.goto("/admin/core_identity/connection/")
    page.locator("#result_list tbody a").first.click()
    expect(page.locator(".core-tabs")).to_be_visible()
    tabs = addresses(page, ".core-tabs > ul:first-child a")
    assert len(tabs) == 5
    for tab in tabs:
        page.goto(tab)
        visited += addresses(page, ".core-tabs a")
    faults = []
    for address in dict.fromkeys(visited):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            shown, whole = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
            )
            if whole > SCREENS * HEIGHT:
                faults.append(f"{address} at {width}: {whole / HEIGHT:.1f} screens long")
            if shown > width:
                faults.append(f"{address} at {width}: {shown} wide")
    assert not faults, "\n".join(faults)

"""The look at pages that all journeys share notices what it is for: each fault here shows in one scheme or at one width only."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.support.accessibility import assert_good_for_everybody

pytestmark = pytest.mark.browser
ADDRESS: Final = "http://faults.test/"
GOOD: Final = "<p>Nothing is wrong here.</p>"
NARROW: Final = "<style>.n { display: none } @media (max-width: 400px) { .n { display: block } }</style>"
NARROWEST: Final = "<style>.n { display: none } @media (max-width: 350px) { .n { display: block } }</style>"
FAULTS: Final = [
    ("<p style='color: #ccc'>pale in light</p>", "color-contrast"),
    (
        "<style>@media (prefers-color-scheme: dark) { p { color: #333 } }</style><p>pale in the dark</p>",
        "color-contrast",
    ),
    ("<button></button>", "button-name"),
    (f"{NARROW}<button class=n></button>", "button-name"),
    (f"{NARROWEST}<input class=n>", "label"),
    (f"{NARROWEST}<img class=n src='data:,'>", "image-alt"),
    ("<div style='width: 330px'>wider than a small telephone</div>", "the page"),
    ("<div style='width: 1400px'>wider than a desk</div>", "the page"),
    ("<h4>a level is left out</h4>", "heading-order"),
    (
        "<div style='overflow-x: auto' tabindex=0><table><tr><td style='min-width: 1400px'>a cell that scrolls</td></tr></table></div>",
        "a cell that scrolls",
    ),
    (
        "<div style='overflow: hidden'><table><tr><td style='min-width: 360px'>a cell that is cut</td></tr></table></div>",
        "a cell that is cut",
    ),
]


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def show(page: Page, content: str) -> None:
    def answer(route: Route) -> None:
        style = (
            "<style>:root { color-scheme: light dark } body { background: light-dark(#fff, #111); margin: 0 }</style>"
        )
        route.fulfill(
            content_type="text/html",
            body=f"<!doctype html><html lang=en><title>A page</title>{style}<main><h1>A page</h1>{content}</main></html>",
        )

    page.unroute_all()
    page.route(ADDRESS, answer)


def test_a_page_without_faults_passes(page: Page) -> None:
    show(page, GOOD)
    assert_good_for_everybody(page, ADDRESS)


def test_each_fault_is_noticed_and_named_though_it_shows_in_one_way_of_looking_only(page: Page) -> None:
    for content, rule in FAULTS:
        show(page, content)
        with pytest.raises(AssertionError, match=re.escape(rule)):
            assert_good_for_everybody(page, ADDRESS)

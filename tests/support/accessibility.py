"""Whether everybody can use a page: looked at by axe, on a desk and on telephones, in light and in dark.

A page is loaded once; then the window and the colour scheme change. Colours are looked at on the desk only, in both schemes: the rules about them
take five times as long as all others together. All other rules are applied at each width, because a narrow window shows other elements.
"""

from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

DESK: Final = 1280
TELEPHONES: Final = (390, 320)
"""At 320 nothing may scroll sideways (WCAG 1.4.10)."""
WIDTHS: Final = (DESK, *TELEPHONES)
COLOURS: Final = ("color-contrast", "link-in-text-block")
"""The rules that depend on colours, and so on the scheme."""

_QUICK: Final = {"resultTypes": ["violations"], "preload": False, "selectors": False}
"""Without selectors, which axe would make for each element that it looks at; the HTML of the element is enough to find it."""
_ONLY_COLOURS: Final[dict[str, Any]] = {**_QUICK, "runOnly": list(COLOURS)}
_WITHOUT_COLOURS: Final[dict[str, Any]] = {**_QUICK, "rules": {rule: {"enabled": False} for rule in COLOURS}}
_AXE: Final = Axe().axe_script


def assert_good_for_everybody(page: Page, address: str = "") -> None:
    """Load the page (or, without an address, load it again) and look at it in each way that people do."""
    page.emulate_media(color_scheme="light")
    _resize(page, DESK)
    if address:
        page.goto(address)
    else:
        page.reload()
    assert_good_as_it_is(page)


def assert_good_as_it_is(page: Page) -> None:
    """Look in each way at a page that is open, without loading it again: the answer to a form cannot be loaded twice."""
    _resize(page, DESK)
    assert_nothing_scrolls_sideways(page)
    assert_no_cell_is_cut(page)
    _apply(page, _WITHOUT_COLOURS)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        _apply(page, _ONLY_COLOURS)
    for width in TELEPHONES:
        _resize(page, width)
        assert_nothing_scrolls_sideways(page)
        assert_no_cell_is_cut(page)
        _apply(page, _WITHOUT_COLOURS)
    _resize(page, DESK)


def assert_accessible(page: Page) -> None:
    """Let axe look at the page as it is now, by all its rules."""
    _apply(page, _WITHOUT_COLOURS)
    _apply(page, _ONLY_COLOURS)


def _apply(page: Page, options: dict[str, Any]) -> None:
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(_AXE)
    # Colours may be on their way to another scheme.
    page.evaluate("document.getAnimations().forEach(one => one.finish())")
    found: list[dict[str, Any]] = page.evaluate("options => axe.run(options)", options)["violations"]
    faults = {one["id"]: [node["html"] for node in one["nodes"]] for one in found}
    assert not faults, f"{page.url} at {page.viewport_size}: {faults}"


def assert_nothing_scrolls_sideways(page: Page) -> None:
    """Name the elements that are wider than the window, if the page is."""
    too_wide = page.evaluate(
        """document.documentElement.scrollWidth <= innerWidth ? [] : ["the page", ...[...document.querySelectorAll("main *")]
            .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 200))]"""
    )
    assert not too_wide, f"{page.url} at {page.viewport_size}: {too_wide}"


_CUT: Final = """() => [...document.querySelectorAll("td, th, dd")].filter(cell => {
    if (!cell.checkVisibility() || cell.closest("thead")?.clientWidth === 1) return false;
    const right = cell.getBoundingClientRect().right;
    for (let around = cell.parentElement; around; around = around.parentElement) {
        const hides = getComputedStyle(around).overflowX !== "visible";
        if (hides && right > around.getBoundingClientRect().right + 1) return true;
    }
    return cell.scrollWidth > cell.clientWidth + 1 && getComputedStyle(cell).display !== "inline";
}).map(cell => cell.outerHTML.slice(0, 200))"""
"""Cells that are wider than the box around them, which hides their end or lets it scroll, and cells with a content that is wider than they are."""


def assert_no_cell_is_cut(page: Page) -> None:
    """Name the cells of tables and lists that cannot be read without scrolling sideways. The head of a folded table is hidden on purpose."""
    cut = page.evaluate(_CUT)
    assert not cut, f"{page.url} at {page.viewport_size}: {cut}"


def _resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})

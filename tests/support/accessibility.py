"""Whether everybody can use a page: looked at by axe, on a desk and on telephones, in light and in dark.

A page is loaded once; then the window and the colour scheme change. Colours are looked at on the desk only, in both schemes: the rules about them
take five times as long as all others together. All other rules are applied at each width, because a narrow window shows other elements.
"""

from typing import Any, Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

DESK: Final = 1280
TELEPHONES: Final = (390, 320)
"""At 320 nothing may scroll sideways (WCAG 1.4.10)."""
WIDTHS: Final = (DESK, *TELEPHONES)
Scheme = Literal["light", "dark"]
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


FRAME: Final = ("#core-nav", "body > header", "#header")
"""The parts that all pages have in common."""
OF_KINDS: Final = (*COLOURS, "target-size", "css-orientation-lock")
"""The rules that ask for styles only, and take more time than all others together."""
_QUICKEST: Final[dict[str, Any]] = {**_QUICK, "rules": {rule: {"enabled": False} for rule in OF_KINDS}}
_OF_KINDS: Final[dict[str, Any]] = {**_QUICK, "runOnly": list(OF_KINDS)}
_NEW_KINDS: Final = """known => {
    const kinds = new Set(known), fresh = []
    const states = one => ["aria-current", "open", "disabled", "type"].map(name => one.getAttribute(name))
    const look = (one, around) => {
        const kind = [around, one.tagName, ...[...one.classList].sort(), ...states(one)].join(" ")
        const speaks = [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
        if ((speaks || one.matches("input, select, textarea")) && !kinds.has(kind)) { kinds.add(kind); fresh.push(one) }
        for (const child of one.children) look(child, kind)
    }
    look(document.body, "")
    window.fresh = fresh
    return [...kinds].slice(known.length)
}"""


class Rounds:
    """Many pages of one design, looked at in turn: each costs a fraction of what a look at one page costs.

    Most rules are applied to each page, but for its frame, which is looked at on the first. Colours and sizes are looked at once for each kind of
    element. Elements with the same tags, classes and states, also around them, are of one kind: style sheets treat them alike. The pages are light
    and dark in turn, so what several pages have is looked at in both schemes.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._kinds: dict[Scheme, list[str]] = {"light": [], "dark": []}
        self._scheme: Scheme = "dark"
        load_axe(page.context)

    def next(self) -> None:
        """Change the scheme, for a page that is opened next."""
        self._scheme = "light" if self._scheme == "dark" else "dark"
        self._page.emulate_media(color_scheme=self._scheme)

    def faults(self) -> list[str]:
        """Return what axe finds on the page as it is now, a line for each rule."""
        known = self._kinds[self._scheme]
        found = _violations(self._page, _QUICKEST, {"include": ["html"], "exclude": list(FRAME) if known else []})
        if new := self._page.evaluate(_NEW_KINDS, known):
            known += new
            found |= _violations(self._page, _OF_KINDS, None)
        return [f"{self._page.url}, {self._scheme}: {rule}: {where}" for rule, where in found.items()]


def load_axe(context: BrowserContext) -> None:
    """Load axe into each page of a browser at once: Chromium compiles it once. To load it into an open page takes longer than most rules."""
    context.add_init_script(_AXE)


def _apply(page: Page, options: dict[str, Any]) -> None:
    faults = _violations(page, options, {"include": ["html"]})
    assert not faults, f"{page.url} at {page.viewport_size}: {faults}"


def _violations(page: Page, options: dict[str, Any], context: dict[str, Any] | None) -> dict[str, list[str]]:
    """Return the HTML of the elements that break each rule. Without a context these are among the new kinds of elements."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(_AXE)
    # Colours may be on their way to another scheme.
    page.evaluate("document.getAnimations().forEach(one => one.finish())")
    run = "([options, context]) => axe.run(context ?? {include: window.fresh}, options)"
    found: list[dict[str, Any]] = page.evaluate(run, [options, context])["violations"]
    return {one["id"]: [node["html"] for node in one["nodes"]] for one in found}


def assert_nothing_scrolls_sideways(page: Page) -> None:
    too_wide = elements_too_wide(page)
    assert not too_wide, f"{page.url} at {page.viewport_size}: {too_wide}"


def elements_too_wide(page: Page) -> list[str]:
    """Return the elements that are wider than the window, if the page is."""
    too_wide: list[str] = page.evaluate(
        """document.documentElement.scrollWidth <= innerWidth ? [] : ["the page", ...[...document.querySelectorAll("main *")]
            .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 200))]"""
    )
    return too_wide


SCREENS: Final = 5
"""The length of a page at most. Nobody reads a longer one to its end."""


def screens_too_many(page: Page) -> str:
    """Return how many screens of this window the page is long, if these are more than `SCREENS`, and otherwise an empty text."""
    screens: float = page.evaluate("document.documentElement.scrollHeight / innerHeight")
    return f"{screens:.1f} screens long" if screens > SCREENS else ""


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
    cut = cut_cells(page)
    assert not cut, f"{page.url} at {page.viewport_size}: {cut}"


def cut_cells(page: Page) -> list[str]:
    """Return the cells of tables and lists that cannot be read without scrolling sideways. The head of a folded table is hidden on purpose."""
    cut: list[str] = page.evaluate(_CUT)
    return cut


def _resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})

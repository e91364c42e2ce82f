"""Counts the clicks of an administrator."""

from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page


@dataclass
class Clicks:
    """Typing, and Enter in the search box, are none."""

    on_what: list[str] = field(default_factory=list)

    def on(self, target: Locator) -> None:
        self.on_what.append(target.first.inner_text() or target.first.get_attribute("value") or "a choice")
        target.click()

    @property
    def count(self) -> int:
        return len(self.on_what)


def find(page: Page, what: str) -> None:
    """Type into the search box of the header, and press Enter."""
    page.get_by_role("searchbox", name="Search").fill(what)
    page.keyboard.press("Enter")


def go(page: Page, clicks: Clicks, place: str) -> None:
    """Click an entry of the navigation."""
    clicks.on(page.get_by_role("navigation", name="Main").get_by_role("link", name=place))

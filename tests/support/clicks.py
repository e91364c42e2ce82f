"""Counts the clicks of an administrator, who works with the keyboard: what has no focus, or does not answer to a key, fails the task."""

from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect


@dataclass
class Clicks:
    """Typing, and Enter in the search box, are none."""

    on_what: list[str] = field(default_factory=list)

    def on(self, target: Locator) -> None:
        self.on_what.append(target.first.inner_text() or target.first.get_attribute("value") or "a choice")
        expect(target).to_be_visible()
        target.focus()
        expect(target).to_be_focused()
        assert target.evaluate("element => element.tabIndex >= 0"), f"Tab does not reach {self.on_what[-1]}"
        target.press("Space" if target.get_attribute("type") in {"radio", "checkbox"} else "Enter")

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

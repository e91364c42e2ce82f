"""Counts the clicks of a person with a mouse, in any browser window: the copy buttons, typing and other sites are none."""

from typing import Any, Final

from playwright.sync_api import BrowserContext

_COUNT: Final = """addEventListener("click", event => {
    if (event.isTrusted && event.clientX && !event.target.closest("[data-copy]")) clicked(event.target.textContent.trim())
}, true)"""
"""Clicks with the mouse; not those that a label passes on."""


def count_clicks(context: BrowserContext, site: str) -> list[str]:
    """Return a list that grows with each click on a page of ``site``: the text of its target. Call it before the first page is opened."""
    clicks: list[str] = []

    def note(source: dict[str, Any], what: str) -> None:
        if source["page"].url.startswith(site):
            clicks.append(what)

    context.expose_binding("clicked", note)
    context.add_init_script(_COUNT)
    return clicks

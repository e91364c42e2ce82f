"""The browser profile that the tests of a process share, one after the other."""

from playwright.sync_api import Browser, BrowserContext

from tests.support.renewal import renew_soon


class Profile:
    """A profile that is emptied after each test.

    A new profile for each test would take longer than most of the tests: Chromium starts a process for the first page of each.
    For that reason too one page always stays open.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self.context: BrowserContext = renew_soon(
            browser.new_context(base_url=url, viewport={"width": 1100, "height": 760})
        )
        self.faults: list[str] = []
        """The errors that pages wrote to the console since the last test."""
        self.context.on("weberror", lambda error: self.faults.append(str(error.error)))
        self.context.on("console", lambda message: self._console(message.text))
        self._page = self.context.new_page()
        self._page.goto("/healthz")

    def _console(self, text: str) -> None:
        if "Content Security" in text:
            self.faults.append(text)

    def empty(self) -> list[str]:
        """Close its pages, forget cookies, cache, permissions and routes, and return the faults of the test."""
        for page in self.context.pages:
            if page != self._page:
                page.close()
        self.context.unroute_all()
        self.context.clear_cookies()
        self.context.clear_permissions()
        protocol = self.context.new_cdp_session(self._page)
        protocol.send("Network.clearBrowserCache")
        protocol.send("Storage.clearDataForOrigin", {"origin": self.url, "storageTypes": "all"})
        protocol.detach()
        faults, self.faults[:] = list(self.faults), []
        return faults

"""The faults in the words of a page: codes instead of words, times that a person has to compute, and more than one main button."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

UNREAD: Final = frozenset({"script", "style", "pre", "code", "textarea", "time", "title", "template"})
"""Elements whose text is data, or that nobody reads."""
VOID: Final = frozenset({"input", "img", "br", "link", "meta", "hr", "use", "rect", "path", "source", "wbr", "col"})
CODE: Final = re.compile(r"(?<![\w@./=-])[a-z]+(?:_[a-z]+)+(?![\w@/=-]|\.\w)")
"""A name of a program, such as ``no_mark``."""
DOUBLED: Final = re.compile(r"(?<![\w-])(\w+), \1\b|\bby (SSO|SCIM), \2\b", re.IGNORECASE)
MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}, |\d+ (?:hours?|minutes?), \d+ "
)
"""An absolute time, or one of two units."""


class Words(HTMLParser):
    """The texts that people read, the main buttons, and the icons that stand for a word."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.buttons: list[str] = []
        self.icons: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        classes = (values.get("class") or "").split()
        is_main = {"core-button", "primary"} <= set(classes) or "addlink" in classes
        if is_main or ("default" in classes and tag in {"input", "button"}):
            self.buttons.append(values.get("value") or values.get("href") or tag)
        if tag == "img" and "/icon-" in (values.get("src") or ""):
            self.icons.append(values.get("src") or "")
        if tag not in VOID:
            self._open.append(tag if "core-code" not in classes else "code")

    def handle_endtag(self, tag: str) -> None:
        while self._open and tag not in VOID:
            if self._open.pop() in {tag, "code"}:
                break

    def handle_data(self, data: str) -> None:
        if data.strip() and not UNREAD & set(self._open):
            self.texts.append(" ".join(data.split()))


def faults_of(html: str) -> Iterator[str]:
    """Yield what a tired person stumbles over."""
    page = Words()
    page.feed(html)
    if len(page.buttons) > 1:
        yield f"{len(page.buttons)} main buttons: {page.buttons}"
    yield from (f"an icon instead of a word: {icon}" for icon in page.icons if re.search("icon-(yes|no|unknown)", icon))
    for text in page.texts:
        yield from (f"a code: {found[0]} in {text!r}" for found in CODE.finditer(text))
        yield from (f"said twice: {found[0]!r} in {text!r}" for found in DOUBLED.finditer(text))
        yield from (f"not a relative time: {found[0]!r} in {text!r}" for found in MOMENT.finditer(text))

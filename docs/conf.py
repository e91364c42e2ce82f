"""The documentation site. `./dev docs` builds it with Sphinx from the same Markdown files that people read in the repository.

The list of pages is in index.md only: each of its headings is a part of the navigation, and each link is a page, under the words of the link.
"""

import re
from typing import Final

from sphinx.application import Sphinx

project = "Core Identity"
html_title = project
language = "en"

extensions = ["myst_parser"]
# Sphinx reads the whole checkout, because README.md links to docs/, and docs/ links to README.md and to the code.
root_doc = "docs/index"
include_patterns = ["docs/**", "benchmarks/README.md", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
exclude_patterns = [".*", "staticfiles"]
myst_heading_anchors = 3

html_theme = "furo"
html_extra_path = ["_site"]
html_copy_source = False
html_show_copyright = False

LINK_TO_PAGE: Final = re.compile(r"\[([^]]+)\]\((?!\w+:)([^)#]+\.md)\)")


def navigation(index: str) -> str:
    """Return the hidden tables of contents of the site: one for each second-level heading of index.md."""
    tables = []
    for part in index.split("\n## ")[1:]:
        pages = [f"{words} <{page}>" for words, page in LINK_TO_PAGE.findall(part)]
        tables.append("\n".join(["```{toctree}", ":hidden:", f":caption: {part.splitlines()[0]}", "", *pages, "```"]))
    return "\n\n".join(tables)


def _add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += "\n\n" + navigation(source[0])


def setup(app: Sphinx) -> None:
    """Connect our only hook. Sphinx calls this function."""
    app.connect("source-read", _add_navigation)

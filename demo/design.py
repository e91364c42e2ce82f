"""The design of CORE for the pages of the demo: the same style sheets, read from the checkout and put into each page."""

import base64
import hashlib
from html import escape
from pathlib import Path
from typing import Final

_STATIC: Final = Path(__file__).resolve().parent.parent / "static"
CORE: Final = (_STATIC / "core.css").read_text()
"""Tokens and components."""
PAGES: Final = (_STATIC / "pages.css").read_text()
"""One card on the ground."""


def csp_hash(text: str) -> str:
    """Return the source by which a Content-Security-Policy allows this inline style or script (CSP level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def document(title: str, content: str, *, style: str, header: str = "", end: str = "") -> str:
    """Return a whole page. Everything but ``title`` is HTML or CSS."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
{header}<main>
<h1>{escape(title)}</h1>
{content}
</main>
{end}</body>
</html>
"""

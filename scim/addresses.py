"""Read the query in the address of a request to SCIM or OAuth as clients write it: blanks and bytes."""

import re
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from django.http import HttpRequest

_QUOTED: Final = re.compile(r'(?s)"(?:\\.|[^"\\])*\\?(?:"|\Z)')
"""A quoted text. Without a closing quote it reaches to the end, so the pattern reads a stranger's query once and not once for each quote."""
_ESCAPED_BLANK: Final = "%20"


def has_literal_plus(query: str) -> bool:
    """Whether ``+`` is a plus in this query. It is if the query writes blanks as ``%20``; blanks between quotation marks do not count.

    So ``userName%20eq%20"jane+test@acme.example"`` contains a plus, and ``displayName+eq+"Jane%20Doe"`` contains none.
    """
    quotes_shown = query.replace("%22", '"').replace("%5C", "\\").replace("%5c", "\\")
    return _ESCAPED_BLANK in _QUOTED.sub("", quotes_shown)


def parameter_not_utf8(request: HttpRequest) -> str | None:
    """Return the name of the first parameter of the query that is not UTF-8, or None."""
    for parameter in request.META.get("QUERY_STRING", "").encode("latin-1", "replace").split(b"&"):
        try:
            unquote_to_bytes(parameter).decode("utf-8")
        except UnicodeDecodeError:
            return unquote(parameter.partition(b"=")[0].decode("latin-1"), errors="replace")
    return None

"""Keep what a stranger sent out of the log: no path, query, header or value of a body, in a message or in a traceback (R34).

Libraries write a path into their messages, and values into exceptions. A reference in the line finds the request in our own logs.
"""

import copy
import logging
import traceback
from types import TracebackType
from typing import Final, TypeAlias

from django.db import OperationalError
from django.http import HttpRequest

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GUNICORN: Final = ("Invalid request", "Error handling request")
"""How gunicorn's messages begin that contain parts of a request."""


def method_of(request: HttpRequest) -> str:
    """Return the method, or ``other``: a stranger can invent one."""
    return request.method if request.method in METHODS else "other"


def route_of(request: HttpRequest) -> str:
    """Return the name of the address pattern that matched, such as ``scim-user``; ``none`` where none did."""
    match = getattr(request, "resolver_match", None)
    return match.view_name if match is not None and match.view_name else "none"


def redacted(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy of a record whose message names the route in place of the path."""
    record = copy.copy(record)
    request = getattr(record, "request", None)
    message = record.getMessage()
    if isinstance(request, HttpRequest):
        record.msg, record.args = f"{method_of(request)} {route_of(request)} {getattr(record, 'status_code', '')}", ()
        record.__dict__.setdefault("reference", getattr(request, "request_id", ""))
    elif record.name.startswith("gunicorn"):
        start = next((start for start in _GUNICORN if message.startswith(start)), None)
        if start is not None:
            record.msg, record.args = start, ()
    record.exc_text = None
    return record


def traceback_of(exc_info: ExcInfo) -> str:
    """Return the frames of an exception and of its causes, with the type of each and no message.

    Messages can contain values of a body. Those of `OperationalError` are kept, because they describe the database and not the data.
    """
    failure = exc_info[1]
    parts: list[str] = []
    while failure is not None:
        name = type(failure).__qualname__
        state = getattr(failure, "sqlstate", None)
        words = f": {str(failure).splitlines()[0]}" if isinstance(failure, OperationalError) and str(failure) else ""
        frames = "".join(traceback.format_tb(failure.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{name}{f' [{state}]' if state else ''}{words}")
        failure = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)
    return "\n\nThis came before it:\n\n".join(parts)

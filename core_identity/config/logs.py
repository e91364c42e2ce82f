"""One line a record: time, level, logger, message and the named facts that the caller gave. Nobody gives a body, a token or an assertion."""

import json
import logging
import time
from http import HTTPStatus
from typing import Final

from core_identity.log_redaction import ExcInfo, redacted, traceback_of

READINESS: Final = "/readyz"

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "request",
    "server_time",
}


class LineFormatter(logging.Formatter):
    """``2026-11-23T10:00:00Z INFO scim.requests POST /Users {"status": 201, …}``; times are UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(redacted(record))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's name
        return traceback_of(ei)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        return time.strftime(datefmt or self.default_time_format, time.gmtime(record.created))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        facts = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        reference = getattr(getattr(record, "request", None), "request_id", "")
        if reference:  # Django's own records of a request carry the request alone
            facts.setdefault("reference", reference)
        # One record is one line: a line break in a name must not start a forged record.
        line = super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
        return f"{line} {json.dumps(facts, default=str)}" if facts else line


class OneLineOfAnOutage(logging.Filter):
    """Keep Django's line about a request that was answered 503 to one line; drop it where SCIM, OAuth or the readiness probe writes one.

    The traceback is logged by `core_identity.outages`, once a minute. Each line gets the reference of its request.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        from scim.middleware import writes_own_line  # not before the apps are loaded

        request = getattr(record, "request", None)
        record.reference = getattr(request, "request_id", "")
        if getattr(record, "status_code", 0) != HTTPStatus.SERVICE_UNAVAILABLE:
            return True
        record.exc_info = None
        return request is None or not (writes_own_line(request) or request.path_info == READINESS)

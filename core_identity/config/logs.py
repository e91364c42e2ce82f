"""One line a record: time, level, logger, message and the named facts that the caller gave. Nobody gives a body, a token or an assertion."""

import json
import logging
import time
from typing import Final

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

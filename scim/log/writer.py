"""Write rows of the provisioning log: at once, or several together by a thread of this process.

A process that is killed loses its pending rows: those of the last `PROVISIONING_LOG_DELAY` seconds, and never the row of a refused request. A
process that ends in order, as a worker does on SIGTERM, writes them first.
"""

import atexit
import json
import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.utils import timezone

from core_identity.outages import is_outage, log_traceback
from core_identity.services.erased_names import FORGET, of_erased
from scim.models import Payload, ProvisioningRecord

log = logging.getLogger("scim.log.provisioning_log")


class Row(NamedTuple):
    """The columns of `ProvisioningRecord`, then those of its `Payload`. ``payload``: whether there is a row of `Payload`."""

    at: datetime
    connection_id: UUID | None
    connection_slug: str
    method: str
    resource_type: str
    resource_id: UUID | None
    status: int
    scim_type: str
    decision: str
    reference: str
    duration_ms: int
    cause: str = ""
    sentence: str = ""
    keys: tuple[int, ...] = ()
    payload: bool = False
    path: str = ""
    query: str = ""
    sent: str = ""
    answered: str = ""


_OF_RECORD: Final = Row._fields[: Row._fields.index("payload")]
_OF_PAYLOAD: Final = Row._fields[len(_OF_RECORD) + 1 :]
_RECORDS: Final = ProvisioningRecord._meta.db_table
_BLANKED: Final = {
    "sentence": "CASE WHEN erased THEN '' ELSE sentence END",
    "keys": "CASE WHEN erased THEN '{}' ELSE keys END",
}
"""Columns that lose the values of a person who was erased meanwhile, as `scim.log.erasure` does with older rows."""

# The rows are one parameter, so that PostgreSQL prepares the statement once, and as JSON, which costs a fifth of arrays. A payload has the number of
# its record, so one statement writes both. The other parameter is the time of this process: its clock may be wrong, but not the age of a row.
_ERASED: Final = of_erased("given", own_id="resource_id", at="statement_timestamp() - (%s::timestamptz - given.at)")
_INSERT: Final = f"""
WITH {FORGET}, given AS MATERIALIZED (
    SELECT nextval('{_RECORDS}_id_seq') AS id, {_ERASED} AS erased, given.* FROM json_to_recordset(%s::json) AS given (
        at timestamptz, connection_id uuid, connection_slug text, method text, resource_type text, resource_id uuid, status smallint,
        scim_type text, decision text, reference text, duration_ms int, cause text, sentence text, keys bigint[],
        payload boolean, path text, query text, sent text, answered text
    )
), payloads AS (
    INSERT INTO {Payload._meta.db_table} (record_id, at, {", ".join(_OF_PAYLOAD)})
    SELECT id, at, {", ".join(_OF_PAYLOAD)} FROM given WHERE payload AND NOT erased
)
INSERT INTO {_RECORDS} (id, {", ".join(_OF_RECORD)})
SELECT id, {", ".join(_BLANKED.get(name, name) for name in _OF_RECORD)} FROM given
"""  # noqa: S608 - nothing but names of our own
_encode: Final = json.JSONEncoder(default=str).encode
"""Ids and times become texts, which PostgreSQL reads as exactly the same values."""


class LogWriter:
    """The pending rows of this process, and the thread that writes them."""

    MOST: Final = 500
    """When so many rows are pending, the request that adds the last one writes them. So the memory for them is bounded."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._adding = threading.Lock()
        self._writing = threading.Lock()
        self._rows_wait = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, row: Row, *, at_once: bool) -> None:
        """Add a row. With ``at_once``, write it and all rows before it before returning."""
        with self._adding:
            self._rows.append(row)
            at_once = at_once or len(self._rows) >= self.MOST
            if not at_once:
                self._start()
        if at_once:
            self.flush()
        else:
            self._rows_wait.set()

    def flush(self) -> None:
        """Write all pending rows in order. If that fails, only the log of the process has a line."""
        with self._writing:
            with self._adding:
                rows, self._rows = self._rows, []
            if rows:
                _write(rows)

    def close(self) -> None:
        """Write all pending rows and end the thread."""
        self._ending.set()
        self._rows_wait.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _start(self) -> None:
        """Start the thread, once in each process: a worker is a fork of its parent, and a fork does not copy threads."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="provisioning-log", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._rows_wait.wait()
                self._rows_wait.clear()
                self._ending.wait(settings.PROVISIONING_LOG_DELAY)
                close_old_connections()
                self.flush()
        finally:
            connection.close()


def _write(rows: Sequence[Row]) -> None:
    try:
        with connection.cursor() as cursor:
            documents = _encode([dict(zip(Row._fields, row, strict=True)) for row in rows])
            cursor.execute(_INSERT, [timezone.now(), documents])
    except Error as error:
        if is_outage(error):
            log_traceback(error)
        elif len(rows) > 1:  # one bad row must not lose the others
            for row in rows:
                _write([row])
        else:
            log.exception("A row of the provisioning log could not be written")


writer: Final = LogWriter()
atexit.register(writer.close)

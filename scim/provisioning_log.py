"""The provisioning log (R35): one row a SCIM request, written after its answer, whatever became of it."""

import logging
import re
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.db.models import QuerySet
from django.utils import timezone

from core_identity.outages import is_outage, log_traceback
from scim.budgets import spend_on_failure
from scim.models import Method, ProvisioningRecord

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from scim.middleware import Trace

log = logging.getLogger("scim.provisioning_log")

COLUMNS: Final = {
    "at": "at",
    "connection_id": "connection_id",
    "connection": "connection_slug",
    "method": "method",
    "resource_type": "resource_type",
    "resource_id": "resource_id",
    "status": "status",
    "scim_type": "scim_type",
    "decision": "decision",
    "duration_ms": "duration_ms",
    "reference": "reference",
}
"""What stands in an export, and which field of `ProvisioningRecord` it is."""

_ID: Final = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ADDRESS: Final = re.compile(
    r"/scim/(?P<slug>[a-z0-9-]{1,40})/v2"
    r"(?:/(?P<type>Users|Groups|Roles|Me|Bulk|ServiceProviderConfig|ResourceTypes|Schemas|\.search))?"
    rf"(?:/(?P<id>{_ID}))?(?:/.*)?"
)
"""What of an address is kept: words that are ours, and ids. The rest of it may be anything."""

_DECISION: Final = 300


def record(request: "HttpRequest", response: "HttpResponseBase", trace: "Trace", duration_ms: float) -> None:
    """Write the row of a request, in no transaction. Where it cannot be written, only the log of the process tells.

    One statement; two where nobody proved to speak for a connection.
    """
    if not settings.PROVISIONING_LOG_DAYS:
        return
    if trace.connection_id is None and spend_on_failure(request):
        return  # a stranger shall not be able to fill the table
    address = _ADDRESS.fullmatch(request.path_info)
    found = address.groupdict() if address else {}
    try:
        ProvisioningRecord(
            at=timezone.now(),
            connection_id=trace.connection_id,
            connection_slug=trace.connection or found.get("slug") or "",
            method=request.method if request.method in Method.values else Method.OTHER,
            resource_type=found.get("type") or "",
            resource_id=found.get("id") or _made(response),
            status=response.status_code,
            scim_type=trace.scim_type,
            decision=trace.decision[:_DECISION],
            reference=getattr(request, "request_id", ""),
            duration_ms=round(duration_ms),
        ).save(force_insert=True)
    except Error as error:
        if is_outage(error):
            log_traceback(error)
        else:
            log.exception("A row of the provisioning log could not be written")


def records_between(
    *, since: datetime | None, until: datetime | None, slug: str | None
) -> QuerySet[ProvisioningRecord]:
    """Return the rows from ``since`` on and before ``until`` (both aware), of the connection with this slug."""
    limits = {"at__gte": since, "at__lt": until, "connection_slug": slug}
    return ProvisioningRecord.objects.filter(**{name: limit for name, limit in limits.items() if limit is not None})


def _made(response: "HttpResponseBase") -> UUID | None:
    """Return the id of a resource that the answer tells of: after a POST it is in its Location only."""
    found = re.fullmatch(rf".*/({_ID})", response.headers.get("Location", ""))
    return UUID(found[1]) if found else None

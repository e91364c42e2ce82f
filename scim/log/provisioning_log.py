"""The provisioning log (R35): one row for each SCIM request, written after its answer. `scim.log.payloads` chooses the stored parts."""

import re
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from core_identity.budgets import spend_on_failure
from core_identity.lookup_keys import named_any
from scim.log.look_ups import decision_of_look_up
from scim.log.payloads import Kept, kept_of
from scim.log.writer import Row, writer
from scim.models import Method, ProvisioningRecord

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from scim.log.trace import Trace

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
    "cause": "cause",
    "sentence": "sentence",
    "duration_ms": "duration_ms",
    "reference": "reference",
}
"""The columns of an export, each with its field of `ProvisioningRecord`."""

_ID: Final = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ADDRESS: Final = re.compile(
    r"/scim/(?P<slug>[a-z0-9-]{1,40})/v2"
    r"(?:/(?P<type>Users|Groups|Roles|Me|Bulk|ServiceProviderConfig|ResourceTypes|Schemas|\.search))?"
    rf"(?:/(?P<id>{_ID}))?(?:/.*)?"
)
"""The parts of an address that are stored: our own words, and ids. The rest may contain any text."""

_DECISION: Final = 300
_CAUSE: Final = 30
_METHODS: Final = frozenset(Method.values)


def record(request: "HttpRequest", response: "HttpResponseBase", trace: "Trace", duration_ms: float) -> None:
    """Write the row of a request, in no transaction. A refused one is written at once, others together (`scim.log.writer`).

    If the client did not authenticate, this takes one statement more.
    """
    if not settings.PROVISIONING_LOG_DAYS:
        return
    if trace.connection_id is None and spend_on_failure(request):
        return  # a stranger must not be able to fill the table
    address = _ADDRESS.fullmatch(request.path_info)
    found = address.groupdict() if address else {}
    kept = kept_of(request, response, trace) if trace.connection_id is not None else Kept()
    resource_type = found.get("type") or ""
    decision = trace.decision or decision_of_look_up(getattr(response, "data", None), resource_type)
    row = Row(
        at=timezone.now(),
        connection_id=trace.connection_id,
        connection_slug=trace.connection or found.get("slug") or "",
        method=request.method if request.method in _METHODS else Method.OTHER.value,
        resource_type=resource_type,
        resource_id=UUID(found["id"]) if found.get("id") else _id_in_location(response) or _id(kept.resource),
        status=response.status_code,
        scim_type=trace.scim_type,
        decision=decision[:_DECISION],
        reference=getattr(request, "request_id", ""),
        duration_ms=round(duration_ms),
        cause=trace.cause[:_CAUSE],
        sentence=kept.sentence,
        keys=kept.keys,
        payload=bool(settings.PAYLOAD_LOG_DAYS) and trace.connection_id is not None,
        path=kept.path,
        query=kept.query,
        sent=kept.sent,
        answered=kept.answered,
    )
    refused = response.status_code >= HTTPStatus.BAD_REQUEST
    writer.add(row, at_once=refused or not settings.PROVISIONING_LOG_DELAY)


def search(text: str) -> Q:
    """Return the condition for rows with this reference or id, or with this userName, email, UID or externalId in their message."""
    text = text.strip()
    found = named_any([text])
    if re.fullmatch(_ID, text):
        found |= Q(resource_id=UUID(text))
    if re.fullmatch(r"[0-9A-Za-z]{1,10}", text):
        found |= Q(reference=text.upper())
    return found


def records_between(
    *, since: datetime | None, until: datetime | None, slug: str | None
) -> QuerySet[ProvisioningRecord]:
    """Return the rows from ``since`` on and before ``until`` (both aware), of the connection with this slug."""
    limits = {"at__gte": since, "at__lt": until, "connection_slug": slug}
    return ProvisioningRecord.objects.filter(**{name: limit for name, limit in limits.items() if limit is not None})


def _id_in_location(response: "HttpResponseBase") -> UUID | None:
    """Return the id of the resource in the answer. After a POST it is only in Location."""
    location = response.headers.get("Location")
    found = re.fullmatch(rf".*/({_ID})", location) if location else None
    return UUID(found[1]) if found else None


def _id(text: str) -> UUID | None:
    return UUID(text) if re.fullmatch(_ID, text) else None

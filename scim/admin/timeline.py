"""The SCIM calls about a person, as a part of the timeline (R36)."""

from http import HTTPStatus
from typing import Any, Final

from django.urls import reverse

from core_identity.admin_kit.logs import may_see_connections
from core_identity.admin_kit.timeline import Entry, Source, Subject, newest_of_each
from core_identity.lookup_keys import named_any
from scim.models import ProvisioningRecord
from scim.remedies import remedy_for


def _window(subject: Subject, position: str, limit: int) -> list[Entry]:
    """Return the calls on the SCIM resources of a person, and refused ones without a resource that contain a name of this person."""
    rows = ProvisioningRecord.objects.all()
    found = newest_of_each(rows, "resource_id", [one.scim_id for one in subject.identities], position, limit)
    names = subject.names()
    if names:
        connections = {one.connection_id for one in subject.identities}
        refused = rows.filter(named_any(names), resource_id=None, status__gte=HTTPStatus.BAD_REQUEST)
        found += newest_of_each(refused, "connection_id__in", [connections], position, limit)
    found.sort(key=lambda record: -record.pk)
    return [_entry(record) for record in found[:limit]]


def _entry(record: Any) -> Entry:
    asked = f"{record.method} {record.resource_type} by {record.connection_slug}"
    refused = record.status >= HTTPStatus.BAD_REQUEST
    remedy = remedy_for(record.cause) if refused else None
    outcome = f"refused: {remedy.words}" if remedy else record.decision or ("refused" if refused else "done")
    return Entry(
        at=record.at,
        sentence=f"{asked}: {outcome}.",
        url=reverse("admin:scim_provisioningrecord_change", args=[record.pk]),
        tone="trouble" if refused else "plain",
        position=str(record.pk),
        detail=record.sentence if refused else "",
        reference=record.reference,
    )


CALLS: Final = Source("scim", "SCIM calls", _window, may_see_connections)

"""The SCIM calls about a person, as a part of the timeline (R36)."""

from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from django.urls import reverse

from core_identity.admin_kit.logs import may_see_connections
from core_identity.admin_kit.timeline import Entry, Source, Subject, newest_of_each
from core_identity.lookup_keys import named_any
from scim.log.look_ups import FOUND_ONE
from scim.log.remedies import remedy_for
from scim.models import Method, ProvisioningRecord

ACTS: Final = MappingProxyType(
    {
        Method.GET.value: "looked the person up",
        Method.POST.value: "sent a new person",
        Method.PUT.value: "sent the person",
        Method.PATCH.value: "sent changes",
        Method.DELETE.value: "deleted the person",
    }
)


def _window(subject: Subject, position: str, limit: int) -> list[Entry]:
    """Return the calls on the SCIM resources of a person, and refused ones that contain a name by which the same connection knows this person."""
    rows = ProvisioningRecord.objects.all()
    resources = [one.scim_id for one in subject.identities]
    refused = rows.filter(status__gte=HTTPStatus.BAD_REQUEST).exclude(resource_id__in=resources)
    windows = [
        *(rows.filter(resource_id=one) for one in resources),
        *(
            refused.filter(named_any(names), connection_id=connection)
            for connection, names in subject.names_at().items()
        ),
    ]
    return [_entry(record, subject) for record in newest_of_each(windows, position, limit)]


def _entry(record: Any, subject: Subject) -> Entry:
    client = subject.connection_called(record.connection_slug)
    is_look_up = record.decision in FOUND_ONE  # a search may be a POST
    act = ACTS[Method.GET.value] if is_look_up else ACTS.get(record.method, record.method)
    refused = record.status >= HTTPStatus.BAD_REQUEST
    remedy = remedy_for(record.cause) if refused else None
    outcome = remedy.words if remedy else "" if is_look_up else record.decision
    return Entry(
        at=record.at,
        sentence=f"{client} {act}{', refused' if refused else ''}{f': {outcome}' if outcome else ''}.",
        url=reverse("admin:scim_provisioningrecord_change", args=[record.pk]),
        tone="trouble" if refused else "plain",
        position=str(record.pk),
        detail=record.sentence if refused else "",
        reference=record.reference,
    )


CALLS: Final = Source("scim", "SCIM requests", _window, may_see_connections)

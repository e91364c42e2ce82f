"""Erase a person from the provisioning log: payloads and sentences that name them (R34, R35)."""

from typing import Any

from django.db.models import Q

from core_identity.lookup_keys import named_any
from core_identity.signals import ErasedTraces
from scim.models import Payload, ProvisioningRecord


def erase_from_log(*, traces: ErasedTraces, **_: Any) -> None:
    """Delete the payloads of requests that were about a person or contain one of their names; blank the sentence for the client, and the keys.

    The rows are found by the id in the address, by a member's id, and by each name, within the connections of the person's customer.
    """
    theirs = Q(resource_id__in=traces.scim_ids) | named_any([*traces.names, *map(str, traces.scim_ids)])
    found = ProvisioningRecord.objects.filter(theirs, connection_id__in=traces.connections).order_by()
    ids = list(found.values_list("pk", flat=True))
    Payload.objects.filter(record_id__in=ids).delete()
    ProvisioningRecord.objects.filter(pk__in=ids).update(sentence="", keys=[])

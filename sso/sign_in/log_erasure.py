"""Erase a person from the sign-in log: the names that they claimed, and sentences that may quote them (R34, R35)."""

from typing import Any

from django.db.models import Q

from core_identity.lookup_keys import named_any
from core_identity.signals import ErasedTraces
from sso.models import SignInKind, SignInRecord


def erase_from_log(*, traces: ErasedTraces, **_: Any) -> None:
    """Blank the names in each row of a person. A row is found by the user, or within the connections of the customer by a name."""
    named = named_any(traces.names) & Q(connection_id__in=traces.connections)
    ids = list(SignInRecord.objects.filter(Q(user_id__in=traces.users) | named).order_by().values_list("pk", flat=True))
    found = SignInRecord.objects.filter(pk__in=ids)
    found.filter(kind=SignInKind.PERSON_REFUSED).update(decision="")
    found.update(name_id="", uid="", email="", keys=[])

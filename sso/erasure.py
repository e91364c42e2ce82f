"""Erase a person from the sign-in log, from sign-ins in progress, and an administrator from the proofs of domains (R34, R35)."""

from typing import Any

from django.db.models import Q

from core_identity.lookup_keys import named_any
from core_identity.signals import ERASED, ErasedTraces
from sso.models import SignInKind, SignInRecord, SignInState, SsoSession, VerifiedDomain
from sso.settings.email_domains import BY_DNS


def erase_from_log(*, traces: ErasedTraces, **_: Any) -> None:
    """Blank the names in each row of a person. A row is found by the user, or within the connections of the customer by a name."""
    named = named_any(traces.names) & Q(connection_id__in=traces.connections)
    ids = list(SignInRecord.objects.filter(Q(user_id__in=traces.users) | named).order_by().values_list("pk", flat=True))
    found = SignInRecord.objects.filter(pk__in=ids)
    found.filter(kind=SignInKind.PERSON_REFUSED).update(decision="")
    found.update(name_id="", uid="", email="", keys=[])


def erase_from_sign_ins(*, traces: ErasedTraces, **_: Any) -> None:
    """Delete the sign-ins in progress and the IdP's names for sessions. The sessions have ended, because the person is expired."""
    SignInState.objects.filter(identity__in=traces.identities).delete()
    SsoSession.objects.filter(identity__in=traces.identities).delete()


def erase_from_domains(*, traces: ErasedTraces, **_: Any) -> None:
    """Blank the name of an administrator who verified domains, or whose set-up link did."""
    for name in traces.usernames:
        by_link = f"(link by {name})"
        theirs = Q(verified_by__in=[name, f"{name}{BY_DNS}"]) | Q(verified_by__contains=by_link)
        VerifiedDomain.objects.filter(theirs).update(verified_by=ERASED)

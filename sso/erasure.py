"""Erase a person from what `sso` stores beside its log (R34)."""

from typing import Any

from django.db.models import Q

from core_identity.signals import ERASED, ErasedTraces
from sso.models import SignInState, SsoSession, VerifiedDomain
from sso.settings.email_domains import BY_DNS


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

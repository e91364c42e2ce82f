"""Warnings before trust ends: certificates and metadata of IdPs, and our own SAML keys (R36)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import OuterRef, Subquery

from core_identity.values import NOTICE
from sso.models import KeyState, SamlSettings, SpKey
from sso.saml.certificates import end_of, fingerprint

URGENT: Final = timedelta(days=7)


class Severity(StrEnum):
    NOTICE = "Notice"
    WARNING = "Warning"
    CRITICAL = "Critical"


@dataclass(frozen=True, slots=True)
class TrustWarning:
    """A sentence for an administrator. ``is_ours``: it is about a key of ours, not about the trust in the IdP."""

    severity: Severity
    sentence: str
    is_ours: bool = False

    def __str__(self) -> str:
        return f"{self.severity}: {self.sentence}"


def trust_that_ends(now: datetime) -> list[tuple[str, list[TrustWarning]]]:
    """Return the slugs of live connections that have warnings, with these warnings: `warnings_of`, and one about our active key. One query."""
    active = SpKey.objects.filter(connection=OuterRef("connection"), state=KeyState.ACTIVE).values("certificate")
    live = SamlSettings.objects.select_related("connection").filter(connection__enabled=True)
    found = (
        (saml.connection.slug, [*warnings_of(saml, now), *_of_our_key(saml.our_certificate, now)])
        for saml in live.annotate(our_certificate=Subquery(active)).order_by("connection__slug")
    )
    return [(slug, warnings) for slug, warnings in found if warnings]


def warnings_of(saml: SamlSettings, now: datetime) -> list[TrustWarning]:
    """Return the warnings about the trust in an IdP at ``now`` (aware): 30, 7 and 0 days before an end."""
    warnings = endings(saml.certificates, now)
    if saml.metadata_valid_until:
        warnings += _ending("The metadata of the identity provider", saml.metadata_valid_until, now)
    if saml.proposed:
        sentence = "The last refresh found changes. An administrator must review them."
        warnings.append(TrustWarning(Severity.NOTICE, sentence))
    if saml.refresh_fault:
        warnings.append(TrustWarning(Severity.WARNING, f"The last refresh failed. {saml.refresh_fault}"))
    return warnings


def endings(certificates: Iterable[str], now: datetime) -> list[TrustWarning]:
    """Return a warning for each certificate (PEM) of an IdP that ends soon or has ended."""
    return [
        warning
        for pem in certificates
        for warning in _ending(f"The signing certificate {fingerprint(pem)}", end_of(pem), now)
    ]


def _of_our_key(certificate: str | None, now: datetime) -> list[TrustWarning]:
    return [] if certificate is None else _ending("Our active SAML key", end_of(certificate), now, is_ours=True)


def _ending(what: str, end: datetime, now: datetime, *, is_ours: bool = False) -> list[TrustWarning]:
    """Return one warning, or none while the end is far away."""
    left = end - now
    if left <= timedelta(0):
        return [TrustWarning(Severity.CRITICAL, f"{what} ended on {end.date()}.", is_ours)]
    if left >= NOTICE:
        return []
    severity = Severity.WARNING if left < URGENT else Severity.NOTICE
    return [TrustWarning(severity, f"{what} ends on {end.date()}, in {left.days} days.", is_ours)]

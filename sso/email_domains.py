"""Which email domains lead from the sign-in page to a connection: those that stand in its settings, and that an administrator verified.

A domain opens nothing. But whoever types an address of it is sent to the identity provider of its connection, so a wrong one would lead the people of
one company to the password page of another.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core_identity.errors import InvalidValue
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.values import Actor
from sso.models import SamlSettings, VerifiedDomain

if TYPE_CHECKING:
    from core_identity.models import Connection

PUBLIC_MAIL: Final = frozenset(
    {
        "126.com", "163.com", "aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.com",
        "gmx.de", "gmx.net", "googlemail.com", "hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.fr", "icloud.com",
        "laposte.net", "libero.it", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com",
        "orange.fr", "outlook.com", "outlook.de", "pm.me", "proton.me", "protonmail.com", "qq.com", "rocketmail.com",
        "t-online.de", "tuta.com", "tutanota.com", "web.de", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.de",
        "yahoo.fr", "yandex.com", "yandex.ru", "ymail.com", "zoho.com",
    }
)  # fmt: skip
"""Anybody can have an address there. Not all of them, but those that get into a list by mistake."""

_FIELD: Final = "saml.email_domains"
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_LONGEST: Final = 1000
_TWO_MEANINGS: Final = frozenset("ßς\u200c\u200d")
"""What Python's IDNA (2003) folds into other letters and today's registries keep apart: faß.example is not fass.example."""


def normal_domain(text: str) -> str:
    """Return a domain as it is compared: small letters, IDNA, no dot at its end; empty where it is none. A subdomain is a domain of its own.

    Not R5's comparison, which is made for names of people: by it different domains would be one.
    """
    domain = text.strip().removesuffix(".").lower()
    if len(domain) > _LONGEST or _TWO_MEANINGS & set(domain):
        return ""
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return domain if _DOMAIN.fullmatch(domain) else ""


def verified_domains(connection: "Connection") -> QuerySet[VerifiedDomain]:
    """Return the domains that lead to ``connection``, in order."""
    return VerifiedDomain.objects.filter(connection=connection).order_by("domain")


@transaction.atomic
def verify_domain(*, actor: Actor, connection: "Connection", domain: str, reason: str = "") -> None:
    """Let ``domain`` lead to ``connection``, in whose settings it stands. Raises `InvalidValue`: it does not, or another customer has it.

    One domain leads to one customer. Were both offered, one customer could show the people of another a way to its own password page.
    """
    name = normal_domain(domain)
    _require_entered(connection, name or domain)
    # Two customers at the same instant: the row that would be in the way may not be there yet, so no row lock could hold it.
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sso.email_domain'), hashtext(%s))", [name])
    held = VerifiedDomain.objects.filter(domain=name)
    other = held.exclude(connection__customer=connection.customer_id).select_related("connection").first()
    if other is not None:
        raise InvalidValue(
            _FIELD,
            f"{name} leads to another customer through the connection {other.connection.slug}. Remove it there first.",
        )
    if held.filter(connection=connection).exists():
        return
    VerifiedDomain.objects.create(
        connection=connection, domain=name, verified_at=timezone.now(), verified_by=actor.label[:300]
    )
    _record(actor, connection, EventKind.DOMAIN_VERIFIED, (None, name), reason)


@transaction.atomic
def unverify_domain(*, actor: Actor, connection: "Connection", domain: str, reason: str = "") -> None:
    """Let ``domain`` lead to ``connection`` no more; it stays in the settings. Nothing happens where it did not."""
    name = normal_domain(domain)
    if verified_domains(connection).filter(domain=name).delete()[0]:
        _record(actor, connection, EventKind.DOMAIN_UNVERIFIED, (name, None), reason)


def keep_only(*, actor: Actor, connection: "Connection", entered: Collection[str]) -> None:
    """Take back every domain that stands in the settings of ``connection`` no more. Inside the transaction of the change."""
    for gone in verified_domains(connection).exclude(domain__in=entered):
        unverify_domain(actor=actor, connection=connection, domain=gone.domain)


def _require_entered(connection: "Connection", domain: str) -> None:
    """Hold the settings until the end of the transaction, so that it cannot be taken out meanwhile."""
    saml = SamlSettings.objects.select_for_update().filter(connection=connection).first()
    if saml is None or domain not in saml.email_domains:
        raise InvalidValue(
            _FIELD, f"{domain} is not among the email domains of {connection.slug}. Enter it there first."
        )


def _record(
    actor: Actor, connection: "Connection", kind: EventKind, change: tuple[object, object], reason: str
) -> None:
    events.record(actor=actor, kind=kind, subject=connection, changes={"domain": change}, reason=reason)

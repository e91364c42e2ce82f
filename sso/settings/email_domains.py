"""Email domains that lead from the sign-in page to a connection: only those in its settings that are verified, by an administrator or by DNS.

A domain gives no access. But a person who types an address with this domain is sent to the IdP of the connection. A wrong domain would send the
people of one company to the password page of another.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from django.db import connection as database
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from core_identity.errors import InvalidValue
from core_identity.event_kinds import EventKind
from core_identity.services import events
from core_identity.services.permissions import require_superuser_for_own_idp
from core_identity.values import Actor, ActorKind
from sso.models import SamlSettings, VerifiedDomain
from sso.settings.domain_proof import Finding, record_for, require_proof, state_of_proof

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
"""Domains at which anybody can have an address. The list is not complete: it contains those that people enter by mistake."""

_FIELD: Final = "saml.email_domains"
BY_DNS: Final = ", by a DNS record"
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9]+\Z)[a-z0-9-]{2,63}")
_LONGEST: Final = 1000
_TWO_MEANINGS: Final = frozenset("ßς\u200c\u200d")
"""Letters that Python's IDNA (2003) replaces, and today's registries do not: faß.example and fass.example are two domains."""


def normal_domain(text: str) -> str:
    """Return a domain in its compared form: small letters, IDNA, no dot at the end. Empty if ``text`` is not a domain.

    A subdomain is a separate domain. The comparison of R5 is for names of people: it would make different domains equal.
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


class DomainHeld(InvalidValue):
    """The domain leads to another connection. The message names it, so it is for administrators only."""


def prove_domain(*, actor: Actor, connection: "Connection", domain: str) -> None:
    """Let ``domain`` lead to ``connection`` because of its DNS record. Raises as `look_for_proof` and `verify_domain` do."""
    look_for_proof(connection, domain)
    verify_domain(actor=actor, connection=connection, domain=domain, by_dns=True)


def look_for_proof(connection: "Connection", domain: str) -> None:
    """Return if the DNS record of ``domain`` is published. Raise `InvalidValue` without one, or if the domain is not in the settings.

    It asks DNS, which may take seconds: call it outside of a transaction.
    """
    name = normal_domain(domain)
    with transaction.atomic():
        _require_entered(connection, name or domain)
    require_proof(connection, name)


def check_again(connection: "Connection", domain: str) -> tuple[Finding, str]:
    """Return what DNS answers now about a verified domain, as `state_of_proof`. It changes nothing. Raises `InvalidValue` if it is not verified."""
    name = normal_domain(domain)
    if not verified_domains(connection).filter(domain=name).exists():
        raise InvalidValue(_FIELD, f"{name or domain} is not verified.")
    return state_of_proof(connection, name)


@transaction.atomic
def verify_domain(
    *, actor: Actor, connection: "Connection", domain: str, reason: str = "", by_dns: bool = False
) -> None:
    """Let ``domain`` lead to ``connection``. Raises `InvalidValue` if it is not in its settings, and `DomainHeld` if another customer has it.

    One domain leads to one customer. Otherwise one customer could show the people of another a link to its own password page. A set-up link may
    not share a domain between connections of its own customer either: an administrator decides that (R38).
    """
    require_superuser_for_own_idp(actor, connection)
    name = normal_domain(domain)
    _require_entered(connection, name or domain)
    # Two customers may verify the same domain at the same instant. Neither sees the other's row, so a row lock cannot prevent it.
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sso.email_domain'), hashtext(%s))", [name])
    rows = VerifiedDomain.objects.filter(domain=name)
    is_ours = (
        Q(connection=connection)
        if actor.kind is ActorKind.SETUP_LINK
        else Q(connection__customer=connection.customer_id)
    )
    other = rows.exclude(is_ours).select_related("connection").first()
    if other is not None:
        raise DomainHeld(
            _FIELD,
            f"{name} leads to another customer through the connection {other.connection.slug}. Remove it there first.",
        )
    if rows.filter(connection=connection).exists():
        return
    how = BY_DNS if by_dns else ""
    VerifiedDomain.objects.create(
        connection=connection, domain=name, verified_at=timezone.now(), verified_by=actor.label[: 300 - len(how)] + how
    )
    if by_dns:
        reason = f"The TXT record {record_for(connection, name).name} was found. {reason}".strip()
    _record(actor, connection, EventKind.DOMAIN_VERIFIED, (None, name), reason)


@transaction.atomic
def unverify_domain(*, actor: Actor, connection: "Connection", domain: str, reason: str = "") -> None:
    """Stop ``domain`` from leading to ``connection``. It stays in the settings. Does nothing if it is not verified."""
    require_superuser_for_own_idp(actor, connection)
    name = normal_domain(domain)
    if verified_domains(connection).filter(domain=name).delete()[0]:
        _record(actor, connection, EventKind.DOMAIN_UNVERIFIED, (name, None), reason)


def keep_only(*, actor: Actor, connection: "Connection", entered: Collection[str]) -> None:
    """Unverify every domain that is no longer in the settings of ``connection``. Call it in the transaction of the change."""
    for gone in verified_domains(connection).exclude(domain__in=entered):
        unverify_domain(actor=actor, connection=connection, domain=gone.domain)


def _require_entered(connection: "Connection", domain: str) -> None:
    """Lock the settings until the end of the transaction, so that nobody removes the domain from them meanwhile."""
    saml = SamlSettings.objects.select_for_update().filter(connection=connection).first()
    if saml is None or domain not in saml.email_domains:
        raise InvalidValue(
            _FIELD, f"{domain} is not among the email domains of {connection.slug}. Enter it there first."
        )


def _record(
    actor: Actor, connection: "Connection", kind: EventKind, change: tuple[object, object], reason: str
) -> None:
    events.record(actor=actor, kind=kind, subject=connection, changes={"domain": change}, reason=reason)

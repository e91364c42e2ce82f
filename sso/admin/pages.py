"""SAML on the page of a connection: its pages, its settings, its warnings and its health."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils import timezone

from core_identity.admin_kit.health import MOST, HealthRow, end_row, failures_row, last_row
from core_identity.admin_kit.limits import Limits, per_minute
from core_identity.admin_kit.pages import AddressOf, ConnectionPart
from core_identity.selectors.newest import newest_of
from core_identity.selectors.sign_ins import LAST_SIGN_IN
from core_identity.templatetags.core_pages import or_more
from sso.admin.domains import DomainsPage
from sso.admin.inline import SamlSettingsInline
from sso.admin.keys import KeyPage, KeysPage
from sso.admin.locked_out import LockedOutPage
from sso.admin.metadata import MetadataPage
from sso.admin.proposed import ProposedMetadataPage
from sso.admin.settings import SettingsPage
from sso.admin.sign_in_tests import BeginTestPage, TestResultPage
from sso.models import SignInKind, SignInRecord
from sso.saml.certificates import end_of
from sso.settings.keys import keys_of
from sso.settings.trust_warnings import warnings_of
from sso.sign_in.lockout import lockout_of
from sso.sign_in.log import MOST_COUNTED, refused_lately

if TYPE_CHECKING:
    from core_identity.models import Connection


def facts(connection: "Connection") -> Mapping[str, Any]:
    saml = getattr(connection, "saml", None)
    return {
        "saml": saml,
        "refused_lately": refused_lately(connection.slug),
        "lockout": lockout_of(connection),
        "our_keys": keys_of(connection) if saml else [],
        "trust_warnings": warnings_of(saml, timezone.now()) if saml else [],
    }


def health(connection: "Connection", facts: Mapping[str, Any], address_of: AddressOf) -> Iterator[HealthRow]:
    log = f"{reverse('admin:sso_signinrecord_changelist')}?connection={connection.slug}"
    with_tests = newest_of(SignInRecord.objects.filter(connection_id=connection.pk), connection_slug=connection.slug)
    records = with_tests.filter(is_test=False)
    yield last_row("Last sign-in", facts["lockout"].last_sign_in, log)
    newest = records.values_list("at", "kind")[:MOST]
    refused = ((at, kind != SignInKind.SIGNED_IN) for at, kind in newest if kind != SignInKind.SIGNED_OUT)
    yield failures_row("Refused sign-ins, 24 h", refused, f"{log}&outcome=refused")
    if (saml := facts["saml"]) is None:
        return
    if (lockout := facts["lockout"]).refused:
        refused_words = f"{or_more(lockout.refused, MOST_COUNTED)} refused"
        yield HealthRow("Unknown certificate", refused_words, address_of("locked-out"), "trouble")
    now, metadata = timezone.now(), address_of("metadata")
    yield end_row("Signing certificate", max(end_of(pem) for pem in saml.certificates), metadata, now)
    if saml.metadata_valid_until:
        yield end_row("Metadata", saml.metadata_valid_until, metadata, now)
    for key in facts["our_keys"]:
        yield end_row(f"Our {key.state} key", end_of(key.certificate), address_of("keys"), now)


def limits(connection: "Connection") -> Limits:
    """Return the limits of sign-ins. A sign-in that a limit refuses leaves no row: the log of the process has a line."""
    return Limits(
        [
            per_minute("Sign-ins begun, a minute", "SIGN_INS_OF_A_CONNECTION_PER_MINUTE"),
            per_minute("Sign-ins begun by one network address, a minute", "SIGN_INS_PER_MINUTE"),
            per_minute("SAML messages refused from one network address, a minute", "SIGN_IN_FAILURES_PER_MINUTE"),
        ]
    )


SAML: Final = ConnectionPart(
    pages=(
        SettingsPage,
        DomainsPage,
        KeysPage,
        KeyPage,
        MetadataPage,
        LockedOutPage,
        ProposedMetadataPage,
        BeginTestPage,
        TestResultPage,
    ),
    inline=SamlSettingsInline,
    facts=facts,
    columns={"signed_in": LAST_SIGN_IN},
    related=("saml",),
    health=health,
    limits=limits,
)

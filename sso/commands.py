"""The acts of the command `connection` about SAML: metadata of IdPs, our keys, email domains. The command itself is in `core_identity.config`."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from core_identity.brand import BRAND
from core_identity.command_line import REFUSED, AnsweringCommand, changing
from core_identity.errors import SettingsError, SettingsErrors
from core_identity.selectors.connections import connection_by_slug
from sso.models import SamlSettings
from sso.settings.changes import event_changes
from sso.settings.domain_proof import record_for
from sso.settings.email_domains import look_for_proof, unverify_domain, verified_domains, verify_domain
from sso.settings.idp_changes import adopt, difference, read_source, refresh, settings_or_new
from sso.settings.keys import activate_key, certificate_facts, delete_key, keys_of, make_key, seal_again
from sso.settings.trust_warnings import warnings_of

_MAX_FILE: Final = 1024 * 1024


class IdpActs(AnsweringCommand):
    def add_idp_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        reading = add("metadata", "show what the metadata of an IdP would change; adopt it with --apply")
        reading.add_argument("slug", metavar="SLUG")
        source = reading.add_mutually_exclusive_group()
        source.add_argument("--file", metavar="FILE", help="a file; - reads stdin")
        source.add_argument("--url", default="", help="https, on the public Internet")
        reading.add_argument(
            "--entity-id", default="", metavar="ID", help="which IdP, if the metadata describes several"
        )
        reading.add_argument("--keep-url", action="store_true", help="store --url for refreshes")
        reading.add_argument("--apply", action="store_true", help="adopt it; default: only show it")
        reading.add_argument("--reason", default="", metavar="WHY", help="the reason, stored in the events")
        refreshing = add(
            "refresh-metadata",
            "fetch the metadata from the stored addresses (for cron); changes are pending until adopted",
        )
        refreshing.add_argument(
            "slug", metavar="SLUG", nargs="?", help="default: every live connection with a stored address"
        )

    def act_metadata(
        self,
        *,
        slug: str,
        file: str | None,
        url: str,
        entity_id: str,
        keep_url: bool,
        apply: bool,
        reason: str,
        json: bool,
        **_: Any,
    ) -> None:
        connection = connection_by_slug(slug)
        xml = _bytes(file) if file is not None else None
        read, _proposed = read_source(connection, xml=xml, url=url, entity_id=entity_id)
        kept = url if keep_url and url else None
        found = difference(settings_or_new(connection), read, url=kept)
        if apply:
            adopt(actor=self.actor, connection=connection, read=read, seen=found.seen, url=kept, reason=reason)
        lines = [*(found.lines() or [f"Nothing changes: {BRAND} has these values already."]), *found.notes]
        changes = {
            name: [_plain(before), _plain(after)] for name, (before, after) in event_changes(found.changes).items()
        }
        document = {"connection": slug, "changes": changes, "notes": list(found.notes), "applied": apply}
        self.answer(
            document,
            as_json=json,
            lines=[*lines, "Adopted." if apply else "Nothing was adopted. Add --apply to adopt these changes."],
        )

    def act_refresh_metadata(self, *, slug: str | None, json: bool, **_: Any) -> None:
        """Exit 1 if one of them failed, after all were tried."""
        if slug is not None:
            connections = [connection_by_slug(slug)]
        else:
            kept = SamlSettings.objects.select_related("connection").exclude(metadata_url="")
            connections = [
                saml.connection for saml in kept.filter(connection__enabled=True).order_by("connection__slug")
            ]
        answers, lines = [], []
        for connection in connections:
            result = refresh(actor=self.actor, connection=connection)
            warnings = [str(one) for one in warnings_of(settings_or_new(connection), timezone.now())]
            answers.append(
                {
                    "connection": connection.slug,
                    "faults": result.faults,
                    "waiting": result.waiting,
                    "warnings": warnings,
                }
            )
            lines += [f"{connection.slug}: {line}" for line in (*result.waiting, *warnings)] or [
                f"{connection.slug}: in order"
            ]
        self.answer({"connections": answers}, as_json=json, lines=lines or ["No connection has a stored address."])
        if any(answer["faults"] for answer in answers):
            sys.exit(REFUSED)


class SamlActs(AnsweringCommand):
    def add_saml_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        keeping = changing(
            add("saml-keys", "change our own SAML keys of a connection; a rollover is create, activate, delete")
        )
        keeping.add_argument("slug", metavar="SLUG")
        keeping.add_argument(
            "step",
            choices=("create", "activate", "delete", "seal-again"),
            help="create: the first key, or the next one, which our metadata announces; activate: let the next one sign; "
            "delete: the old one; seal-again: encrypt them with the first of SAML_KEY_ENCRYPTION_KEYS",
        )
        verifying = changing(
            add(
                "verify-domain",
                "verify that an email domain belongs to the customer: the sign-in page then leads to the connection",
            )
        )
        verifying.add_argument("slug", metavar="SLUG")
        verifying.add_argument("domain", metavar="DOMAIN")
        verifying.add_argument("--by-dns", action="store_true", help="only if its DNS TXT record is published")
        verifying.add_argument("--undo", action="store_true", help="undo the verification")

    def act_saml_keys(self, *, slug: str, step: str, reason: str, json: bool, **_: Any) -> None:
        connection = connection_by_slug(slug)
        act = {"create": make_key, "activate": activate_key, "delete": delete_key, "seal-again": seal_again}[step]
        act(actor=self.actor, connection=connection, reason=reason)
        keys = []
        for key in keys_of(connection):
            fingerprint, ends = certificate_facts(key.certificate)
            facts = {"state": key.state, "sha256": fingerprint, "ends_at": ends.isoformat()}
            keys.append(facts | {"certificate": key.certificate})
        lines = [f"{one['state']:<6}  {one['sha256']}  ends {one['ends_at']}" for one in keys]
        self.answer({"connection": slug, "keys": keys}, as_json=json, lines=lines)

    def act_verify_domain(
        self, *, slug: str, domain: str, by_dns: bool, undo: bool, reason: str, json: bool, **_: Any
    ) -> None:
        connection = connection_by_slug(slug)
        if by_dns and not undo:
            look_for_proof(connection, domain)
        if undo:
            unverify_domain(actor=self.actor, connection=connection, domain=domain, reason=reason)
        else:
            verify_domain(actor=self.actor, connection=connection, domain=domain, reason=reason, by_dns=by_dns)
        verified = {one.domain: one for one in verified_domains(connection)}
        domains: list[dict[str, Any]] = []
        entered = SamlSettings.objects.filter(connection=connection).values_list("email_domains", flat=True).first()
        for name in entered or []:
            one = verified.get(name)
            at, by = (one.verified_at.isoformat(), one.verified_by) if one else (None, None)
            domains.append(
                {"domain": name, "verified_at": at, "verified_by": by, "record": asdict(record_for(connection, name))}
            )
        lines = [
            f"{one['domain']}: {'verified by ' + str(one['verified_by']) if one['verified_at'] else 'not verified'}"
            for one in domains
        ]
        self.answer({"connection": slug, "domains": domains}, as_json=json, lines=lines)


def _bytes(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(_MAX_FILE + 1)
        with Path(file).open("rb") as opened:
            return opened.read(_MAX_FILE + 1)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}."
        raise SettingsErrors([SettingsError("file", "unreadable", message)]) from error


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value

"""What `connection` can do about the metadata of IdPs; the command itself is in `management/commands`."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from core_identity.config.answers import REFUSED, AnsweringCommand
from core_identity.selectors.connections import connection_by_slug
from core_identity.services.connections import SettingsError, SettingsErrors
from sso.connections import event_changes
from sso.idp_changes import adopt, difference, read_source, refresh, settings_or_new, warnings_of
from sso.models import SamlSettings

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
        lines = [*(found.lines() or ["Nothing changes: CORE has all of it already."]), *found.notes]
        changes = {
            name: [_plain(before), _plain(after)] for name, (before, after) in event_changes(found.changes).items()
        }
        document = {"connection": slug, "changes": changes, "notes": list(found.notes), "applied": apply}
        self.answer(document, as_json=json, lines=[*lines, "Adopted." if apply else "Shown only: --apply adopts it."])

    def act_refresh_metadata(self, *, slug: str | None, json: bool, **_: Any) -> None:
        """Exit 1 where one of them failed, after all had their turn."""
        if slug is not None:
            connections = [connection_by_slug(slug)]
        else:
            kept = SamlSettings.objects.select_related("connection").exclude(metadata_url="")
            connections = [
                saml.connection for saml in kept.filter(connection__enabled=True).order_by("connection__slug")
            ]
        answers, lines = [], []
        for connection in connections:
            went = refresh(actor=self.actor, connection=connection)
            warned = warnings_of(settings_or_new(connection), timezone.now())
            answers.append(
                {"connection": connection.slug, "faults": went.faults, "waiting": went.waiting, "warnings": warned}
            )
            lines += [f"{connection.slug}: {line}" for line in (*went.waiting, *warned)] or [
                f"{connection.slug}: in order"
            ]
        self.answer({"connections": answers}, as_json=json, lines=lines or ["No connection has a stored address."])
        if any(answer["faults"] for answer in answers):
            sys.exit(REFUSED)


def _bytes(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(_MAX_FILE + 1)
        with Path(file).open("rb") as opened:
            return opened.read(_MAX_FILE + 1)
    except OSError as error:
        told_why = f"{file} cannot be read: {error.strerror}."
        raise SettingsErrors([SettingsError("file", "unreadable", told_why)]) from error


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value

import json
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from core_identity.config.apply import apply
from core_identity.config.demo_customer import SLUG as GLOBEX
from core_identity.config.demo_customer import ensure_customer, keep_setup_link
from core_identity.config.demo_data import empty_demo
from core_identity.errors import NotFound
from core_identity.selectors.connections import connection_by_slug
from core_identity.selectors.users import find_user
from core_identity.services.users import create_user
from core_identity.values import Actor, ActorKind, Channel
from sso.settings.keys import make_key_where_none

SLUG = "acme"
ADMINISTRATOR = "admin"
ACTOR = Actor(Channel.ADMIN, ActorKind.SYSTEM, "demo seed")


class Command(BaseCommand):
    help = "Migrate the database and create the demo's customer, connection, roles and administrator. Idempotent; only where DEMO is on."

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--idp-metadata", required=True, type=Path, help="metadata of the demo IdP")
        parser.add_argument(
            "--answer", required=True, type=Path, help="file for the values that the simulated Okta needs"
        )
        parser.add_argument(
            "--redirect-uri", action="append", default=[], help="redirect URI of the demo's Okta; repeatable"
        )
        parser.add_argument("--begin-again", action="store_true", help="first delete everything but the administrator")

    def handle(
        self,
        *args: Any,
        idp_metadata: Path,
        answer: Path,
        redirect_uri: list[str],
        begin_again: bool = False,
        **options: Any,
    ) -> None:
        if not settings.DEMO:
            raise CommandError("seed_demo is for the demo only: DEMO is not on.")
        _migrate()
        if begin_again:
            empty_demo(slugs=(SLUG, GLOBEX), administrator=ADMINISTRATOR)
        known = _read(answer)
        (answers,) = apply(
            actor=ACTOR,
            content=_description(idp_metadata, redirect_uri),
            base_dir=idp_metadata.resolve().parent,
            # The secret is shown once, and only its hash is stored. If the file is lost, a new secret is made.
            rotate_secret="client_secret" not in known,
        )
        # A key of ours, so that the demo's Okta can encrypt to it and sign people out.
        make_key_where_none(actor=ACTOR, connection=connection_by_slug(SLUG))
        _write(answer, {**answers, "client_secret": answers.get("client_secret", known.get("client_secret"))})
        password = _administrator(answer.with_name("administrator"))
        globex = ensure_customer(ACTOR)
        file = answer.with_name("globex.json")
        _write(file, keep_setup_link(ACTOR, globex, file, created_by=ADMINISTRATOR))
        if password:
            self.stdout.write(f"Administrator: {ADMINISTRATOR}\nPassword:      {password}")


def _migrate() -> None:
    """Run `migrate`, but only if there is something to do: each run costs a second."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0, skip_checks=False)  # a check refuses an older database


def _description(idp_metadata: Path, redirect_uris: list[str]) -> dict[str, Any]:
    return {
        "roles": ["Editors", "Viewers"],
        "connections": [
            {
                "slug": SLUG,
                "name": "Acme Studios",
                "customer": "Acme",
                "uid": {"attribute": "UID", "rule": "name"},
                "roles": {"grantable": ["Editors", "Viewers"], "from": "push_groups"},
                "saml": {"idp_metadata": idp_metadata.name},
                "scim": {
                    "grants": ["authorization_code", "client_credentials"],
                    "redirect_uris": redirect_uris,
                },
            },
        ],
    }


def _administrator(file: Path) -> str | None:
    """Create the demo's administrator if missing, and keep the password in ``file``, which only its owner can read.

    Return the password, or None if somebody changed it.
    """
    kept = file.read_text(encoding="utf-8") if file.is_file() else ""
    try:
        administrator = find_user(ADMINISTRATOR)
    except NotFound:
        password = secrets.token_urlsafe(12)
        create_user(
            actor=ACTOR,
            username=ADMINISTRATOR,
            email="admin@core.test",
            is_staff=True,
            is_superuser=True,
            password=password,
        )
        _write_private(file, password)
        return password
    return kept if kept and administrator.check_password(kept) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and content.get("client_secret") else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    _write_private(path, json.dumps(content, indent=2))


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")

"""What `connection` can do about our SAML keys and about email domains; the command itself is in `management/commands`."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from core_identity.config.answers import AnsweringCommand, changing
from core_identity.selectors.connections import connection_by_slug
from sso.email_domains import unverify_domain, verified_domains, verify_domain
from sso.keys import activate_key, certificate_facts, keys_of, make_key, retire_key, seal_again
from sso.models import SamlSettings


class SamlActs(AnsweringCommand):
    def add_saml_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        keeping = changing(
            add("saml-keys", "change our own SAML keys of a connection; a rollover is make, activate, retire")
        )
        keeping.add_argument("slug", metavar="SLUG")
        keeping.add_argument(
            "step",
            choices=("make", "activate", "retire", "seal-again"),
            help="make: the first key, or the next one, which our metadata announces; activate: let the next one sign; "
            "retire: forget the old one; seal-again: encrypt them with the first of SAML_KEY_ENCRYPTION_KEYS",
        )
        verifying = changing(
            add(
                "verify-domain",
                "let an email domain of a connection lead there from the sign-in page: it is the customer's",
            )
        )
        verifying.add_argument("slug", metavar="SLUG")
        verifying.add_argument("domain", metavar="DOMAIN")
        verifying.add_argument("--undo", action="store_true", help="undo the verification")

    def act_saml_keys(self, *, slug: str, step: str, reason: str, json: bool, **_: Any) -> None:
        connection = connection_by_slug(slug)
        act = {"make": make_key, "activate": activate_key, "retire": retire_key, "seal-again": seal_again}[step]
        act(actor=self.actor, connection=connection, reason=reason)
        told = []
        for key in keys_of(connection):
            fingerprint, ends = certificate_facts(key.certificate)
            facts = {"state": key.state, "sha256": fingerprint, "ends_at": ends.isoformat()}
            told.append(facts | {"certificate": key.certificate})
        lines = [f"{one['state']:<6}  {one['sha256']}  ends {one['ends_at']}" for one in told]
        self.answer({"connection": slug, "keys": told}, as_json=json, lines=lines)

    def act_verify_domain(self, *, slug: str, domain: str, undo: bool, reason: str, json: bool, **_: Any) -> None:
        connection = connection_by_slug(slug)
        act = unverify_domain if undo else verify_domain
        act(actor=self.actor, connection=connection, domain=domain, reason=reason)
        verified = {one.domain: one for one in verified_domains(connection)}
        told: list[dict[str, str | None]] = []
        entered = SamlSettings.objects.filter(connection=connection).values_list("email_domains", flat=True).first()
        for name in entered or []:
            one = verified.get(name)
            at, by = (one.verified_at.isoformat(), one.verified_by) if one else (None, None)
            told.append({"domain": name, "verified_at": at, "verified_by": by})
        lines = [
            f"{one['domain']}: {'verified by ' + str(one['verified_by']) if one['verified_at'] else 'not verified'}"
            for one in told
        ]
        self.answer({"connection": slug, "domains": told}, as_json=json, lines=lines)

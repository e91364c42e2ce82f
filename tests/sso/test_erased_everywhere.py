"""After an erasure no table of the database names the person, whatever the person was: a user, or an administrator too (R34)."""

from dataclasses import replace

import pytest
from django.db import connection as database
from django.test import RequestFactory

import scim.connections
from core_identity import errors
from core_identity.models import Conflict, Connection, Identity, SetupLink, User
from core_identity.portal.links import actor_of, make_link, open_link
from core_identity.portal.trust import Proposed, propose
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.services.resolutions import dismiss
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import change_user, create_user
from core_identity.values import Actor, ActorKind, Channel
from scim.models import OAuthClient
from scim.oauth.consents import note_answer
from sso.settings.changes import apply
from sso.settings.email_domains import verify_domain
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.saml import TestIdp

pytestmark = pytest.mark.django_db

UIDS = ("core_identity_identityuid.uid_key", "core_identity_user.expired_snapshot")
"""Where the key of the UID stays."""


def places(pattern: str) -> list[str]:
    """Return each column of each table in which a text fits the pattern."""
    found = []
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            column_with_it = f'SELECT "{column}"::text FROM "{table}" WHERE "{column}"::text ~* %s LIMIT 1'  # noqa: S608 - names of the database
            cursor.execute(column_with_it, [pattern])
            if row := cursor.fetchone():
                found.append(f"{table}.{column}: {row[0][:150]}")
    return [one for one in found if not one.startswith(UIDS)]


def test_nothing_names_a_user_who_was_erased_R34(idp: TestIdp) -> None:
    acme = make_connection(roles_from="sso_groups")
    apply(acme, {"idp_metadata": idp.metadata()}, base_dir=None)
    browser, other = Browser(idp), Browser(idp)
    browser.sign_in(by_sso(JANE))
    other.come_back(by_sso(JANE))
    other.leave(next="/me")
    user = Identity.objects.get().user
    role = create_role(actor=ADMIN, name="Editors")
    grant_role(actor=ADMIN, user_id=user.pk, role_id=role.pk, reason="she asked")
    expire(actor=ADMIN, user_id=user.pk, reason="left")
    assert places("jane|doe")
    erase(actor=COMMAND, user_id=user.pk, reason="request 4711")
    assert places("jane|doe") == []


@pytest.mark.parametrize(("is_staff", "until_erased"), [(True, True), (False, True), (False, False)])
def test_nothing_names_an_administrator_who_was_erased_R34(is_staff: bool, until_erased: bool, idp: TestIdp) -> None:
    dora = create_user(
        actor=COMMAND,
        username="dora.quill",
        email="dora.quill@core.test",
        first_name="Dora",
        is_staff=is_staff,
        is_superuser=True,
    )
    by_dora = Actor(Channel.ADMIN, ActorKind.ADMIN, "dora.quill", id=str(dora.pk), request_id="REQADMIN2")
    acme = make_connection()
    section = {"idp_metadata": idp.metadata(), "email_domains": ["acme.test", "acme.example"]}
    apply(acme, section, base_dir=None, actor=by_dora)
    verify_domain(actor=by_dora, connection=acme, domain="acme.test", reason="known")
    link_acts(acme, dora, by_dora)
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email))
    dismiss(actor=by_dora, conflict_id=Conflict.objects.get().pk, reason="no")
    role = create_role(actor=by_dora, name="Editors")
    grant_role(actor=by_dora, user_id=jane.user_id, role_id=role.pk, reason="asked")
    expire(actor=by_dora, user_id=jane.user_id, reason="left")
    if not until_erased:
        change_user(actor=COMMAND, user_id=dora.pk, is_superuser=False)
    expire(actor=COMMAND, user_id=dora.pk, reason="left")
    assert len(places("dora|quill")) > 8
    erase(actor=COMMAND, user_id=dora.pk, reason="request 4711")
    assert places("dora|quill") == []
    assert User.objects.get(pk=jane.user_id).expired_by == "erased"


def link_acts(acme: Connection, dora: User, by_dora: Actor) -> None:
    """Let a set-up link by Dora prove a domain and propose a token, and let Dora consent for an OAuth client."""
    secret = make_link(actor=by_dora, connection=acme, created_by=dora)
    request = RequestFactory().get("/")
    assert open_link(request, secret)
    link = SetupLink.objects.get()
    by_link = actor_of(link, request)
    verify_domain(actor=by_link, connection=acme, domain="acme.example", by_dns=True)
    propose(actor=by_link, link=link, kind=Proposed.TOKEN)
    scim.connections.apply(acme, {}, rotate_secret=False, actor=by_dora)
    client = OAuthClient.objects.get()
    note_answer(actor=by_dora, client=client, user=dora, allowed=True, redirect_uri="https://acme.test")

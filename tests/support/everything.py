"""A connection with something for each warning, list, banner and link of the administration."""

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

import scim.connections
import sso.settings.changes
from core_identity import errors
from core_identity.models import Burst, Connection, Identity, SetupLink, SetupProposal, User
from core_identity.portal.links import make_link
from core_identity.portal.trust import Proposed
from core_identity.services.expiry import expire
from core_identity.services.groups import create_group
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import create_user
from core_identity.values import GroupChange, Person
from core_identity.write_guard import service_writes
from scim.models import OAuthClient, ProvisioningRecord
from scim.oauth.bearer_tokens import make_token
from sso.models import SignInRecord
from sso.settings.keys import make_key
from sso.sign_in.log import kind_of
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.saml import TestIdp
from tests.support.sign_in import sign_in


def make_everything(root: User) -> Connection:
    """Return the connection acme, which has Jane, and is set up by the superuser ``root``."""
    acme, now = make_connection(), timezone.now()
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    sso.settings.changes.apply(acme, {"idp_metadata": TestIdp().metadata()}, base_dir=None)
    make_key(actor=COMMAND, connection=acme)
    scim.connections.apply(acme, {"grants": ["client_credentials"]}, rotate_secret=False)
    role = create_role(actor=ADMIN, name="Copy editors")
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=role.pk, reason="covers for Sam")
    make_token(actor=COMMAND, connection=acme, name="Entra", lasts=timedelta(days=6))
    for name in (role.name, "Waiting"):
        create_group(actor=OKTA, connection=acme, change=GroupChange(display_name=name, add=frozenset({jane.scim_id})))
    _push(jane, replace(JANE, given_name="Janet"))
    third = replace(ZOE, uid="third", external_id="third", user_name="third@acme.test", email=JANE.email)
    try:
        create_person(actor=OKTA, connection=acme, person=third)
    except errors.Conflict:
        pass
    else:
        raise AssertionError("This push should open a conflict.")
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    _push(zoe, replace(ZOE, active=False))
    _push(zoe, ZOE)
    twice = replace(JANE, uid="j.doe", external_id=None, user_name=None, email="j.doe@acme.test")
    sign_in(actor=OKTA, connection=acme, person=by_sso(twice))
    boss = create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True)
    make_link(actor=ADMIN, connection=acme, created_by=root)
    with service_writes():
        Burst.objects.create(connection=acme, began_at=now, last_at=now)
        OAuthClient.objects.filter(connection=acme).update(consented_by=boss, consented_as="boss", consented_at=now)
        SetupLink.objects.filter(connection=acme).update(finished_at=now)
        for kind, payload in ((Proposed.TOKEN, ""), (Proposed.METADATA, TestIdp().metadata())):
            SetupProposal.objects.create(connection=acme, kind=kind, payload=payload, proposed_by="contact")
    expire(actor=COMMAND, user_id=boss.pk, reason="left")
    for code in ("signed_in", "signature", "audience"):
        SignInRecord.objects.create(
            at=now, connection_id=acme.pk, connection_slug=acme.slug, code=code, kind=kind_of(code)
        )
    for status in (200, 409):
        ProvisioningRecord.objects.create(
            at=now,
            method="POST",
            status=status,
            resource_type="Users",
            resource_id=jane.scim_id,
            duration_ms=1,
            connection_id=acme.pk,
            connection_slug=acme.slug,
        )
    return acme


def _push(identity: Identity, person: Person) -> None:
    change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=person.active is False,
    )

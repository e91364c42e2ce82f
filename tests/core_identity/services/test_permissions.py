"""R11, R26, R33: the services themselves refuse what only a superuser may do, whichever page or command calls them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Permission

import scim.connections
import sso.settings.changes
from core_identity import errors
from core_identity.clock import database_now
from core_identity.errors import NotAllowed
from core_identity.models import Burst, Conflict, Connection, Event, Grant, Identity, IdentityUid, PushGroup, Role, User
from core_identity.services.bursts import settle_burst
from core_identity.services.connections import (
    change_connection,
    create_connection,
    set_external_id_may_change,
    set_grantable_roles,
    switch_off,
    switch_on,
)
from core_identity.services.drift import accept_drift
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire, unexpire
from core_identity.services.groups import link_waiting
from core_identity.services.links import offer, release, relink, withdraw
from core_identity.services.merge import merge
from core_identity.services.push.provisioning import change_person, create_person
from core_identity.services.resolutions import different_people, dismiss, same_person
from core_identity.services.roles import change_role, create_role, delete_role, grant_role, revoke_role
from core_identity.services.split import split_off
from core_identity.services.succession import end_rekey, rekey, succeed
from core_identity.services.users import change_user, create_user, set_password
from core_identity.values import Actor, Channel
from scim.oauth.bearer_tokens import make_token, revoke_token
from scim.oauth.client_secrets import revoke_secret, rotate_secret
from sso.saml.idp_metadata import read_idp_metadata
from sso.settings.email_domains import unverify_domain, verify_domain
from sso.settings.idp_changes import adopt
from sso.settings.keys import activate_key, delete_key, make_key
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, make_connection
from tests.support.saml import TestIdp

pytestmark = pytest.mark.django_db
WHY = "because I can"
EVE = replace(JANE, uid="eve", external_id="00u9eve", user_name="eve@acme.test", email="eve@acme.test")


@dataclass
class Company:
    """An administrator without superuser rights, two ordinary people, and a person whom only a superuser may touch."""

    acme: Connection
    desk: Actor
    guarded: Identity
    other: Identity
    conflict: Conflict


def company(how: str) -> Company:
    acme = make_connection()
    desk = create_user(actor=COMMAND, username="desk", is_staff=True)
    guarded, other = (create_person(actor=OKTA, connection=acme, person=one).identity for one in (JANE, ZOE))
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(EVE, email=JANE.email))
    if how == "staff":
        change_user(actor=COMMAND, user_id=guarded.user_id, is_staff=True)
    else:
        vault = create_role(actor=COMMAND, name="Vault", marked_protected=True)
        grant_role(actor=COMMAND, user_id=guarded.user_id, role_id=vault.pk, reason="covers for Sam")
    return Company(acme, replace(ADMIN, id=str(desk.pk)), guarded, other, Conflict.objects.get())


def in_a_day() -> datetime:
    return database_now() + timedelta(days=1)


def everything() -> list[object]:
    models = (User, Identity, IdentityUid, Grant, Conflict, Connection, Role)
    return [list(model.objects.order_by("pk").values()) for model in models] + [Event.objects.count()]


@contextmanager
def refused() -> Iterator[None]:
    before = everything()
    with pytest.raises(NotAllowed, match=r"Only a superuser may .*\."):
        yield
    assert everything() == before


@pytest.mark.parametrize("how", ["staff", "protected role"])
def test_each_service_refuses_an_administrator_who_acts_on_staff_or_holders_of_protected_roles_R11_R33(
    how: str,
) -> None:
    it = company(how)
    user, identity = it.guarded.user_id, it.guarded.pk
    editors = create_role(actor=COMMAND, name="Editors")
    role = create_role(actor=COMMAND, name="Held")
    grant_role(actor=COMMAND, user_id=user, role_id=role.pk, reason="covers for Sam")
    drifted = replace(JANE, email="new@acme.test", active=None)
    change_person(actor=OKTA, connection=it.acme, scim_id=it.guarded.scim_id, read=lambda _: drifted, deactivates=False)
    successor = make_connection("successor")
    uid = IdentityUid.objects.get(identity=it.guarded)
    acts: list[Callable[[Actor], object]] = [
        lambda actor: expire(actor=actor, user_id=user, reason=WHY),
        lambda actor: change_user(actor=actor, user_id=user, email="eve@evil.test"),
        lambda actor: set_password(actor=actor, user_id=user, password="a long password of mine"),
        lambda actor: grant_role(actor=actor, user_id=user, role_id=editors.pk, reason="covers for Sam"),
        lambda actor: revoke_role(actor=actor, user_id=user, role_id=role.pk),
        lambda actor: relink(actor=actor, identity_id=identity, uid="eve", reason=WHY),
        lambda actor: accept_drift(actor=actor, user_id=user, identity_id=identity, fields=["email"], reason=WHY),
        lambda actor: merge(actor=actor, kept_id=it.other.user_id, gone_id=user, reason=WHY),
        lambda actor: merge(actor=actor, kept_id=user, gone_id=it.other.user_id, reason=WHY),
        lambda actor: same_person(actor=actor, conflict_id=it.conflict.pk, reason=WHY),
        lambda actor: different_people(actor=actor, conflict_id=it.conflict.pk, reason=WHY),
        lambda actor: dismiss(actor=actor, conflict_id=it.conflict.pk, reason=WHY),
        lambda actor: succeed(actor=actor, former_id=it.acme.pk, successor_id=successor.pk, reason=WHY),
    ]
    for act in acts:
        with refused():
            act(it.desk)
    expire(actor=COMMAND, user_id=user, reason="left")
    acts = [
        lambda actor: unexpire(actor=actor, user_id=user, reason=WHY),
        lambda actor: expire(actor=actor, user_id=user, reason=WHY),
        lambda actor: split_off(actor=actor, identity_id=identity, reason=WHY),
        lambda actor: release(actor=actor, uid_id=uid.pk, reason=WHY),
        lambda actor: erase(actor=actor, user_id=user, reason=WHY),
    ]
    for act in acts:
        with refused():
            act(it.desk)


def test_only_a_superuser_withdraws_the_offer_of_a_user_who_became_staff_R10_R11() -> None:
    it = company("staff")
    user = create_user(actor=ADMIN, username="early@acme.test", customer=it.acme.customer)
    offer(actor=it.desk, connection=it.acme, user_ids=[user.pk], reason=WHY)
    change_user(actor=COMMAND, user_id=user.pk, is_staff=True)
    with refused():
        withdraw(actor=it.desk, identity_id=user.identities.get().pk, reason=WHY)
    with pytest.raises(NotAllowed, match="staff"):
        offer(actor=it.desk, connection=make_connection("second"), user_ids=[user.pk], reason=WHY)


def test_an_administrator_cannot_make_anybody_staff_including_themself_R11_R33() -> None:
    it = company("staff")
    user, desk = it.other.user_id, User.objects.get(username="desk")
    plain = create_role(actor=COMMAND, name="Plain")
    vault = create_role(actor=COMMAND, name="Safe", marked_protected=True)
    grant_role(actor=COMMAND, user_id=user, role_id=plain.pk, reason="covers for Sam")
    keys = list(Permission.objects.filter(codename="change_user", content_type__app_label="core_identity"))
    acts: list[Callable[[Actor], object]] = [
        lambda actor: create_user(actor=actor, username="eve", is_staff=True),
        lambda actor: create_user(actor=actor, username="eve", is_superuser=True),
        lambda actor: change_user(actor=actor, user_id=user, is_staff=True),
        lambda actor: change_user(actor=actor, user_id=user, is_superuser=True),
        lambda actor: change_user(actor=actor, user_id=desk.pk, is_superuser=True),
        lambda actor: create_role(actor=actor, name="Mine", marked_protected=True),
        lambda actor: create_role(actor=actor, name="Mine", permissions=keys),
        lambda actor: change_role(actor=actor, role_id=plain.pk, permissions=keys),
        lambda actor: change_role(actor=actor, role_id=vault.pk, name="Open", marked_protected=False),
        lambda actor: delete_role(actor=actor, role_id=vault.pk),
        lambda actor: grant_role(actor=actor, user_id=user, role_id=vault.pk, reason="covers for Sam"),
        lambda actor: grant_role(actor=actor, user_id=desk.pk, role_id=vault.pk, reason="covers for Sam"),
        lambda actor: revoke_role(actor=actor, user_id=user, role_id=vault.pk),
    ]
    for act in acts:
        with refused():
            act(it.desk)


def test_only_a_superuser_changes_who_may_sign_in_as_staff_through_a_connection_R26() -> None:
    it = company("staff")
    ours = make_connection("ours", uid_rule="other")
    change_connection(actor=COMMAND, connection_id=ours.pk, own_idp=True)
    ours.refresh_from_db()
    opened, closed = (
        create_role(actor=COMMAND, name=name, grantable_by=some) for name, some in (("A", [ours]), ("B", []))
    )
    pending = PushGroup.objects.create(connection=ours, display_name="A", name_key="a")
    read = read_idp_metadata(TestIdp().metadata().encode(), now=database_now(), loopback=False)
    burst = Burst.objects.create(connection=ours, began_at=database_now(), last_at=database_now())
    acts: list[Callable[[Actor], object]] = [
        lambda actor: create_connection(actor=actor, customer=it.acme.customer, slug="x", name="X", own_idp=True),
        lambda actor: change_connection(actor=actor, connection_id=it.acme.pk, own_idp=True),
        lambda actor: change_connection(actor=actor, connection_id=ours.pk, uid_mark="waived"),
        lambda actor: change_connection(actor=actor, connection_id=ours.pk, own_idp=False),
        lambda actor: set_external_id_may_change(actor=actor, connection_id=ours.pk, permitted=True, reason=WHY),
        lambda actor: rekey(actor=actor, connection_id=ours.pk, until=in_a_day(), reason=WHY),
        lambda actor: succeed(actor=actor, former_id=ours.pk, successor_id=it.acme.pk, reason=WHY),
        lambda actor: switch_off(actor=actor, connection_id=ours.pk, reason=WHY),
        lambda actor: switch_on(actor=actor, connection_id=ours.pk, reason=WHY),
        lambda actor: set_grantable_roles(actor=actor, connection=ours, roles=[], confirm_waiting=False),
        lambda actor: settle_burst(actor=actor, burst_id=burst.pk, reason=WHY),
        lambda actor: sso.settings.changes.apply(
            ours, {"idp_metadata": TestIdp().metadata()}, base_dir=None, actor=actor
        ),
        lambda actor: scim.connections.apply(ours, {}, rotate_secret=True, actor=actor),
        lambda actor: rotate_secret(actor=actor, connection=ours, former_lasts=None),
        lambda actor: make_token(actor=actor, connection=ours, name="Mine"),
        lambda actor: create_role(actor=actor, name="Readers", grantable_by=[ours]),
        lambda actor: change_role(actor=actor, role_id=closed.pk, grantable_by=[ours]),
        lambda actor: change_role(actor=actor, role_id=opened.pk, grantable_by=[]),
        lambda actor: link_waiting(actor=actor, role_id=opened.pk, group_ids=[pending.pk]),
        lambda actor: end_rekey(actor=actor, connection_id=ours.pk, reason=WHY),
        lambda actor: adopt(actor=actor, connection=ours, read=read, seen=""),
        lambda actor: make_key(actor=actor, connection=ours),
        lambda actor: activate_key(actor=actor, connection=ours),
        lambda actor: delete_key(actor=actor, connection=ours),
        lambda actor: verify_domain(actor=actor, connection=ours, domain="acme.test", reason=WHY),
        lambda actor: unverify_domain(actor=actor, connection=ours, domain="acme.test", reason=WHY),
        lambda actor: revoke_token(actor=actor, connection=ours, token_id=1),
        lambda actor: revoke_secret(actor=actor, connection=ours, secret_id=1),
    ]
    for act in acts:
        with refused():
            act(it.desk)


def test_an_administrator_acts_on_everybody_else_and_changes_their_own_password() -> None:
    it = company("staff")
    desk = User.objects.get(username="desk")
    set_password(actor=it.desk, user_id=desk.pk, password="a long password of mine")
    expire(actor=it.desk, user_id=it.other.user_id, reason="left")
    unexpire(actor=it.desk, user_id=it.other.user_id, reason="back")
    editors = create_role(actor=it.desk, name="Editors")
    assert grant_role(actor=it.desk, user_id=it.other.user_id, role_id=editors.pk, reason="covers for Sam")
    assert change_user(actor=it.desk, user_id=it.other.user_id, is_staff=False, title="Editor").title == "Editor"
    delete_role(actor=it.desk, role_id=editors.pk)


def test_a_superuser_and_a_channel_act_on_staff_as_before_R11_R20() -> None:
    it = company("staff")
    root = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)
    expire(actor=replace(ADMIN, id=str(root.pk)), user_id=it.guarded.user_id, reason="left")
    unexpire(actor=replace(ADMIN, id=str(root.pk)), user_id=it.guarded.user_id, reason="back")
    gone = replace(JANE, active=False)
    change_person(actor=OKTA, connection=it.acme, scim_id=it.guarded.scim_id, read=lambda _: gone, deactivates=True)
    assert User.objects.get(pk=it.guarded.user_id).expired_channel == Channel.SCIM


def test_a_superuser_who_is_expired_is_not_a_superuser_any_more_R21() -> None:
    it = company("staff")
    root = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)
    expire(actor=COMMAND, user_id=root.pk, reason="left")
    with refused():
        expire(actor=replace(ADMIN, id=str(root.pk)), user_id=it.guarded.user_id, reason=WHY)

"""R11: two users of one customer turn out to be one human."""

from dataclasses import replace
from typing import Any

import pytest

from core_identity.errors import NotAllowed, NotFound
from core_identity.models import Connection, Event, Grant, Identity, User
from core_identity.selectors.resources import scim_identities
from core_identity.selectors.story import events_of
from core_identity.selectors.users import find_user, status_of
from core_identity.services.expiry import expire, unexpire
from core_identity.services.groups import create_group
from core_identity.services.merge import merge, plan_merge
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import create_user
from core_identity.values import GroupChange, Person
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db
WHY = "one human, ticket 4711"
J_ROE = replace(JANE, uid="jane.roe", external_id="00u9", user_name="jane.roe@acme.test", email="jane.roe@acme.test")


@pytest.fixture
def acme() -> Connection:
    return make_connection()


def post(connection: Connection, person: Person) -> Identity:
    return create_person(actor=OKTA, connection=connection, person=person).identity


def join(kept: Identity | User, gone: Identity | User, **more: Any) -> User:
    ids = [one.user_id if isinstance(one, Identity) else one.pk for one in (kept, gone)]
    return merge(actor=more.get("actor", ADMIN), kept_id=ids[0], gone_id=ids[1], reason=WHY)


def test_every_uid_leads_to_the_one_kept_R5_R11(acme: Connection) -> None:
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    kept = join(jane, roe)
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE)).user == kept
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, uid="jane.roe")).user == kept


def test_in_one_connection_one_id_stays_and_the_other_is_404_R11(acme: Connection) -> None:
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    join(jane, roe)
    assert [one.scim_id for one in scim_identities(acme)] == [jane.scim_id]
    with pytest.raises(NotFound):
        change_person(actor=OKTA, connection=acme, scim_id=roe.scim_id, read=lambda _: J_ROE, deactivates=False)


def test_the_resource_survives_a_merge_in_either_direction_R11(acme: Connection) -> None:
    by_sign_in = sign_in(actor=BROWSER, connection=acme, person=by_sso(J_ROE))
    pushed = post(acme, JANE)
    kept = join(by_sign_in, pushed)
    shown = scim_identities(acme).get()
    assert (shown.scim_id, shown.user, shown.external_id) == (pushed.scim_id, kept, JANE.external_id)
    change_person(actor=OKTA, connection=acme, scim_id=pushed.scim_id, read=lambda _: JANE, deactivates=False)
    assert sign_in(actor=BROWSER, connection=acme, person=by_sso(J_ROE)).user == kept


def test_identities_of_other_connections_move_whole_R11(acme: Connection) -> None:
    entra = make_connection("acme-entra")
    jane, roe = post(acme, JANE), post(entra, J_ROE)
    kept = join(jane, roe)
    moved = Identity.objects.get(pk=roe.pk)
    assert (moved.user, moved.scim_id) == (kept, roe.scim_id)
    assert sign_in(actor=BROWSER, connection=entra, person=by_sso(J_ROE)).user == kept


def test_grants_of_every_source_move_and_none_is_doubled_R11_R32(acme: Connection) -> None:
    editors = create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    viewers = create_role(actor=ADMIN, name="Viewers", grantable_by=[])
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    members = frozenset({jane.scim_id, roe.scim_id})
    group = create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Editors", members=members))
    for user_id in (jane.user_id, roe.user_id):
        grant_role(actor=ADMIN, user_id=user_id, role_id=viewers.pk, reason="covers for Sam")
    kept = join(jane, roe)
    grants = Grant.objects.values_list("user", "role__name", "channel")
    assert sorted(grants) == [(kept.pk, "Editors", "scim"), (kept.pk, "Viewers", "admin")]
    assert [member.identity_id for member in group.members.all()] == [jane.pk]
    assert editors.grants.get().user == kept


def test_a_membership_of_the_merged_user_gives_the_kept_user_its_role_R11_R32(acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    change = GroupChange(display_name="Editors", members=frozenset({roe.scim_id}))
    group = create_group(actor=OKTA, connection=acme, change=change)
    kept = join(jane, roe)
    assert Grant.objects.get().user == kept
    assert group.members.get().identity_id == jane.pk


def test_a_merge_with_an_expired_user_is_expired_until_an_administrator_decides_R11(acme: Connection) -> None:
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    expire(actor=ADMIN, user_id=roe.user_id, reason="left")
    assert plan_merge(kept_id=jane.user_id, gone_id=roe.user_id).expires
    kept = join(jane, roe)
    assert status_of(kept) == "expired"
    assert status_of(unexpire(actor=ADMIN, user_id=kept.pk, reason=WHY)) == "active"


def test_the_tombstone_never_comes_back_R11(acme: Connection) -> None:
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    kept = join(jane, roe)
    gone = User.objects.get(pk=roe.user_id)
    assert (gone.merged_into, gone.is_active, status_of(gone)) == (kept, False, "merged")
    with pytest.raises(NotAllowed, match="merged into"):
        unexpire(actor=ADMIN, user_id=gone.pk, reason=WHY)
    assert find_user("jane.roe@acme.test") == kept


def test_a_newcomer_may_have_the_name_and_address_of_a_tombstone_R9_R11(acme: Connection) -> None:
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    join(jane, roe)
    newcomer = post(acme, replace(J_ROE, uid="third", external_id="00u3"))
    assert newcomer.user_id not in {jane.user_id, roe.user_id}


def test_one_event_lists_all_that_moved_and_the_story_reads_both_R11_R34(acme: Connection) -> None:
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    before = Event.objects.count()
    kept = join(jane, roe)
    assert Event.objects.count() == before + 1
    event = Event.objects.get(kind="user.merged")
    assert event.changes["uids_moved"] == [None, ["jane.roe"]]
    assert event.reason == WHY
    assert set(events_of(kept).values_list("user_id", flat=True)) == {jane.user_id, roe.user_id}


def test_a_second_merge_takes_the_tombstones_along_R11(acme: Connection) -> None:
    jane, roe, zoe = post(acme, JANE), post(acme, J_ROE), post(acme, ZOE)
    join(roe, jane)
    kept = join(zoe, roe)
    assert set(kept.tombstones.values_list("pk", flat=True)) == {jane.user_id, roe.user_id}


def test_impossible_merges_are_refused_R1_R11(acme: Connection) -> None:
    stranger = post(make_connection("other", customer="Other"), J_ROE)
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    with pytest.raises(NotAllowed, match="one customer"):
        join(jane, stranger)
    with pytest.raises(NotAllowed, match="one user already"):
        join(jane, jane)
    join(jane, roe)
    with pytest.raises(NotAllowed, match="merged already"):
        join(jane, roe)


def test_only_a_superuser_merges_staff_R11(acme: Connection) -> None:
    jane = post(acme, JANE)
    chief = create_user(actor=COMMAND, username="chief", customer=acme.customer, is_staff=True)
    desk = create_user(actor=COMMAND, username="desk", is_staff=True)
    root = create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True)
    for actor in (ADMIN, replace(ADMIN, id=str(desk.pk))):
        with pytest.raises(NotAllowed, match="superuser"):
            join(jane, chief, actor=actor)
    assert join(jane, chief, actor=replace(ADMIN, id=str(root.pk))).pk == jane.user_id


def test_a_deleted_resource_gives_no_roles_to_the_one_kept_R11_R20(acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane, roe = post(acme, JANE), post(acme, J_ROE)
    change = GroupChange(display_name="Editors", members=frozenset({roe.scim_id}))
    create_group(actor=OKTA, connection=acme, change=change)
    remove_person(actor=OKTA, connection=acme, scim_id=roe.scim_id)
    join(jane, roe)
    assert not Grant.objects.exists()

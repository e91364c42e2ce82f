"""The page of a user: one timeline of all logs, by windows of indexes; the sessions and their end; and at most 20 queries (R36)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from core_identity.admin_kit.timeline import SHOWN, Subject
from core_identity.event_kinds import EventKind
from core_identity.lookup_keys import lookup_keys
from core_identity.models import Connection, Event, Grant, Identity, User
from core_identity.services import events
from core_identity.services.conflicts import store_different_people
from core_identity.services.merge import merge
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import create_user
from core_identity.write_guard import service_writes
from scim.models import ProvisioningRecord
from sso.models import SignInKind, SignInRecord
from tests.admin.conftest import browser_of, staff
from tests.admin.test_users import LIST, page_of
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, make_connection
from tests.support.plans import plans

NOW = timezone.now()


def entries(browser: Client, user: User, query: str = "") -> list[Any]:
    return list(browser.get(page_of(user) + query).context["story"]["timeline"].entries)


def sign_in(identity: Identity, minutes_ago: int, **values: Any) -> SignInRecord:
    fields = {"kind": SignInKind.SIGNED_IN, "code": "signed_in", "user_id": identity.user_id, **values}
    return SignInRecord.objects.create(
        at=NOW - timedelta(minutes=minutes_ago),
        connection_id=identity.connection_id,
        connection_slug=identity.connection.slug,
        decision="",
        **fields,
    )


def call(identity: Identity, minutes_ago: int, **values: Any) -> ProvisioningRecord:
    fields = {"resource_id": identity.scim_id, "status": 200, "connection_id": identity.connection_id, **values}
    fields["connection_slug"] = identity.connection.slug
    return ProvisioningRecord.objects.create(
        at=NOW - timedelta(minutes=minutes_ago), method="PUT", resource_type="Users", duration_ms=1, **fields
    )


# Nobody reads what is not theirs


def test_rows_of_another_customer_and_of_another_person_are_not_in_the_timeline_R1(
    as_root: Client, jane: Identity
) -> None:
    globex = make_connection("globex", customer="Globex")
    twin = create_person(actor=OKTA, connection=globex, person=JANE).identity
    zoe = create_person(actor=OKTA, connection=jane.connection, person=ZOE).identity
    keys = lookup_keys([str(JANE.user_name)])
    for other in (twin, zoe):
        sign_in(other, 1, reference="OTHER")
        call(other, 1, reference="OTHER")
    refused = {"kind": SignInKind.PERSON_REFUSED, "code": "no_mark", "user_id": None, "keys": keys}
    sign_in(twin, 1, reference="OTHER", **refused)
    call(twin, 1, reference="OTHER", resource_id=None, status=409, keys=keys)
    assert "OTHER" not in {one.reference for one in entries(as_root, jane.user)}


def test_the_logs_of_connections_need_their_permission_and_links_need_theirs(jane: Identity) -> None:
    sign_in(jane, 1, reference="SIGNIN")
    call(jane, 1, reference="CALL")
    found = entries(browser_of(staff("reader", "view_user")), jane.user)
    assert found
    assert {one.reference for one in found} == {"REQSCIM"}
    assert {one.url for one in found} == {""}
    found = entries(browser_of(staff("log reader", "view_user", "view_connection", "view_event")), jane.user)
    assert {one.reference for one in found} == {"REQSCIM", "SIGNIN", "CALL"}
    assert all(one.url for one in found)


@pytest.mark.parametrize(
    "before",
    [
        "changes=x",
        "changes=-1",
        "changes=" + "9" * 40,
        "scim=%00",
        "conflicts=x+y",
        "conflicts=2026-01-01+00000000-0000-0000-0000-000000000001",
        "%ff",
    ],
)
def test_a_position_that_nobody_gave_out_shows_the_newest(as_root: Client, jane: Identity, before: str) -> None:
    assert entries(as_root, jane.user, f"?before={before}") == entries(as_root, jane.user)


def test_a_refused_sign_in_is_on_the_page_of_each_person_whom_it_names_and_of_nobody_else_R8b(
    as_root: Client, jane: Identity
) -> None:
    """Zoe signed in with Jane's UID. The row knows Jane as the owner of the UID, and Zoe only by her NameID."""
    acme, second = jane.connection, make_connection("acme-2")
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    sam = create_person(
        actor=OKTA,
        connection=acme,
        person=replace(ZOE, uid="sam", external_id="s", user_name="sam@acme.test", email=""),
    ).identity
    elsewhere = create_person(
        actor=OKTA,
        connection=second,
        person=replace(ZOE, uid="else", external_id="e", user_name="e@acme.test", email=""),
    ).identity
    keys = lookup_keys([str(ZOE.user_name), str(JANE.uid), str(ZOE.external_id)])
    refused = {"kind": SignInKind.PERSON_REFUSED, "code": "no_mark", "keys": keys}
    sign_in(jane, 1, reference="BOTH", **refused)
    sign_in(
        elsewhere, 1, reference="SECOND", **{**refused, "user_id": None, "keys": lookup_keys([str(ZOE.external_id)])}
    )
    shown = {one: [entry.reference for entry in entries(as_root, one.user)] for one in (jane, zoe, sam, elsewhere)}
    assert {one: references.count("BOTH") for one, references in shown.items()} == {
        jane: 1,
        zoe: 1,
        sam: 0,
        elsewhere: 0,
    }
    assert not any("SECOND" in references for references in shown.values()), "only Acme knows this externalId as Zoe's"


def test_a_refused_sign_in_is_on_the_page_of_a_user_whom_no_identity_provider_knows_R9(
    as_root: Client, jane: Identity
) -> None:
    """An administrator created Zoe. Her sign-in is refused, because a name alone does not match a sign-in to a user."""
    zoe = create_user(actor=COMMAND, username="zoe", email="zoe@acme.test", customer=jane.connection.customer)
    stranger = create_user(actor=COMMAND, username="zoe2", email="zoe@acme.test")
    keys = lookup_keys(["zoe@acme.test"])
    sign_in(jane, 1, reference="NAMED", kind=SignInKind.PERSON_REFUSED, code="conflict", user_id=None, keys=keys)
    call(jane, 1, reference="PUSHED", resource_id=None, status=409, cause="email", keys=keys)
    assert {"NAMED", "PUSHED"} <= {one.reference for one in entries(as_root, zoe)}
    assert not {"NAMED", "PUSHED"} & {one.reference for one in entries(as_root, stranger)}, "of no customer"


def test_a_refused_push_on_one_resource_is_on_the_page_of_the_owner_of_its_uid(as_root: Client, jane: Identity) -> None:
    zoe = create_person(actor=OKTA, connection=jane.connection, person=ZOE).identity
    call(zoe, 1, reference="TAKES", status=409, cause="uid", keys=lookup_keys([str(JANE.uid)]))
    for one in (jane, zoe):
        assert "TAKES" in {entry.reference for entry in entries(as_root, one.user)}


# The timeline


def test_all_logs_are_joined_newest_first_with_refusals_that_name_the_person_R36(
    as_root: Client, jane: Identity
) -> None:
    sign_in(jane, -100, reference="LATEST")
    call(jane, -200, reference="CALL")
    keys = lookup_keys([str(JANE.email).upper()])
    sign_in(jane, -300, reference="CLAIMED", kind=SignInKind.PERSON_REFUSED, code="no_mark", user_id=None, keys=keys)
    call(jane, -400, reference="REFUSED", resource_id=None, status=409, cause="email", keys=keys)
    found = entries(as_root, jane.user)
    assert [one.reference for one in found][:4] == ["REFUSED", "CLAIMED", "CALL", "LATEST"]
    assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)
    assert found[0].sentence == "Acme sent the person, refused: the email belongs to somebody else."
    assert found[1].sentence == "Sign-in through Acme refused: only the UID matches."
    for one in found:
        assert as_root.get(one.url).status_code == 200


def test_the_event_of_a_sign_in_is_shown_once_beside_the_row_of_the_log(as_root: Client, jane: Identity) -> None:
    with service_writes():
        for reference in ("LOGGED", "UNLOGGED"):
            actor = replace(OKTA, request_id=reference)
            events.record(actor=actor, kind=EventKind.USER_SIGNED_IN, subject=jane.user)
    sign_in(jane, 0, reference="LOGGED")
    shown = [one.sentence for one in entries(as_root, jane.user) if one.reference in {"LOGGED", "UNLOGGED"}]
    assert sorted(shown) == ["A user signed in by SSO.", "Signed in through Acme."]


def test_pages_show_each_row_once_and_a_filter_keeps_to_its_kind(as_root: Client, jane: Identity) -> None:
    for minute in range(30):
        sign_in(jane, minute, reference=f"S{minute}")
        call(jane, minute, reference=f"C{minute}")
    seen, query = [], ""
    while True:
        shown = as_root.get(page_of(jane.user) + query).context["story"]["timeline"]
        seen += [(one.url, one.reference) for one in shown.entries]
        assert len(shown.entries) <= SHOWN
        if not shown.older:
            break
        query = shown.older
        sign_in(jane, 0, reference="MEANWHILE")
    assert len(seen) == len(set(seen))
    assert {reference for _, reference in seen} >= {f"{kind}{minute}" for kind in "SC" for minute in range(30)}
    assert "MEANWHILE" not in {reference for _, reference in seen}
    kinds = {one.url.split("/")[2] for one in entries(as_root, jane.user, "?happened=sign-ins")}
    assert kinds == {"sso"}


def test_the_history_of_a_merged_user_is_part_of_it_R11(as_root: Client, jane: Identity) -> None:
    gone = create_user(actor=COMMAND, username="jane2", customer=jane.connection.customer)
    SignInRecord.objects.create(at=NOW, kind=SignInKind.SIGNED_IN, code="signed_in", user_id=gone.pk, reference="GONE")
    merge(actor=COMMAND, kept_id=jane.user_id, gone_id=gone.pk, reason="the same person")
    assert "GONE" in {one.reference for one in entries(as_root, jane.user)}


# The cost


@pytest.fixture
def much(acme: Connection, jane: Identity) -> Identity:
    """Jane with five identities, 300 events, many rows in each log, roles and conflicts."""
    user = jane.user
    for number in range(4):
        other = make_connection(f"acme-{number}")
        with service_writes():
            identity = Identity.objects.create(
                connection=other, user=user, user_name=f"jane.{number}", user_name_key=f"jane.{number}", pushed_at=NOW
            )
            identity.uids.create(connection=other, uid=f"jane.{number}", uid_key=f"jane.{number}")
        sign_in(identity, number)
        call(identity, number)
    for number in range(60):
        sign_in(jane, number)
        call(jane, number)
    with service_writes():
        events.record_many(
            events.new_event(actor=OKTA, kind=EventKind.USER_CHANGED, subject=user, changes={"title": ("a", "b")})
            for _ in range(300)
        )
        for number in range(5):
            zoe = replace(ZOE, uid=f"z.{number}", user_name=f"z{number}@acme.test", email=f"z{number}@acme.test")
            store_different_people(
                actor=OKTA, identity=create_person(actor=OKTA, connection=acme, person=zoe).identity, other=user,
                reason="seen",
            )  # fmt: skip
    for number in range(8):
        role = create_role(actor=ADMIN, name=f"Role {number}", grantable_by=[])
        grant_role(actor=ADMIN, user_id=user.pk, role_id=role.pk, reason=f"reason {number}")
    return jane


def test_the_page_takes_at_most_20_queries_for_everybody_R36(
    as_root: Client, much: Identity, django_assert_max_num_queries: Any
) -> None:
    everything = staff(
        "everything", "view_user", "change_user", "view_connection", "view_event", "view_role", "view_conflict",
        "change_conflict", "end_session", "view_payload",
    )  # fmt: skip
    for browser in (as_root, browser_of(everything)):
        for query in ("", "?happened=changes"):
            with django_assert_max_num_queries(20):
                assert browser.get(page_of(much.user) + query).status_code == 200


# Roles by hand


def test_the_page_shows_who_gave_a_role_and_why_R32(as_root: Client, as_desk: Client, jane: Identity) -> None:
    editors = create_role(actor=ADMIN, name="Editors")
    path = page_of(jane.user, "roles")
    assert "This field is required" in as_desk.post(path, {"roles": [str(editors.pk)]}).content.decode()
    assert "This field is required" in as_desk.post(path, {"roles": [str(editors.pk)], "reason": " "}).content.decode()
    assert not Grant.objects.filter(role=editors).exists()
    as_desk.post(path, {"roles": [str(editors.pk)], "reason": "covers for Sam"})
    page = " ".join(as_root.get(page_of(jane.user)).content.decode().split())
    assert "given by desk" in page
    assert "Reason: covers for Sam" in page
    assert "desk gave the role Editors." in page
    history = as_root.get("/admin/core_identity/event/", {"subject_id": str(editors.pk)}).content.decode()
    assert "covers for Sam" in history


def test_a_role_is_given_to_many_with_one_reason_and_an_event_each_R32(
    as_desk: Client, jane: Identity, acme: Connection
) -> None:
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    boss = create_user(actor=COMMAND, username="guarded", is_staff=True)
    editors = create_role(actor=ADMIN, name="Editors")
    chosen = [str(one) for one in (jane.user_id, zoe.user_id, boss.pk)]
    page = as_desk.post(LIST, {"action": "give_role_chosen", "_selected_action": chosen})
    form = {"run": str(page.context["run"]), "role": str(editors.pk)}
    assert "This field is required" in as_desk.post(f"{LIST}give-role-many/", form).content.decode()
    as_desk.post(f"{LIST}give-role-many/", {**form, "reason": "new team"})
    assert set(Grant.objects.filter(role=editors).values_list("user_id", "given_by", "reason")) == {
        (jane.user_id, "desk", "new team"),
        (zoe.user_id, "desk", "new team"),
    }
    assert Event.objects.filter(kind="grant.added", reason="new team").count() == 2


def test_a_protected_role_is_not_offered_to_many_by_an_administrator_without_superuser_rights_R33(
    as_desk: Client, jane: Identity
) -> None:
    vault = create_role(actor=COMMAND, name="Vault", marked_protected=True)
    page = as_desk.post(LIST, {"action": "give_role_chosen", "_selected_action": [str(jane.user_id)]})
    form = {"run": str(page.context["run"]), "role": str(vault.pk), "reason": "new team"}
    assert "not one of the available choices" in as_desk.post(f"{LIST}give-role-many/", form).content.decode()
    assert not Grant.objects.filter(role=vault).exists()


# End sessions


def test_ending_sessions_needs_its_own_permission_and_a_superuser_for_guarded_people_R11(
    as_root: Client, as_desk: Client, root: User, jane: Identity
) -> None:
    path, ender = page_of(jane.user, "end-sessions"), browser_of(staff("ender", "view_user", "end_session"))
    for browser, expected in ((as_desk, 403), (ender, 200), (as_root, 200)):
        assert browser.get(path).status_code == expected
        assert ("end-sessions" in browser.get(page_of(jane.user)).content.decode()) is (expected == 200)
    assert as_desk.post(path, {"reason": "why not"}).status_code == 403
    assert ender.post(page_of(root, "end-sessions"), {"reason": "why not"}).status_code == 403
    assert as_root.get(page_of(root)).status_code == 200
    assert not Event.objects.filter(kind="user.sessions_ended").exists()
    assert "This field is required" in ender.post(path, {}).content.decode()
    assert ender.post(path, {"reason": "lost it"}).status_code == 302
    assert Event.objects.get(kind="user.sessions_ended").reason == "lost it"


def test_an_administrator_who_ends_their_own_sessions_signs_in_again(root: User) -> None:
    here, elsewhere = browser_of(root), browser_of(root)
    answer = here.post(page_of(root, "end-sessions"), {"reason": "left a browser open"})
    assert answer["Location"] == "/admin/login/"
    assert here.get(answer["Location"]).status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


def test_signing_out_of_the_administration_leaves_a_row_R39(as_root: Client, root: User) -> None:
    assert as_root.get("/admin/logout/").status_code == 405
    assert not SignInRecord.objects.exists()
    as_root.post("/admin/logout/")
    row = SignInRecord.objects.get()
    assert (row.code, row.kind, row.user_id) == ("signed_out", SignInKind.SIGNED_OUT, root.pk)
    as_root.post("/admin/logout/")
    assert SignInRecord.objects.count() == 1, "nobody was signed in"


def test_no_key_of_a_session_is_on_a_page(as_root: Client, root: User) -> None:
    for name in ("change", "end-sessions"):
        page = as_root.get(page_of(root, name)).content.decode()
        assert "a password" in page
        assert as_root.cookies["session"].value not in page


def test_an_unknown_user_has_no_page(as_root: Client) -> None:
    assert as_root.get(f"{LIST}{uuid4()}/end-sessions/").status_code == 302


def test_the_page_reads_windows_of_indexes_however_long_the_logs_are_R36(
    as_root: Client, acme: Connection, jane: Identity
) -> None:
    """Jane has 3,000 rows in each log and is named in each; others have 12,000 more."""
    keys, user, resource = (
        lookup_keys(Subject(jane.user, [], [jane], [acme]).names_at()[acme.pk]),
        jane.user_id,
        jane.scim_id,
    )
    with database.cursor() as cursor:
        cursor.execute(
            """INSERT INTO sso_signinrecord (at, connection_id, connection_slug, reference, kind, code, decision, user_id, arrived, missing, expected,
                received, checks, is_test, name_id, uid, email, keys)
            SELECT now() - n * interval '1 minute', %(connection)s, 'acme', '', 'signed_in', 'signed_in', '',
                CASE n %% 5 WHEN 0 THEN %(user)s::uuid ELSE gen_random_uuid() END, '[]', '[]', '', '', '[]', false, '', '', '',
                CASE n %% 5 WHEN 0 THEN %(keys)s::bigint[] ELSE ARRAY[n]::bigint[] END FROM generate_series(1, 15000) AS n""",
            {"connection": acme.pk, "user": user, "keys": keys},
        )
        cursor.execute(
            """INSERT INTO scim_provisioningrecord (at, connection_id, connection_slug, method, resource_type, resource_id, status, scim_type,
                decision, reference, duration_ms, cause, sentence, keys)
            SELECT now() - n * interval '1 minute', %(connection)s, 'acme', 'GET', 'Users', CASE WHEN n %% 5 = 0 THEN %(resource)s::uuid
                WHEN n %% 5 = 1 THEN NULL ELSE gen_random_uuid() END, 200, '', '', '', 1, '', '',
                CASE WHEN n %% 5 < 2 THEN %(keys)s::bigint[] ELSE ARRAY[n]::bigint[] END FROM generate_series(1, 15000) AS n""",
            {"connection": acme.pk, "resource": resource, "keys": keys},
        )
        cursor.execute(
            """INSERT INTO core_identity_event (uuid, at, kind, channel, actor_kind, actor_id, actor, connection_slug, subject_type, subject, user_id,
                changes, reason, request_id)
            SELECT gen_random_uuid(), now() - n * interval '1 minute', 'user.changed', 'scim', 'system', '', 'a test', '', 'user', '',
                CASE n %% 5 WHEN 0 THEN %(user)s::uuid ELSE gen_random_uuid() END, '{}', '', '' FROM generate_series(1, 15000) AS n""",
            {"user": user},
        )
        cursor.execute("ANALYZE sso_signinrecord, scim_provisioningrecord, core_identity_event")
    with plans() as found:
        assert as_root.get(page_of(jane.user)).status_code == 200
    assert found.whole_scans(more_than=300) == []
    assert found.looked_at < 1500, found.dearest()

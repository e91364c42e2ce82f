"""The commands for scripts, section by section: one JSON document, an exit code, and nothing half applied."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.core.management import call_command

from core_identity.models import Connection, Event, Role, User
from core_identity.services.groups import create_group
from core_identity.services.push.provisioning import create_person
from core_identity.values import GroupChange
from tests.support.cast import BROWSER, JANE, OKTA, ZOE, by_sso
from tests.support.groups import push, role_names
from tests.support.saml import TestIdp
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db

FILE: dict[str, Any] = {
    "roles": ["Editors", "Viewers"],
    "connections": [
        {
            "slug": "acme",
            "name": "Acme Studios",
            "customer": "Acme",
            "uid": {"attribute": "UID", "rule": "name", "required_in_scim": False},
            "roles": {"grantable": ["Editors", "Viewers"], "from": "push_groups"},
            "saml": {
                "idp_metadata": "acme-idp.xml",
                "idp_initiated": False,
                "attributes": {
                    "first_name": "FirstName",
                    "last_name": "LastName",
                    "email": "Email",
                    "title": "Title",
                    "company": "Organization",
                    "department": "Department",
                    "groups": "Group",
                },
            },
            "scim": {
                "unknown_group": "wait",
                "reactivation": "keep_expired",
                "redirect_uris": ["https://system-admin.okta.com/admin/app/cpc/acme/oauth/callback"],
                "grants": ["authorization_code", "client_credentials"],
            },
        }
    ],
}


@pytest.fixture(scope="module")
def idp() -> TestIdp:
    return TestIdp()


@pytest.fixture
def folder(tmp_path: Path, idp: TestIdp) -> Path:
    (tmp_path / "acme-idp.xml").write_text(idp.metadata())
    return tmp_path


def run(*words: str) -> tuple[int, Any]:
    """Run a command with --json and return its exit code and the one document on its stdout."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, "--json", stdout=out, stderr=err)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    return code, json.loads(out.getvalue())


def apply(folder: Path, content: Any, *words: str) -> tuple[int, Any]:
    file = folder / "connections.yaml"
    file.write_text(yaml.safe_dump(content))
    return run("connection", "apply", str(file), *words)


def test_applying_a_file_answers_what_to_enter_at_the_idp(folder: Path) -> None:
    code, answer = apply(folder, FILE)
    (entry,) = answer["connections"]
    connection = Connection.objects.get()
    assert code == 0
    assert entry.pop("client_id")
    assert len(entry.pop("client_secret")) >= 40
    assert entry == {
        "slug": "acme",
        "acs_url": "http://localhost:8000/sso/acme/acs",
        "entity_id": "http://localhost:8000/sso/acme/metadata",
        "login_url": "http://localhost:8000/sso/acme/login",
        "logout_url": "http://localhost:8000/sso/acme/logout",
        "metadata_url": "http://localhost:8000/sso/acme/metadata",
        "scim_base_url": "http://localhost:8000/scim/acme/v2",
        "authorize_url": "http://localhost:8000/oauth/authorize/",
        "token_url": "http://localhost:8000/oauth/token/",
        "admin_url": f"http://localhost:8000/admin/core_identity/connection/{connection.pk}/change/",
    }
    assert {role.name for role in connection.grantable_roles.all()} == {"Editors", "Viewers"}


def test_applying_twice_changes_nothing_and_shows_no_secret(folder: Path) -> None:
    _, first = apply(folder, FILE)
    events = Event.objects.count()
    code, second = apply(folder, FILE)
    assert code == 0
    assert "client_secret" not in second["connections"][0]
    assert second["connections"][0]["client_id"] == first["connections"][0]["client_id"]
    assert Event.objects.count() == events


def test_people_known_twice_are_listed_for_scripts_R7(folder: Path) -> None:
    apply(folder, FILE)
    connection = Connection.objects.get()
    scim = create_person(actor=OKTA, connection=connection, person=replace(JANE, user_name="jdoe")).identity
    person = by_sso(JANE, uid="4711", name_id="jane.doe@acme.test", email="jane@home.test")
    sso = sign_in(actor=BROWSER, connection=connection, person=person)
    code, answer = run("connection", "mismatches", "acme")
    assert code == 0
    (pair,) = answer.pop("mismatches")
    assert answer == {"refused_lately": 0}
    assert pair.pop("cause").startswith("Two different attributes are mapped: SCIM sends a name")
    assert pair == {
        "shared": "jane.doe@acme.test",
        "scim": {
            "user": str(scim.user_id),
            "username": "jdoe",
            "uid": "jane.doe",
            "user_name": "jdoe",
            "name_id": None,
            "email": "jane.doe@acme.test",
            "active": True,
            "expired": False,
        },
        "sso": {
            "user": str(sso.user_id),
            "username": "jane@home.test",
            "uid": "4711",
            "user_name": None,
            "name_id": "jane.doe@acme.test",
            "email": "jane@home.test",
            "active": True,
            "expired": False,
        },
    }
    out = io.StringIO()
    call_command("connection", "mismatches", "acme", stdout=out)
    first, *rest = out.getvalue().splitlines()
    assert first.startswith("jane.doe@acme.test: Two different attributes")
    assert rest == [
        "  scim  UID jane.doe, user jdoe",
        "  sso   UID 4711, user jane@home.test",
        "Pairs: 1. Refused as conflicts in the last 7 days: 0.",
    ]
    assert run("connection", "mismatches", "nobody")[0] == 3


def test_a_new_secret_comes_on_demand(folder: Path) -> None:
    _, first = apply(folder, FILE)
    _, second = apply(folder, FILE, "--rotate-secret")
    assert second["connections"][0]["client_secret"] != first["connections"][0]["client_secret"]


def test_json_on_stdin_is_yaml_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(FILE)))
    code, answer = run("connection", "apply", "-")
    assert (code, answer["connections"][0]["slug"]) == (0, "acme")


def test_a_short_file_has_defaults_for_the_rest(folder: Path) -> None:
    code, answer = apply(folder, {"connections": [{"slug": "globex", "saml": {"idp_metadata": "acme-idp.xml"}}]})
    connection = Connection.objects.select_related("customer").get()
    assert code == 0
    assert (connection.name, connection.customer.name, connection.roles_from) == ("globex", "globex", "sso_groups")
    assert answer["connections"][0]["client_secret"]


def test_a_setting_missing_from_a_file_is_untouched(folder: Path) -> None:
    apply(folder, FILE)
    other = {"roles": ["Owners"], "connections": [{"slug": "globex", "customer": "Globex"}]}
    code, _ = apply(folder, other)
    assert code == 0
    assert {connection.slug for connection in Connection.objects.all()} == {"acme", "globex"}
    assert {role.name for role in Role.objects.all()} == {"Editors", "Owners", "Viewers"}
    assert {role.name for role in Connection.objects.get(slug="acme").grantable_roles.all()} == {"Editors", "Viewers"}


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"slug": "Acme!"}, "connections[0].slug", "invalid_value"),
        ({"slug": None}, "connections[0].slug", "required"),
        ({"slug": "a" * 41}, "connections[0].slug", "invalid_value"),
        ({"uid": {"rule": "nickname"}}, "connections[0].uid.rule", "not_a_choice"),
        ({"uid": {"rule": "name", "mark": "waived"}}, "connections[0].uid.mark", "not_a_choice"),
        ({"uid": "UID"}, "connections[0].uid", "wrong_type"),
        ({"roles": {"grantable": ["Ghosts"]}}, "connections[0].roles.grantable", "invalid_value"),
        ({"saml": {"idp_metadata": "none.xml"}}, "connections[0].saml.idp_metadata", "unreadable"),
        ({"scim": {"unknown_group": "explode"}}, "connections[0].scim.unknown_group", "not_a_choice"),
        ({"scim": {"redirect_uris": ["http://evil.test/"]}}, "connections[0].scim.redirect_uris[0]", "not_a_redirect_uri"),
        ({"scim": {"grants": ["password"]}}, "connections[0].scim.grants[0]", "not_a_choice"),
        ({"colour": "blue"}, "connections[0].colour", "unknown_key"),
    ],
)  # fmt: skip
def test_one_fault_anywhere_and_nothing_is_applied(folder: Path, change: dict[str, Any], path: str, code: str) -> None:
    faulty = {**FILE, "connections": [{**FILE["connections"][0], **change}]}
    status, answer = apply(folder, faulty)
    assert status == 1
    assert (path, code) in [(fault["path"], fault["code"]) for fault in answer["errors"]]
    assert all(fault["message"] for fault in answer["errors"])
    assert not Connection.objects.exists()
    assert not Role.objects.exists()
    assert not Event.objects.exists()


def test_the_faults_of_all_parts_and_of_all_connections_are_named_at_once(folder: Path) -> None:
    wrong = {"uid": {"rule": "nickname"}, "saml": {"idp_metadata": "none.xml"}, "scim": {"grants": ["password"]}}
    entries = [{"slug": "acme", **wrong}, {"slug": "globex", **wrong}, {"slug": "Not a slug!"}]
    status, answer = apply(folder, {"roles": [5], "colour": 1, "connections": entries})
    assert status == 1
    assert [fault["path"] for fault in answer["errors"]] == [
        "roles[0].name",
        "colour",
        *(f"connections[{index}].{part}" for index in (0, 1) for part in ("uid.rule", "saml.idp_metadata", "scim.grants[0]")),
        "connections[2].slug",
    ]  # fmt: skip


def test_text_that_is_not_yaml_is_refused_with_the_line(folder: Path) -> None:
    (folder / "x.yaml").write_text("connections: [\n  {slug: acme")
    status, answer = run("connection", "apply", str(folder / "x.yaml"))
    assert (status, answer["errors"][0]["code"]) == (1, "not_yaml")
    assert "line" in answer["errors"][0]["message"]
    assert run("connection", "apply", str(folder / "none.yaml"))[0] == 1


def test_the_uid_rule_is_locked_once_somebody_is_known_by_it_R3(folder: Path) -> None:
    apply(folder, FILE)
    create_person(actor=OKTA, connection=Connection.objects.get(), person=JANE)
    changed = {**FILE, "connections": [{**FILE["connections"][0], "uid": {"attribute": "EmployeeId"}}]}
    status, answer = apply(folder, changed)
    assert (status, answer["errors"][0]["code"]) == (1, "locked")


def test_show_answers_without_a_secret(folder: Path) -> None:
    _, applied = apply(folder, FILE)
    status, shown = run("connection", "show", "acme")
    expected = {name: value for name, value in applied["connections"][0].items() if name != "client_secret"}
    assert (status, shown) == (0, {"connections": [expected]})
    assert run("connection", "show", "nobody")[0] == 3


def test_a_role_made_later_takes_its_waiting_group_along_R29(folder: Path) -> None:
    apply(folder, FILE)
    acme = Connection.objects.get()
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Owners", add=frozenset({jane.scim_id})))
    status, answer = run("role", "create", "Owners")
    assert status == 0
    assert answer["role"]["name"] == "Owners"
    assert answer["linked"] == [{"connection": "acme", "push_group": "Owners", "members": 1}]
    assert run("role", "create", "owners")[0] == 1


def test_the_story_of_a_user_is_found_by_any_of_their_keys(folder: Path) -> None:
    apply(folder, FILE)
    identity = create_person(actor=OKTA, connection=Connection.objects.get(), person=JANE).identity
    user = User.objects.get()
    documents = [
        run("user", "show", key)
        for key in ("jane.doe", "JANE.DOE@acme.test", str(user.pk), str(identity.scim_id), user.username)
    ]
    assert all(document == documents[0] for document in documents)
    status, document = documents[0]
    assert status == 0
    assert {name: document[name] for name in ("id", "username", "status", "expired", "roles")} == {
        "id": str(user.pk),
        "username": "jane.doe@acme.test",
        "status": "active",
        "expired": None,
        "roles": [],
    }
    (shown,) = document["identities"]
    assert {name: shown[name] for name in ("connection", "uid", "user_name", "external_id", "scim_id", "active")} == {
        "connection": "acme",
        "uid": "jane.doe",
        "user_name": "jane.doe@acme.test",
        "external_id": "00u1jane",
        "scim_id": str(identity.scim_id),
        "active": True,
    }
    assert {"at", "kind", "channel", "actor", "changes"} <= set(document["events"][0])


def test_expire_and_unexpire_by_command_R24(folder: Path) -> None:
    apply(folder, FILE)
    create_person(actor=OKTA, connection=Connection.objects.get(), person=JANE)
    status, answer = run("user", "expire", "jane.doe", "--reason", "left")
    assert (status, answer["status"], answer["expired"]["reason"], answer["expired"]["channel"]) == (
        0,
        "expired",
        "left",
        "admin",
    )
    status, answer = run("user", "unexpire", "jane.doe", "--reason", "is back")
    assert (status, answer["status"], answer["expired"]) == (0, "active", None)


def test_nobody_found_exits_with_3_and_two_found_with_4(folder: Path) -> None:
    two = [FILE["connections"][0], {"slug": "globex", "customer": "Globex"}]
    apply(folder, {**FILE, "connections": two})
    for connection in Connection.objects.all():
        create_person(actor=OKTA, connection=connection, person=ZOE)
    status, answer = run("user", "show", "nobody")
    assert (status, answer["errors"][0]["code"]) == (3, "not_found")
    status, answer = run("user", "show", "zoë.müller")
    assert (status, answer["errors"][0]["code"]) == (4, "ambiguous")
    assert run("user", "show", "zoë.müller", "--connection", "globex")[0] == 0
    assert run("user", "show", "zoë.müller", "--connection", "nobody")[0] == 3


# Roles and groups


def test_roles_of_a_file_may_have_aliases_R28(folder: Path) -> None:
    content = {**FILE, "roles": [{"name": "Editors", "aliases": ["Redaktion", "grp-editors"]}, "Viewers"]}
    assert apply(folder, content)[0] == 0
    editors = Role.objects.get(name="Editors")
    assert [alias.name for alias in editors.aliases.all()] == ["grp-editors", "Redaktion"]
    events = Event.objects.count()
    apply(folder, content)
    apply(folder, FILE)
    assert (editors.aliases.count(), Event.objects.count()) == (2, events), "a bare name says nothing of aliases"
    apply(folder, {"roles": [{"name": "editors", "aliases": []}]})
    assert not editors.aliases.exists()


def test_a_file_with_aliases_lets_the_groups_that_wait_take_effect_R29(folder: Path) -> None:
    apply(folder, FILE)
    acme = Connection.objects.get()
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    push(acme, "Redaktion", jane)
    apply(folder, {**FILE, "roles": [{"name": "Editors", "aliases": ["Redaktion"]}]})
    assert role_names(jane) == ["Editors"]


@pytest.mark.parametrize(
    ("entries", "path", "code"),
    [
        ("Editors", "roles", "wrong_type"),
        ([5], "roles[0].name", "wrong_type"),
        ([{"aliases": []}], "roles[0].name", "required"),
        ([{"name": "A", "alias": "B"}], "roles[0].alias", "unknown_key"),
        ([{"name": "A", "aliases": "B"}], "roles[0].aliases", "wrong_type"),
        (["A", {"name": "B", "aliases": ["a"]}], "roles", "name_taken"),
        ([{"name": "B", "aliases": ["x\u200by"]}], "roles.aliases", "invalid_value"),
    ],
)
def test_a_fault_in_the_roles_of_a_file_is_reported_with_its_place(
    folder: Path, entries: object, path: str, code: str
) -> None:
    status, answer = apply(folder, {"roles": entries})
    assert status == 1
    assert (path, code) in [(fault["path"], fault["code"]) for fault in answer["errors"]]
    assert not Role.objects.exists()


def test_a_role_is_renamed_and_aliased_by_command_R28_R29(folder: Path) -> None:
    apply(folder, FILE)
    acme = Connection.objects.get()
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    push(acme, "Redaktion", jane)
    status, answer = run("role", "change", "editors", "--rename", "Authors", "--alias", "Editors", "--leave-waiting")
    assert status == 0
    assert {name: answer["role"][name] for name in ("name", "aliases", "grantable_by")} == {
        "name": "Authors",
        "aliases": ["Editors"],
        "grantable_by": ["acme"],
    }
    assert role_names(jane) == []
    status, answer = run("role", "change", "Editors", "--alias", "Redaktion", "--drop-alias", "EDITORS")
    assert (status, answer["role"]["aliases"]) == (0, ["Redaktion"])
    assert answer["linked"] == [{"connection": "acme", "push_group": "Redaktion", "members": 1}]
    assert role_names(jane) == ["Authors"]
    assert run("role", "change", "Authors", "--alias", "viewers")[0] == 1
    assert run("role", "change", "Nobody")[0] == 3
    status, answer = run("role", "create", "Owners", "--alias", "Chefs")
    assert (status, answer["role"]["aliases"]) == (0, ["Chefs"])


def test_push_groups_are_listed_and_those_that_wait_alone_R29(folder: Path) -> None:
    apply(folder, {**FILE, "connections": [FILE["connections"][0], {"slug": "globex", "customer": "Globex"}]})
    acme, globex = Connection.objects.order_by("slug")
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    push(acme, "Editors", jane)
    push(acme, "Dreamers", jane, uuid4())
    push(globex, "Chefs")
    dreamers = {
        "connection": "acme", "push_group": "Dreamers", "role": None, "members": 1, "not_known_yet": 1,
    }  # fmt: skip
    editors = {**dreamers, "push_group": "Editors", "role": "Editors", "not_known_yet": 0}
    chefs = {"connection": "globex", "push_group": "Chefs", "role": None, "members": 0, "not_known_yet": 0}
    assert run("group", "list") == (0, {"groups": [dreamers, editors, chefs]})
    assert run("group", "list", "--waiting") == (0, {"groups": [dreamers, chefs]})
    assert run("group", "list", "--waiting", "--connection", "acme") == (0, {"groups": [dreamers]})
    assert run("group", "list", "--connection", "nobody")[0] == 3
    out = io.StringIO()
    call_command("group", "list", "--waiting", "--connection", "acme", stdout=out)
    assert out.getvalue() == "acme  Dreamers  →  waiting  (1 people, 1 not known yet)\n"


def test_groups_of_sign_ins_that_reach_no_role_are_listed_by_command_R31(folder: Path) -> None:
    file = {"connections": [FILE["connections"][0], {"slug": "globex", "saml": {"idp_metadata": "acme-idp.xml"}}]}
    apply(folder, {"roles": FILE["roles"], **file})
    globex = Connection.objects.get(slug="globex")
    for person, groups in ((JANE, ("Everyone", "Chefs")), (ZOE, ("everyone",))):
        sign_in(actor=BROWSER, connection=globex, person=by_sso(person, groups=groups))
    status, answer = run("group", "unmapped")
    (entry,) = answer["connections"]
    assert (status, entry["connection"], entry["people_without_groups"]) == (0, "globex", 0)
    assert [(one["name"].casefold(), one["people"]) for one in entry["groups"]] == [("everyone", 2), ("chefs", 1)]
    assert set(entry["groups"][0]) == {"name", "people", "first_seen", "last_seen"}
    assert run("group", "unmapped", "--connection", "acme") == (0, {"connections": []})
    out = io.StringIO()
    call_command("group", "unmapped", "--connection", "globex", stdout=out)
    assert out.getvalue().startswith("globex: the last sign-ins of 0 people contained no groups\n")

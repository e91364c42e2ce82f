"""Commands about people and connections: an answer, an exit code, and a dry run that leaves nothing."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core_identity import errors
from core_identity.command_line import USAGE
from core_identity.models import Conflict, Connection, Event, Grant, Identity, User
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from core_identity.services.users import create_user
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, make_connection

pytestmark = pytest.mark.django_db
WHY = ("--reason", "ticket 4711")


def run(*words: str) -> tuple[int, Any, str]:
    """Run a command with --json; return its exit code, the document on its stdout, and its stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(*words, "--json", stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, json.loads(out.getvalue()), err.getvalue()


@pytest.fixture
def acme() -> Connection:
    return make_connection()


@pytest.fixture
def jane(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=JANE).identity


@pytest.fixture
def zoe(acme: Connection) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=ZOE).identity


@pytest.fixture
def conflict(acme: Connection, jane: Identity) -> Conflict:
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email))
    return Conflict.objects.get()


def test_conflicts_are_listed_and_resolved_by_reference_R9(acme: Connection, conflict: Conflict) -> None:
    _, answer, _ = run("conflict", "list", "--connection", "acme")
    assert [(one["cause"], one["count"], one["other"]["username"]) for one in answer["conflicts"]] == [
        ("email", 1, "jane.doe@acme.test")
    ]
    code, answer, _ = run("conflict", "resolve", "REQSCIM", "different-people", *WHY)
    assert (code, answer["state"]) == (0, "different_people")
    assert run("conflict", "list")[1] == {"conflicts": []}
    assert create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email)).created


def test_an_unknown_conflict_is_3_and_a_closed_one_1_R9(conflict: Conflict) -> None:
    assert run("conflict", "resolve", "NOBODY", "dismiss", *WHY)[0] == 3
    run("conflict", "resolve", str(conflict.pk), "different-people", *WHY)
    assert run("conflict", "resolve", str(conflict.pk), "different-people", *WHY)[0] == 1


def test_a_dry_run_answers_the_same_and_leaves_nothing_R11(jane: Identity, zoe: Identity) -> None:
    events = Event.objects.count()
    words = ("user", "merge", "jane.doe", "zoë.müller", *WHY)
    code, answer, output = run(*words, "--dry-run")
    assert (code, Event.objects.count()) == (0, events)
    assert "nothing was changed" in output
    assert not User.objects.filter(merged_into__isnull=False).exists()
    assert run(*words)[1] == answer
    assert answer["uids_moved"] == ["zoë.müller"]
    assert User.objects.get(pk=zoe.user_id).merged_into_id == jane.user_id


def test_a_uid_is_given_and_a_former_one_released_R5_R8a(jane: Identity) -> None:
    code, answer, _ = run("user", "relink", "jane.doe", "--connection", "acme", "--uid", "4711", *WHY)
    assert (code, answer["identities"][0]["uid"]) == (0, "4711")
    assert run("user", "release", "jane.doe", "--connection", "acme", *WHY)[1] == {"released": "jane.doe"}
    assert run("user", "release", "jane.doe", "--connection", "acme", *WHY)[0] == 3
    assert run("user", "release", "4711", "--connection", "acme", *WHY)[0] == 1


def test_an_offer_that_matches_nobody_is_not_a_success_R10(acme: Connection) -> None:
    with pytest.raises(CommandError, match="at least one user") as error:
        call_command("user", "offer", "--connection", acme.slug, *WHY)
    assert error.value.returncode == USAGE


def test_a_person_named_and_in_the_domain_is_offered_once_R10(acme: Connection) -> None:
    create_user(actor=ADMIN, username="early", email="early@acme.test", customer=acme.customer)
    code, answer, _ = run("user", "offer", "early", "--domain", "acme.test", "--connection", acme.slug, *WHY)
    assert (code, answer["offered"]) == (0, 1)


def test_a_whole_domain_is_offered_except_people_who_cannot_be_offered_R10(acme: Connection, jane: Identity) -> None:
    for name in ("pat", "kim"):
        create_user(actor=ADMIN, username=name, email=f"{name}@acme.test", customer=acme.customer)
    create_user(actor=COMMAND, username="boss", email="boss@acme.test", customer=acme.customer, is_staff=True)
    create_user(actor=ADMIN, username="far", email="far@other.test", customer=acme.customer)
    code, answer, output = run("user", "offer", "--connection", "acme", "--domain", "acme.test", *WHY)
    assert (code, answer["offered"]) == (0, 2)
    assert "offered: 2 of 2" in output
    assert set(Identity.objects.filter(offered_at__isnull=False).values_list("user_name", flat=True)) == {"pat", "kim"}


def test_a_connection_is_rekeyed_and_the_rekey_ended_R3(acme: Connection, jane: Identity) -> None:
    _, answer, _ = run("connection", "rekey", "acme", "--uid-attribute", "employeeNumber", *WHY)
    acme.refresh_from_db()
    assert (answer["follow"], acme.uid_attribute, acme.rekeying) == (1, "employeeNumber", True)
    assert run("connection", "rekey", "acme", "--days", "0", *WHY)[1]["rekey_until"] is None
    assert run("connection", "rekey", "acme", "--days", "0", *WHY)[0] == 1


def test_a_connection_is_succeeded_after_a_dry_run_R1a(acme: Connection, jane: Identity) -> None:
    make_connection("acme-new")
    words = ("connection", "succeed", "acme", "acme-new", *WHY)
    assert run(*words, "--dry-run")[1]["identities_moved"] == 1
    assert Connection.objects.get(slug="acme").enabled
    run(*words)
    assert not Connection.objects.get(slug="acme").enabled
    assert Identity.objects.get().connection.slug == "acme-new"


def test_a_role_is_given_and_taken_with_a_reason_R32(jane: Identity) -> None:
    create_role(actor=ADMIN, name="Editors")
    with pytest.raises(CommandError, match="--reason"):
        call_command("user", "give-role", "jane.doe", "Editors")
    assert not Grant.objects.exists()
    code, answer, _ = run("user", "give-role", "jane.doe", "editors", *WHY)
    assert (code, [role["name"] for role in answer["roles"]]) == (0, ["Editors"])
    assert Event.objects.get(kind="grant.added").reason == "ticket 4711"
    code, answer, _ = run("user", "take-role", "jane.doe", "Editors", *WHY)
    assert (code, answer["roles"]) == (0, [])
    assert Event.objects.get(kind="grant.removed").reason == "ticket 4711"


def test_sessions_are_ended_by_script_R36(jane: Identity) -> None:
    code, answer, _ = run("user", "end-sessions", "jane.doe", *WHY)
    assert (code, answer) == (0, {"user": str(jane.user_id), "ended": 0})
    assert Event.objects.get(kind="user.sessions_ended").reason == "ticket 4711"

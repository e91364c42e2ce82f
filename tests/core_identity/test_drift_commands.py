"""R18 by script."""

from dataclasses import replace

import pytest

from core_identity.models import Identity, User
from core_identity.services.push.provisioning import change_person, create_person
from tests.core_identity.test_people_commands import WHY, run
from tests.support.cast import JANE, OKTA, make_connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def jane() -> Identity:
    identity = create_person(actor=OKTA, connection=make_connection(), person=JANE).identity
    person = replace(JANE, family_name="Roe", email="jane.roe@acme.test")
    change_person(
        actor=OKTA,
        connection=identity.connection,
        scim_id=identity.scim_id,
        read=lambda _: person,
        deactivates=False,
    )
    return identity


def test_drift_is_listed_for_all_for_a_connection_and_for_a_field_R18(jane: Identity) -> None:
    make_connection("globex", customer="Globex")
    email = {
        "user": {"id": str(jane.user_id), "username": "jane.doe@acme.test"},
        "connection": "acme",
        "field": "email",
        "idp_value": "jane.roe@acme.test",
        "core_value": "jane.doe@acme.test",
    }
    name = {**email, "field": "last_name", "idp_value": "Roe", "core_value": "Doe"}
    assert run("drift", "list")[:2] == (0, {"drift": [email, name]})
    assert run("drift", "list", "--connection", "acme", "--field", "email")[1] == {"drift": [email]}
    assert run("drift", "list", "--connection", "globex")[1] == {"drift": []}
    assert run("drift", "list", "--connection", "initech")[0] == 3


def test_drift_is_accepted_and_a_dry_run_leaves_it_R18(jane: Identity) -> None:
    act = ("drift", "accept", "jane.doe", "--connection", "acme", "--field", "email", "--field", "last_name", *WHY)
    values = {"email": ["jane.doe@acme.test", "jane.roe@acme.test"], "last_name": ["Doe", "Roe"]}
    code, answer, _ = run(*act, "--dry-run")
    assert (code, answer["accepted"]) == (0, values)
    assert User.objects.get().last_name == "Doe"
    code, answer, _ = run(*act)
    assert (code, answer["accepted"], User.objects.get().last_name) == (0, values, "Roe")
    code, answer, _ = run(*act)
    assert (code, answer["errors"][0]["code"]) == (1, "not_allowed")

"""A value of an IdP reaches the terminal of an administrator as text, and never as a command to the terminal."""

import io
import json
from dataclasses import replace

import pytest
from django.core.management import call_command

from core_identity.services.push.provisioning import create_person
from tests.support.cast import JANE, OKTA, make_connection

pytestmark = pytest.mark.django_db
HOSTILE = "Jane\r\nstatus      staff\u202e"
CSI = "\x9b2J"


@pytest.fixture(autouse=True)
def _hostile_jane() -> None:
    person = replace(JANE, given_name=HOSTILE, attributes={"nickName": CSI, "displayName": "\x1b[2J"})
    create_person(actor=OKTA, connection=make_connection(uid_rule="other"), person=person)


def shown(*more: str) -> str:
    out = io.StringIO()
    call_command("user", "show", "jane.doe", *more, stdout=out)
    return out.getvalue()


def test_a_value_of_an_idp_begins_no_line_and_moves_no_cursor() -> None:
    text = shown()
    assert [line for line in text.splitlines() if not line.isprintable()] == []
    assert len([line for line in text.splitlines() if line.startswith("status")]) == 1
    assert "Jane" in text


def test_json_is_the_same_document_without_control_characters() -> None:
    text = shown("--json")
    assert [line for line in text.split("\n") if not line.isprintable()] == []
    assert json.loads(text)["first_name"] == HOSTILE
    assert CSI in json.dumps(json.loads(text), ensure_ascii=False)

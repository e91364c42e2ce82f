"""Export a connection as a file that makes it again. Editors know the keys of such files (R37)."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from core_identity.config.apply import apply, parse
from core_identity.config.export import as_yaml, file_of
from core_identity.connection_schema import schema
from core_identity.errors import SettingsErrors
from core_identity.models import Connection, Event, Role, RoleAlias
from tests.support.cast import ADMIN
from tests.support.saml import TestIdp

DOCUMENTED = Path(__file__).parents[3] / "docs/how-to/connections-as-code.md"


@pytest.fixture
def acme(db: None) -> Connection:
    """A connection with a value in each key."""
    content = {
        "roles": [{"name": "Editors", "aliases": ["grp-editors"]}, "Viewers"],
        "customers": [{"name": "Acme", "support": {"name": "Help desk", "url": "https://help.acme.test"}}],
        "connections": [
            {
                "slug": "acme",
                "name": "Acme – Süd",
                "customer": "Acme",
                "sso_creates_users": False,
                "uid": {"attribute": "employee", "rule": "other", "mark": "waived", "required_in_scim": True},
                "roles": {"grantable": ["Editors"], "from": "both", "overage_days": 7},
                "saml": {
                    "idp_metadata": TestIdp().metadata(),
                    "signed": "assertion",
                    "email_domains": [{"domain": "acme.test", "verified": True}, "acme.example"],
                    "attributes": {"first_name": "given"},
                },
                "scim": {
                    "unknown_group": "refuse",
                    "redirect_uris": ["https://idp.example/back"],
                    "grants": ["client_credentials"],
                },
            }
        ],
    }
    apply(actor=ADMIN, content=content, base_dir=None)
    return Connection.objects.get(slug="acme")


def test_applying_an_exported_file_changes_nothing_R37(acme: Connection) -> None:
    text = as_yaml(file_of(acme))
    events = Event.objects.count()
    apply(actor=ADMIN, content=parse(text), base_dir=None)
    assert Event.objects.count() == events
    assert as_yaml(file_of(acme)) == text


def test_a_name_with_invisible_characters_survives_the_command(acme: Connection) -> None:
    name = "A\u00a0B\u202fC – Süd"
    Connection.objects.filter(pk=acme.pk).update(name=name)
    text, events = _answer("export", "acme"), Event.objects.count()
    assert parse(text)["connections"][0]["name"] == name
    apply(actor=ADMIN, content=parse(text), base_dir=None)
    assert Event.objects.count() == events
    assert Connection.objects.get(pk=acme.pk).name == name


def test_the_file_makes_the_same_connection_elsewhere_R37(acme: Connection) -> None:
    content = file_of(acme)
    [entry] = content["connections"]
    copy = {**entry, "slug": "copy"}
    RoleAlias.objects.all().delete()
    apply(actor=ADMIN, content={**content, "connections": [copy]}, base_dir=None)
    exported = file_of(Connection.objects.get(slug="copy"))
    assert exported == {**content, "connections": [copy]}
    assert Role.objects.get(name="Editors").aliases.get().name == "grp-editors"


def test_the_file_contains_no_secret_R34(acme: Connection) -> None:
    text = as_yaml(file_of(acme))
    assert "secret" not in text.lower()
    assert "PRIVATE" not in text
    assert "-----BEGIN CERTIFICATE-----\n" in text, "a certificate is a block of lines, not one long line"


def test_the_command_writes_yaml_and_json(acme: Connection) -> None:
    assert yaml.safe_load(_answer("export", "acme")) == json.loads(_answer("export", "acme", "--json")) == file_of(acme)


def test_the_schema_knows_each_documented_key_and_no_other() -> None:
    example = yaml.safe_load(DOCUMENTED.read_text("utf-8").split("```yaml\n")[1].split("```")[0])
    answer = json.loads(_answer("schema"))
    assert answer == schema()
    connection = answer["properties"]["connections"]["items"]
    by_hand = {"entity_id", "certificates", "sso_url", "sso_post_url"}
    by_hand |= {"slo_url", "slo_post_url", "slo_answer_url", "slo_post_answer_url"}
    assert _missing(connection, example["connections"][0], path="connections") == {
        f"connections.saml.{key}" for key in by_hand
    }


def test_the_schema_accepts_the_example_and_marks_an_unknown_key() -> None:
    connection = schema()["properties"]["connections"]["items"]
    assert connection["additionalProperties"] is False
    assert connection["required"] == ["slug"]
    assert connection["properties"]["uid"]["properties"]["rule"] == {"enum": ["name", "email", "other"]}


def test_the_support_contact_of_a_customer_is_in_the_file(acme: Connection) -> None:
    support = {"name": "Help desk", "url": "https://help.acme.test"}
    assert file_of(acme)["customers"] == [{"name": "Acme", "support": support}]
    apply(actor=ADMIN, content={"customers": [{"name": "ACME"}]}, base_dir=None)
    assert file_of(acme)["customers"] == [{"name": "Acme", "support": support}]
    apply(actor=ADMIN, content={"customers": [{"name": "Acme", "support": {"email": "help@acme.test"}}]}, base_dir=None)
    assert file_of(Connection.objects.get(slug="acme"))["customers"][0]["support"] == {"email": "help@acme.test"}


def test_each_fault_of_a_customer_in_the_file_is_named_by_its_path(acme: Connection) -> None:
    content = {
        "customers": [
            {"support": {"name": "x"}},
            {"name": "Acme", "support": {"url": "javascript:alert(1)", "fax": "1"}},
            {"name": "Globex", "support": {"phone": "<b>"}},
        ]
    }
    with pytest.raises(SettingsErrors) as refusal:
        apply(actor=ADMIN, content=content, base_dir=None)
    assert {fault.path for fault in refusal.value.faults} == {
        "customers[0].name",
        "customers[1].support.fax",
        "customers[1].support.url",
        "customers[2].support.phone",
    }


def test_the_schema_knows_the_keys_of_a_customer() -> None:
    documented = yaml.safe_load(DOCUMENTED.read_text("utf-8").split("```yaml\n")[1].split("```")[0])
    customer = schema()["properties"]["customers"]["items"]
    assert _missing(customer, documented["customers"][0], path="customers") == set()


def _answer(*words: str) -> str:
    out = StringIO()
    call_command("connection", *words, stdout=out)
    return out.getvalue()


def _missing(described: dict[str, Any], example: dict[str, Any], *, path: str) -> set[str]:
    """Return the keys of the schema that the example lacks; fail for a key of the example that the schema lacks."""
    known = described["properties"]
    assert set(example) <= set(known), path
    missing = {f"{path}.{name}" for name in set(known) - set(example)}
    for name, value in example.items():
        if "properties" in known[name]:
            missing |= _missing(known[name], value, path=f"{path}.{name}")
    return missing

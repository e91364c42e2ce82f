"""The SAML side of a connection, described by a file: every fault is named at its place, and none is half applied."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import sso.settings.changes
from core_identity.errors import SettingsErrors
from core_identity.models import Connection, Event
from sso.models import SamlSettings
from sso.saml.certificates import fingerprint
from sso.settings.section import hints_for
from tests.support.cast import make_connection
from tests.support.saml import TestIdp, certificate_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def bare() -> Connection:
    return make_connection()


def faults(connection: Connection, section: Any, base_dir: Path | None = None) -> set[tuple[str, str]]:
    with pytest.raises(SettingsErrors) as refusal:
        sso.settings.changes.apply(connection, section, base_dir=base_dir)
    assert not SamlSettings.objects.exists()
    assert not Event.objects.filter(kind="saml_settings.changed").exists()
    return {(fault.path, fault.code) for fault in refusal.value.faults}


def test_metadata_is_read_from_a_file_beside_the_description(bare: Connection, idp: TestIdp, tmp_path: Path) -> None:
    (tmp_path / "idp.xml").write_text(f"<!-- from Okta -->\n{idp.metadata()}")
    saml = sso.settings.changes.apply(bare, {"idp_metadata": "idp.xml"}, base_dir=tmp_path)
    assert (saml.idp_entity_id, saml.sso_url, saml.slo_url) == (idp.entity_id, idp.sso_url, "")
    assert saml.certificates == [idp.pem]
    assert (saml.idp_initiated, saml.signed, saml.groups_attribute) == (False, "both", "Group")


def test_applying_the_same_twice_changes_nothing(bare: Connection, idp: TestIdp) -> None:
    section = {"idp_metadata": idp.metadata(), "attributes": {"email": "mail", "groups": ""}}
    sso.settings.changes.apply(bare, section, base_dir=None)
    saml = sso.settings.changes.apply(bare, section, base_dir=None)
    assert (saml.email_attribute, saml.groups_attribute) == ("mail", "")
    assert Event.objects.filter(kind="saml_settings.changed").count() == 1


def test_the_idp_may_be_described_by_hand(bare: Connection, idp: TestIdp) -> None:
    section = {"entity_id": idp.entity_id, "sso_url": idp.sso_url, "certificates": [idp.pem, idp.pem]}
    assert sso.settings.changes.apply(bare, section, base_dir=None).certificates == [idp.pem]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ([], {("saml", "wrong_type")}),
        (
            {},
            {("saml.entity_id", "required"), ("saml.sso_url", "required"), ("saml.certificates", "required")},
        ),
        ({"idp_metadata": "nowhere.xml"}, {("saml.idp_metadata", "unreadable")}),
        ({"idp_metadata": 7}, {("saml.idp_metadata", "unreadable")}),
        ({"idp_metadata": "<x"}, {("saml.idp_metadata", "not_xml")}),
        ({"idp_metadata": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}, {("saml.idp_metadata", "forbidden_xml")}),
        ({"idp_metadata": "<x/>"}, {("saml.idp_metadata", "not_metadata")}),
        (
            {"entity_id": "i", "sso_url": "javascript:alert(1)", "certificates": ["x"], "idp_initiated": "yes", "wrong": 1},
            {
                ("saml.sso_url", "unsafe_url"),
                ("saml.certificates[0]", "bad_certificate"),
                ("saml.idp_initiated", "wrong_type"),
                ("saml.wrong", "unknown_key"),
            },
        ),
    ],
)  # fmt: skip
def test_all_faults_are_named_at_once(
    bare: Connection, section: Any, expected: set[tuple[str, str]], tmp_path: Path
) -> None:
    assert faults(bare, section, tmp_path) == expected


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"entity_id": ""}, "no_entity_id"),
        ({"sso_url": "http://idp.test/sso"}, "unsafe_url"),
        ({"sso_url": "javascript:alert(1)"}, "unsafe_url"),
        ({"sso_url": ""}, "no_sso_url"),
        ({"use": 'use="encryption"'}, "no_certificate"),
        ({"certificate": "AAAA"}, "bad_certificate"),
        ({"extra": 'validUntil="2020-01-01T00:00:00Z"'}, "outdated"),
        ({"extra": 'validUntil="soon"'}, "bad_valid_until"),
    ],
)
def test_metadata_that_cannot_be_trusted_is_named(
    bare: Connection, idp: TestIdp, changes: dict[str, str], code: str
) -> None:
    assert ("saml.idp_metadata", code) in faults(bare, {"idp_metadata": idp.metadata(**changes)})


def test_a_weak_key_is_refused(bare: Connection, idp: TestIdp) -> None:
    weak = TestIdp()
    weak.certificate = certificate_for(rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505
    assert ("saml.idp_metadata", "bad_certificate") in faults(bare, {"idp_metadata": weak.metadata()})


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ([], ("saml.attributes", "wrong_type")),
        ({"email": ""}, ("saml.attributes.email", "wrong_type")),
        ({"email": 5}, ("saml.attributes.email", "wrong_type")),
        ({"mail": "Email"}, ("saml.attributes.mail", "unknown_key")),
        ({"last_name": "FirstName"}, ("saml.attributes.last_name", "not_both")),
    ],
)
def test_attributes_have_names_of_their_own(
    bare: Connection, idp: TestIdp, attributes: Any, expected: tuple[str, str]
) -> None:
    assert faults(bare, {"idp_metadata": idp.metadata(), "attributes": attributes}) == {expected}


def test_events_name_certificates_by_fingerprint(bare: Connection, idp: TestIdp) -> None:
    sso.settings.changes.apply(bare, {"idp_metadata": idp.metadata()}, base_dir=None)
    sso.settings.changes.apply(bare, {"idp_metadata": TestIdp().metadata()}, base_dir=None)
    first, second = Event.objects.filter(kind="saml_settings.changed").order_by("at")
    assert first.changes["certificates"] == [None, [fingerprint(idp.pem)]]
    assert second.changes["certificates"][0] == [fingerprint(idp.pem)]
    assert "BEGIN" not in str(first.changes) + str(second.changes)


def test_http_on_this_machine_is_for_trying_things_out_only(bare: Connection, idp: TestIdp, settings: Any) -> None:
    url = "http://127.0.0.1:8001/sso"
    section = {"entity_id": idp.entity_id, "sso_url": url, "certificates": [idp.pem]}
    settings.PUBLIC_URL_IS_LOOPBACK = False
    assert faults(bare, section) == {("saml.sso_url", "unsafe_url")}
    assert ("saml.idp_metadata", "unsafe_url") in faults(bare, {"idp_metadata": idp.metadata(sso_url=url)})
    settings.PUBLIC_URL_IS_LOOPBACK = True
    assert sso.settings.changes.apply(bare, section, base_dir=None).sso_url == url


def test_the_settings_read_back_as_a_section_change_nothing(bare: Connection, idp: TestIdp) -> None:
    section = {
        "idp_metadata": idp.metadata(),
        "idp_initiated": True,
        "signed": "response",
        "sign_requests": True,
        "force_authn": True,
        "authn_context": "urn:x:mfa",
        "clock_skew": 7,
        "email_domains": ["acme.com"],
        "attributes": {"email": "mail", "groups": ""},
    }
    for one in (section, {"idp_metadata": idp.metadata()}):
        saml = sso.settings.changes.apply(bare, one, base_dir=None)
        assert sso.settings.changes.plan(bare, sso.settings.changes.section_of(saml), base_dir=None) == {}


def test_the_older_spelling_of_signed_is_read_and_a_wrong_one_is_named(bare: Connection, idp: TestIdp) -> None:
    section: dict[str, Any] = {"idp_metadata": idp.metadata()}
    for wrong, code in (
        ({"signed": "none"}, ("saml.signed", "not_a_choice")),
        ({"signed": True}, ("saml.signed", "not_a_choice")),
        ({"want_response_signed": "yes"}, ("saml.want_response_signed", "wrong_type")),
        ({"signed": "both", "want_response_signed": True}, ("saml.want_response_signed", "not_both")),
    ):
        assert faults(bare, section | wrong) == {code}
    for older, value in ((True, "both"), (False, "assertion")):
        changed_section = section | {"want_response_signed": older}
        assert sso.settings.changes.apply(bare, changed_section, base_dir=None).signed == value
        assert hints_for(changed_section) == [
            f"saml.want_response_signed is an older spelling. Write this instead: signed: {value}."
        ]
    assert hints_for(section | {"signed": "response"}) == hints_for(None) == []

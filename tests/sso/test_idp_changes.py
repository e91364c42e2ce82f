"""Changing the IdP's certificates and addresses: commands show the difference first, refreshes only propose, ends are announced in time."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

import sso.settings.changes
from core_identity.clock import database_now
from core_identity.config.apply import apply
from core_identity.errors import NotAllowed, SettingsErrors
from core_identity.models import Connection, Event
from core_identity.services.users import create_user
from sso.checks import trust_does_not_end
from sso.models import SamlSettings
from sso.saml.certificates import end_of, fingerprint
from sso.saml.idp_metadata import IdpMetadata, MetadataFaults
from sso.saml.parties import Signed
from sso.settings import keys
from sso.settings.idp_changes import Refresh, adopt, difference, read_source, refresh
from sso.settings.keys import make_key
from sso.settings.metadata_source import Reach
from sso.settings.trust_warnings import trust_that_ends, warnings_of
from tests.admin.conftest import browser_of
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, COMMAND, JANE, by_sso, make_connection
from tests.support.saml import TestIdp

URL = "https://idp.test/metadata"
Serve = Callable[[str | MetadataFaults], None]


@pytest.fixture(scope="module")
def successor() -> TestIdp:
    """The same IdP with its next key."""
    return TestIdp()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Set the answer of the address. Fetching has tests of its own, over real TLS."""

    def say(answer: str | MetadataFaults) -> None:
        def fetched(reach: Reach, url: str) -> bytes:
            assert url == URL
            if isinstance(answer, MetadataFaults):
                raise answer
            return answer.encode()

        monkeypatch.setattr("sso.settings.metadata_source.fetch_within", fetched)

    return say


def run(*arguments: str) -> tuple[int, Any]:
    """Return the exit code of `connection` and its answer."""
    out = StringIO()
    try:
        call_command("connection", *arguments, "--json", stdout=out, stderr=StringIO())
    except SystemExit as error:
        return int(error.code or 0), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def standing(connection: Connection) -> SamlSettings:
    return SamlSettings.objects.get(connection=connection)


def both(old: TestIdp, new: TestIdp, *, sso_url: str = "") -> str:
    """Return metadata in the middle of a rollover."""
    text = old.metadata(**({"sso_url": sso_url} if sso_url else {}))
    start, end = new.metadata().index("<md:KeyDescriptor"), new.metadata().index("<md:SingleSignOnService")
    return text.replace("<md:SingleSignOnService", new.metadata()[start:end] + "<md:SingleSignOnService", 1)


def keep(connection: Connection) -> None:
    SamlSettings.objects.filter(connection=connection).update(metadata_url=URL)


# By hand


def test_the_command_shows_first_and_changes_only_on_request(
    acme: Connection, idp: TestIdp, successor: TestIdp, tmp_path: Path
) -> None:
    (tmp_path / "idp.xml").write_text(both(idp, successor))
    source = ("metadata", "acme", "--file", str(tmp_path / "idp.xml"))
    before = Event.objects.count()
    old, new = fingerprint(idp.pem), fingerprint(successor.pem)
    # The certificates of the tests end in less than 30 days.
    notes = [str(warnings_of(SamlSettings(certificates=[pem]), database_now())[0]) for pem in (idp.pem, successor.pem)]
    assert all("The signing certificate" in note and "ends on" in note for note in notes)
    shown = {"connection": "acme", "changes": {"certificates": [[old], [old, new]]}, "notes": notes, "applied": False}
    assert run(*source) == (0, shown)
    assert (standing(acme).certificates, Event.objects.count()) == ([idp.pem], before)
    assert run(*source, "--apply", "--reason", "rollover") == (0, shown | {"applied": True})
    assert standing(acme).certificates == [idp.pem, successor.pem]
    event = Event.objects.get(reason="rollover")
    assert (event.kind, event.changes) == ("saml_settings.changed", {"certificates": [[old], [old, new]]})
    assert run(*source)[1]["changes"] == {}


def test_a_connection_without_saml_is_set_up_by_metadata(db: None, idp: TestIdp, serve: Serve) -> None:
    connection = make_connection()
    serve(idp.metadata())
    assert run("metadata", "acme", "--url", URL, "--keep-url", "--apply")[0] == 0
    saml = standing(connection)
    assert (saml.idp_entity_id, saml.metadata_url, saml.certificates) == (idp.entity_id, URL, [idp.pem])


def test_faults_are_named_together_and_nothing_is_changed(acme: Connection, idp: TestIdp, tmp_path: Path) -> None:
    (tmp_path / "idp.xml").write_text(idp.metadata(sso_url="javascript:x", use='use="encryption"'))
    code, answer = run("metadata", "acme", "--file", str(tmp_path / "idp.xml"), "--apply")
    assert (code, [fault["code"] for fault in answer["errors"]]) == (1, ["unsafe_url", "no_certificate"])
    assert run("metadata", "acme", "--file", str(tmp_path / "none.xml"))[0] == 1
    assert run("metadata", "acme")[1]["errors"][0]["code"] == "not_allowed"
    assert standing(acme).certificates == [idp.pem]


def test_a_difference_that_changed_since_it_was_shown_is_not_adopted(
    acme: Connection, idp: TestIdp, successor: TestIdp
) -> None:
    read, _ = read_source(acme, xml=successor.metadata().encode())
    seen = difference(standing(acme), read).seen
    sso.settings.changes.apply(acme, {"idp_metadata": both(idp, successor)}, base_dir=None)
    with pytest.raises(NotAllowed):
        adopt(actor=ADMIN, connection=acme, read=read, seen=seen)
    assert standing(acme).certificates == [idp.pem, successor.pem]


def test_another_identity_provider_is_shown_as_another_one(acme: Connection, successor: TestIdp) -> None:
    read, _ = read_source(acme, xml=successor.metadata(entity_id="https://evil.test").encode())
    found = difference(standing(acme), read)
    ending, changed = found.notes
    assert changed.startswith("The entity ID changes")
    assert fingerprint(successor.pem) in ending
    lasting = TestIdp(ends=timedelta(days=400))
    assert difference(standing(acme), read_source(acme, xml=lasting.metadata().encode())[0]).notes[1:] == ()
    assert any(line.startswith("certificate removed: ") for line in found.lines())


# Refreshes


def test_a_refresh_swaps_no_key_and_its_findings_wait(
    acme: Connection, idp: TestIdp, successor: TestIdp, serve: Serve
) -> None:
    """Old, both, new by refreshes and an administrator, without one failed sign-in."""
    keep(acme)
    serve(both(idp, successor))
    code, answer = run("refresh-metadata")
    assert (code, [one["connection"] for one in answer["connections"]]) == (0, ["acme"])
    assert fingerprint(successor.pem) in answer["connections"][0]["waiting"][0]
    assert standing(acme).certificates == [idp.pem]
    jane = by_sso(JANE)
    assert Browser(successor).come_back(jane).status_code == 400  # nobody has adopted it
    assert Browser(idp).come_back(jane).status_code == 303
    event = Event.objects.get(kind="saml_settings.refreshed")
    old, new = fingerprint(idp.pem), fingerprint(successor.pem)
    assert event.changes == {"proposed": [None, {"certificates": [old, new]}]}

    assert run("metadata", "acme", "--apply")[1]["changes"] == {"certificates": [[old], [old, new]]}
    assert (standing(acme).proposed, standing(acme).metadata_url) == (None, URL)
    assert Browser(idp).come_back(jane).status_code == 303
    assert Browser(successor).come_back(jane).status_code == 303


def test_a_refresh_that_finds_nothing_new_writes_no_event_and_clears_the_proposal(
    acme: Connection, idp: TestIdp, successor: TestIdp, serve: Serve
) -> None:
    keep(acme)
    serve(both(idp, successor, sso_url="https://idp.test/new"))
    for _ in range(2):
        refresh(actor=ADMIN, connection=acme)
    proposed = standing(acme).proposed
    assert proposed is not None
    assert proposed["sso_url"] == "https://idp.test/new"
    assert Event.objects.filter(kind="saml_settings.refreshed").count() == 1
    serve(idp.metadata())
    assert refresh(actor=ADMIN, connection=acme) == Refresh((), ())
    assert standing(acme).proposed is None


def test_an_address_that_speaks_for_another_idp_proposes_nothing(
    acme: Connection, successor: TestIdp, serve: Serve
) -> None:
    keep(acme)
    serve(successor.metadata(entity_id="https://evil.test"))
    went = refresh(actor=ADMIN, connection=acme)
    assert went.waiting == ()
    assert "describes 0 identity providers" in went.faults[0]
    assert (standing(acme).proposed, standing(acme).refresh_fault) == (None, went.faults[0])


def test_a_failed_refresh_is_recorded_once_and_changes_nothing(acme: Connection, idp: TestIdp, serve: Serve) -> None:
    keep(acme)
    serve(MetadataFaults([("too_slow", "It took longer than 10 seconds.")]))
    assert [run("refresh-metadata", "acme")[0] for _ in range(2)] == [1, 1]
    assert Event.objects.filter(kind="saml_settings.refreshed").count() == 1
    assert standing(acme).certificates == [idp.pem]
    assert Browser(idp).come_back(by_sso(JANE)).status_code == 303
    serve(idp.metadata(extra='validUntil="2020-01-01T00:00:00Z"'))
    assert "valid until 2020" in refresh(actor=ADMIN, connection=acme).faults[0]
    serve(idp.metadata())
    assert refresh(actor=ADMIN, connection=acme).faults == ()
    assert standing(acme).refresh_fault == ""


def test_without_an_address_there_is_nothing_to_refresh(acme: Connection) -> None:
    assert run("refresh-metadata") == (0, {"connections": []})
    assert run("refresh-metadata", "acme")[1]["errors"][0]["path"] == "url"


def test_a_refresh_asks_the_database_little(acme: Connection, idp: TestIdp, serve: Serve) -> None:
    keep(acme)
    serve(idp.metadata())
    with CaptureQueriesContext(database) as queries:
        refresh(actor=ADMIN, connection=acme)
    assert len([one for one in queries if "SAVEPOINT" not in one["sql"]]) <= 4


@pytest.mark.parametrize(
    ("days", "level"), [(31, None), (30, None), (29, "Notice"), (7, "Notice"), (6, "Warning"), (0, "Critical")]
)
def test_warnings_of_ending_certificates_and_metadata_come_in_time(idp: TestIdp, days: int, level: str | None) -> None:
    end = end_of(idp.pem)
    saml = SamlSettings(certificates=[idp.pem], metadata_valid_until=end)
    warnings = warnings_of(saml, end - timedelta(days=days))
    assert [str(warning.severity) for warning in warnings] == ([level, level] if level else [])


def test_the_system_check_names_connections_with_trust_that_ends(
    acme: Connection, idp: TestIdp, django_assert_num_queries: Any
) -> None:
    """The certificate of the tests ends in less than 30 days."""
    other = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(other, {"idp_metadata": idp.metadata()}, base_dir=None)
    Connection.objects.filter(pk=other.pk).update(enabled=False)
    assert trust_does_not_end(databases=None) == []
    with django_assert_num_queries(1):
        (warning,) = trust_does_not_end(databases=["default"])
    assert (warning.id, warning.msg.startswith("acme: Notice: The signing certificate")) == ("core_identity.W002", True)


@pytest.mark.parametrize(
    ("days", "announced"),
    [(31, None), (29, "Notice: Our active SAML key ends"), (0, "Critical: Our active SAML key ended")],
)
def test_the_end_of_our_own_key_is_announced_too_R36(
    acme: Connection, days: int, announced: str | None, django_assert_num_queries: Any
) -> None:
    """An IdP that checks our certificate would refuse our requests, or could not encrypt for us."""
    key = make_key(actor=ADMIN, connection=acme)
    moment = end_of(key.certificate) - timedelta(days=days)
    with django_assert_num_queries(1):
        ((slug, warnings),) = trust_that_ends(moment)
    assert slug == "acme"
    ours = [str(one) for one in warnings if one.is_ours]
    with time_machine.travel(moment, tick=False):
        (check,) = trust_does_not_end(databases=["default"])
    assert ("connection saml-keys acme create" in str(check.hint)) == bool(ours)
    assert [one.partition(" on ")[0] for one in ours] == ([announced] if announced else [])


def test_the_end_that_metadata_names_is_kept(acme: Connection, idp: TestIdp) -> None:
    text = idp.metadata(extra='validUntil="2999-01-01T00:00:00Z"')
    sso.settings.changes.apply(acme, {"idp_metadata": text}, base_dir=None)
    assert standing(acme).metadata_valid_until == datetime(2999, 1, 1, tzinfo=UTC)


# Clocks, as a file sets them


@pytest.mark.parametrize(
    ("skew", "fast", "status"), [(0, 30, 400), (300, 240, 303), (300, 360, 400), (None, 60, 303), (None, 180, 400)]
)
def test_each_connection_sets_how_far_clocks_may_differ(
    acme: Connection, idp: TestIdp, skew: int | None, fast: int, status: int
) -> None:
    """The clock of the IdP is fast."""
    sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata(), "clock_skew": skew}, base_dir=None)
    assert Browser(idp).come_back(by_sso(JANE), issued=timedelta(seconds=fast)).status_code == status


@pytest.mark.parametrize("value", [-1, 301, "5", True, 1.5])
def test_a_tolerance_out_of_bounds_is_named(acme: Connection, idp: TestIdp, value: object) -> None:
    with pytest.raises(SettingsErrors) as refusal:
        sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata(), "clock_skew": value}, base_dir=None)
    assert [(fault.path, fault.code) for fault in refusal.value.faults] == [("saml.clock_skew", "wrong_type")]


def test_an_import_proposes_what_an_idp_usually_signs_only_where_the_connection_would_refuse_it() -> None:
    """Metadata does not contain it, so it is a proposal by the entity ID, and it is never *either*."""
    usual = {
        "https://sts.windows.net/0a1b2c3d-0000-4000-8000-000000000002/": "assertion",
        "http://adfs.acme.test/adfs/services/trust": "assertion",
        "https://accounts.google.com/o/saml2?idpid=C01": "assertion",
        "https://idp.acme.test/idp/shibboleth": "response",
        "http://www.okta.com/exk1": "",
        "https://evil.test/?https://sts.windows.net/x": "",
    }
    for entity_id, setting in usual.items():
        read = IdpMetadata(entity_id, "https://idp.test/sso", "", ())
        for signed in Signed:
            (*_, note) = ("", *difference(SamlSettings(signed=signed), read).notes)
            if not setting or signed == setting:
                assert note == ""
            else:
                assert note.endswith(f"write signed: {setting} in the SAML settings."), (entity_id, signed)
                assert f"The connection has signed: {signed}." in note


def wanting(idp: TestIdp, value: str = "true") -> str:
    """Return metadata of an IdP that wants our requests signed."""
    return idp.metadata().replace("<md:IDPSSODescriptor", f'<md:IDPSSODescriptor WantAuthnRequestsSigned="{value}"')


def test_an_import_proposes_signed_requests_with_the_steps_before_and_changes_nothing(
    acme: Connection, idp: TestIdp, tmp_path: Path
) -> None:
    """By the command, on both pages and by a connection file."""
    root = browser_of(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))
    file = tmp_path / "idp.xml"

    def of_signing(notes: Sequence[str]) -> str:
        """Leave out that the certificate of the tests ends soon."""
        return " ".join(note for note in notes if "ends on" not in note)

    def by_command(text: str) -> str:
        file.write_text(text)
        shown = run("metadata", "acme", "--file", str(file))[1]["notes"]
        assert run("metadata", "acme", "--file", str(file), "--apply")[1]["notes"] == shown
        return of_signing(shown)

    def by_page(text: str) -> str:
        page = root.post(f"/admin/core_identity/connection/{acme.pk}/metadata/", {"metadata": text})
        return of_signing(page.context["difference"].notes)

    def by_file(text: str, **wishes: Any) -> str:
        entry = {"slug": "acme", "customer": str(acme.customer), "saml": {"idp_metadata": text} | wishes}
        (answer,) = apply(actor=ADMIN, content={"connections": [entry]}, base_dir=None)
        return of_signing(answer.get("hints", []))

    first = make_connection("globex", customer="Globex")

    def by_first_page(text: str) -> str:
        SamlSettings.objects.filter(connection=first).delete()
        names = {name: f"{name}_" for name in SamlSettings.ATTRIBUTES}
        plain = {"signed": "both", "sso_binding": "redirect", "slo_binding": "post", "clock_skew": "120"}
        form = names | plain | {"name_id_format": "urn:x", "idp_metadata": text}
        answer = root.post(f"/admin/core_identity/connection/{first.pk}/saml/", form, follow=True)
        assert SamlSettings.objects.filter(connection=first).exists(), answer.content.decode()
        return of_signing([str(one) for one in answer.context["messages"] if one.level_tag == "warning"])

    for way in (by_command, by_page, by_file, by_first_page):
        for value in ("true", "1", " true "):
            text = way(wanting(idp, value))
            for part in ("WantAuthnRequestsSigned", "connection saml-keys", "/metadata.", "sign_requests"):
                assert part in text, (way.__name__, value, text)
        for text in (idp.metadata(), wanting(idp, "false"), wanting(idp, "0")):
            assert way(text) == "", way.__name__
    assert not SamlSettings.objects.filter(sign_requests=True).exists(), "an import never switches it on"
    keys.make_key(actor=ADMIN, connection=acme)
    for word in (by_command(wanting(idp)), by_page(wanting(idp)), by_file(wanting(idp))):
        assert ("sign_requests" in word, "saml-keys" in word) == (True, False), "a key is there"
    assert by_file(wanting(idp), sign_requests=True) == ""
    assert by_command(wanting(idp)) == by_page(wanting(idp)) == ""

"""Our own keys: encrypted at rest, and changed without one failed sign-in."""

import json
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client

import sso.settings.changes
from core_identity.errors import InvalidValue
from core_identity.models import Connection, Event, User
from sso.models import SamlSettings, SignInRecord, SignInState, SpKey
from sso.settings import keys
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, JANE, by_sso
from tests.support.saml import TestIdp, encrypting_to

JANE_BY_SSO = by_sso(JANE)


def command(step: str) -> dict[str, Any]:
    out = StringIO()
    call_command("connection", "saml-keys", "acme", step, "--reason", "yearly", "--json", stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def comes_in(browser: Browser, certificate: str) -> bool:
    sealed = browser.idp.response(browser.claims(JANE_BY_SSO), seal=encrypting_to(certificate))
    return browser.post(sealed).status_code == 303


def test_a_rollover_fails_no_sign_in_and_is_in_the_events(browser: Browser, acme: Connection) -> None:
    assert [key["state"] for key in command("create")["keys"]] == ["active"]
    first = SpKey.objects.get().certificate
    assert comes_in(browser, first)
    assert [key["state"] for key in command("create")["keys"]] == ["next", "active"]
    second = SpKey.objects.get(state="next").certificate
    assert comes_in(browser, first)
    assert comes_in(browser, second), "an IdP may use it as soon as it has read it"
    assert [key["state"] for key in command("activate")["keys"]] == ["active", "old"]
    assert SpKey.objects.get(state="active").certificate == second
    assert comes_in(browser, first), "an IdP may not have read our metadata yet"
    assert comes_in(browser, second)
    command("delete")
    assert comes_in(browser, second)
    assert not comes_in(browser, first)
    kinds = list(Event.objects.filter(kind__startswith="saml_key.").order_by("pk").values_list("kind", flat=True))
    assert kinds == ["saml_key.created", "saml_key.created", "saml_key.activated", "saml_key.deleted"]


@pytest.mark.parametrize(("step", "code"), [("activate", 1), ("delete", 1)])
def test_a_step_out_of_order_is_refused_and_changes_nothing(acme: Connection, step: str, code: int) -> None:
    command("create")
    with pytest.raises(SystemExit) as ended:
        command(step)
    assert ended.value.code == code
    assert [key.state for key in SpKey.objects.all()] == ["active"]


def test_a_private_key_is_encrypted_and_in_no_event_and_no_text(acme: Connection) -> None:
    key = keys.make_key(actor=ADMIN, connection=acme)
    pair = keys.signing_key(SamlSettings.objects.get())
    assert pair is not None
    assert "PRIVATE KEY" in pair.private
    assert "PRIVATE" not in key.sealed_key
    assert "PRIVATE" not in repr(pair)
    assert not any("PRIVATE" in str(event.changes) for event in Event.objects.all())


def test_the_list_of_sealing_keys_rotates(acme: Connection, settings: LazySettings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    saml = SamlSettings.objects.get()
    settings.SAML_KEY_ENCRYPTION_KEYS = [old]
    keys.make_key(actor=ADMIN, connection=acme)
    before = keys.signing_key(saml)
    settings.SAML_KEY_ENCRYPTION_KEYS = [new, old]
    assert keys.signing_key(saml) == before
    assert keys.seal_again(actor=ADMIN, connection=acme) == 1
    settings.SAML_KEY_ENCRYPTION_KEYS = [new]
    assert keys.signing_key(saml) == before
    settings.SAML_KEY_ENCRYPTION_KEYS = [old]
    with pytest.raises(InvalidValue):
        keys.signing_key(saml)


def test_no_key_is_made_that_could_not_be_sealed(acme: Connection, settings: LazySettings) -> None:
    settings.SAML_KEY_ENCRYPTION_KEYS = []
    with pytest.raises(InvalidValue, match="SAML_KEY_ENCRYPTION_KEYS"):
        keys.make_key(actor=ADMIN, connection=acme)
    assert not SpKey.objects.exists()


@pytest.mark.parametrize("wish", ["want_encrypted", "sign_requests", "sign_metadata"])
def test_a_connection_file_that_needs_a_key_makes_one_once(acme: Connection, idp: TestIdp, wish: str) -> None:
    for _ in range(2):
        sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata(), wish: True}, base_dir=None)
    assert SpKey.objects.get().state == "active"


def test_a_key_that_cannot_be_opened_stops_its_connection_only_and_is_shown(
    browser: Browser, acme: Connection, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    command("create")
    first = SpKey.objects.get().certificate
    assert "sso.W001" not in [one.id for one in run_checks(databases=["default"])]
    root = Client(headers={"host": "localhost:8000"})
    root.force_login(
        User.objects.create_superuser("root", "root@acme.test", "x" * 20), "core_identity.backends.RoleBackend"
    )
    pages = [f"/admin/core_identity/connection/{acme.pk}/{name}/" for name in ("change", "keys")]
    assert not any("cannot be opened" in root.get(page).content.decode() for page in pages)
    for keys_in_settings in ([], [Fernet.generate_key().decode()]):
        settings.SAML_KEY_ENCRYPTION_KEYS = keys_in_settings
        [warning] = [one for one in run_checks(databases=["default"]) if one.id == "sso.W001"]
        assert "acme cannot be opened" in warning.msg
        assert not warning.is_serious(), "migrate and the start go on for all others"
        call_command("migrate", verbosity=0)
        sealed = browser.idp.response(browser.claims(JANE_BY_SSO), seal=encrypting_to(first))
        caplog.clear()
        answer = browser.post(sealed)
        assert (answer.status_code, "(our_key)" in answer.content.decode(), answer.get("Retry-After")) == (
            503,
            True,
            "10",
        )
        assert "ERROR" in [one.levelname for one in caplog.records]
        assert SignInRecord.objects.latest("id").code == "our_key"
        assert all("cannot be opened" in root.get(page).content.decode() for page in pages)
        assert browser.come_back(JANE_BY_SSO).status_code == 303, "what is not encrypted needs no key"
    command("create")
    second = SpKey.objects.get(state="next").certificate
    assert comes_in(browser, second), "what can be opened goes on"


@pytest.mark.parametrize("path", ["login", "metadata"])
def test_the_page_explains_that_we_cannot_sign_a_message(
    browser: Browser, acme: Connection, idp: TestIdp, settings: LazySettings, path: str
) -> None:
    section = {"idp_metadata": idp.metadata(), "sign_requests": True, "sign_metadata": True}
    sso.settings.changes.apply(acme, section, base_dir=None)
    settings.SAML_KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    answer = browser.http.get(f"/sso/acme/{path}")
    assert (answer.status_code, "(our_key)" in answer.content.decode(), answer.get("Retry-After")) == (503, True, "10")
    assert not SignInState.objects.exists()

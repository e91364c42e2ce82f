"""SAML on the pages of a connection: settings with their consequences, email domains, our own keys."""

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

import sso.settings.changes
from core_identity.models import Connection, Event
from core_identity.services.connections import change_connection
from sso.admin import consequences
from sso.models import SamlSettings, SpKey
from sso.settings.domain_proof import record_for
from sso.settings.email_domains import verified_domains, verify_domain
from sso.settings.keys import keys_of, make_key
from sso.settings.section import FILE_KEYS
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, COMMAND, make_connection
from tests.support.dns import running_dns
from tests.support.saml import TestIdp

FLAGS = ("idp_initiated", "want_encrypted", "sign_requests", "sign_metadata", "force_authn")

PLAIN = ("signed", "authn_context", "name_id_format", "clock_skew", "sso_binding", "slo_binding")


@pytest.fixture(scope="session")
def idp() -> TestIdp:
    return TestIdp()


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the tests of sso: shorter keys are made sooner."""
    monkeypatch.setattr("sso.saml.key_pair.KEY_BITS", 2048)


@pytest.fixture
def saml(acme: Connection, idp: TestIdp) -> SamlSettings:
    return sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata()}, base_dir=None)


def page_of(connection: Connection, name: str = "change") -> str:
    return f"/admin/core_identity/connection/{connection.pk}/{name}/"


def form_data_of(saml: SamlSettings, **changes: Any) -> dict[str, Any]:
    """Return the form as a browser sends it: a box that is not ticked is not there."""
    form_data: dict[str, Any] = {name: "on" for name in FLAGS if getattr(saml, name)}
    form_data |= {name: str(getattr(saml, name)) for name in PLAIN}
    form_data |= {name: getattr(saml, f"{name}_attribute") for name in SamlSettings.ATTRIBUTES}
    form_data["email_domains"] = "\r\n".join(saml.email_domains)
    form_data |= changes
    return {name: value for name, value in form_data.items() if value is not None}


def standing(connection: Connection) -> SamlSettings:
    return SamlSettings.objects.get(connection=connection)


def show(browser: Client, saml: SamlSettings, **changes: Any) -> Any:
    return browser.post(page_of(saml.connection, "saml"), form_data_of(saml, **changes))


def save(browser: Client, saml: SamlSettings, **changes: Any) -> Any:
    """Look at the difference, then press the second button."""
    seen = show(browser, saml, **changes).context["form"].preview_digest
    return show(browser, saml, **changes, save="x", shown=seen)


# Settings


def test_a_change_is_shown_with_its_consequences_before_it_is_saved_R34(as_root: Client, saml: SamlSettings) -> None:
    changes = {"idp_initiated": "on", "signed": "assertion", "clock_skew": "30", "groups": "Roles"}
    shown = show(as_root, saml, **changes)
    consequences = [(one.label, one.before, one.after) for one in shown.context["form"].consequences]
    assert consequences == [
        ("Sign-ins may start at the identity provider", "no", "yes"),
        ("What the identity provider must sign", "both", "assertion"),
        ("Seconds that clocks may differ", "120", "30"),
        ("Groups attribute", "Group", "Roles"),
    ]
    text = shown.content.decode()
    assert "Okta&#x27;s tile of the SAML app works" in text
    assert "No signature covers the Response around the Assertion" in text
    assert standing(saml.connection).idp_initiated is False
    done = save(as_root, saml, **changes)
    assert done["Location"] == page_of(saml.connection, "overview")
    now = standing(saml.connection)
    assert (now.idp_initiated, now.signed, now.clock_skew, now.groups_attribute) == (
        True,
        "assertion",
        30,
        "Roles",
    )
    assert (now.certificates, now.idp_entity_id) == (saml.certificates, saml.idp_entity_id)
    event = Event.objects.filter(kind="saml_settings.changed").latest("at")
    assert (event.actor, event.changes["clock_skew"], set(event.changes)) == (
        "root", [120, 30], {"idp_initiated", "signed", "clock_skew", "groups_attribute"}
    )  # fmt: skip


def test_each_setting_of_a_connection_file_is_on_the_page(as_root: Client, saml: SamlSettings) -> None:
    make_key(actor=ADMIN, connection=saml.connection)
    changes: dict[str, Any] = {name: not getattr(saml, name) for name in FLAGS}
    changes |= {
        "signed": "response",
        "authn_context": "urn:x:mfa",
        "name_id_format": "urn:x:email",
        "clock_skew": 0,
        "sso_binding": "post",
        "slo_binding": "redirect",
        "email_domains": ["acme.com"],
    }
    changes |= {f"{name}_attribute": f"the-{name}" for name in SamlSettings.ATTRIBUTES}
    form_data: dict[str, Any] = {name: "on" if changes[name] else None for name in FLAGS}
    form_data |= {
        "signed": "response",
        "authn_context": "urn:x:mfa",
        "name_id_format": "urn:x:email",
        "clock_skew": "0",
        "sso_binding": "post",
        "slo_binding": "redirect",
        "email_domains": "ACME.com",
    }
    form_data |= {name: f"the-{name}" for name in SamlSettings.ATTRIBUTES}
    save(as_root, saml, **form_data)
    now = standing(saml.connection)
    assert {field: getattr(now, field) for field in changes} == changes
    trust = {"idp_metadata", "entity_id", "certificates", *SamlSettings.PLACES}  # on a page of its own
    known = set(FILE_KEYS) - trust - {"attributes"} | set(SamlSettings.ATTRIBUTES)
    assert set(show(as_root, now).context["form"].fields) == known


def test_consequences_are_described_for_existing_settings_only() -> None:
    switches = {name for name, _ in consequences._SWITCHED}
    assert {SamlSettings._meta.get_field(name).name for name in switches | set(consequences._CHANGED)}
    assert switches == set(FLAGS)


def test_changes_that_nobody_was_shown_are_not_saved(as_root: Client, saml: SamlSettings) -> None:
    blind = show(as_root, saml, idp_initiated="on", save="x", shown="0" * 64)
    assert "changed while you were looking" in blind.content.decode()
    seen = show(as_root, saml, idp_initiated="on").context["form"].preview_digest
    SamlSettings.objects.update(idp_initiated=True, signed="assertion")
    late = show(as_root, saml, idp_initiated="on", save="x", shown=seen)
    assert "changed while you were looking" in late.content.decode()
    assert standing(saml.connection).signed == "assertion"


def test_a_preview_without_changes_says_so_and_has_no_second_button(as_root: Client, saml: SamlSettings) -> None:
    text = show(as_root, saml).content.decode()
    assert "Nothing would change. CORE has these values already." in text
    assert "Save these changes" not in text


def first_button(page: str) -> str:
    """Return the button that Enter in a field presses: the first one of the form of the page."""
    found = re.search(r'<(?:input|button)[^>]*type="submit"[^>]*>', page.partition('id="content-main"')[2])
    assert found is not None
    return found[0]


def test_enter_in_a_field_after_a_preview_previews_again(as_root: Client, saml: SamlSettings) -> None:
    metadata = as_root.post(page_of(saml.connection, "metadata"), {"metadata": TestIdp().metadata()}).content.decode()
    settings = show(as_root, saml, idp_initiated="on").content.decode()
    for page, act in ((metadata, "adopt"), (settings, "save")):
        assert f'name="{act}"' in page
        assert "name=" not in first_button(page)
        assert 'form="core-page"' in first_button(page)


def test_a_refused_adoption_leads_the_focus_to_its_reason(as_root: Client, saml: SamlSettings) -> None:
    form = {"metadata": TestIdp().metadata(), "adopt": "x", "shown": "0" * 64}
    page = as_root.post(page_of(saml.connection, "metadata"), form).content.decode()
    assert "What would change" in page
    assert re.findall(r"<(\w+)[^>]*autofocus", page) == ["p"]
    assert '<p class="errornote" tabindex="-1" autofocus>' in page


def test_saving_a_page_keeps_settings_that_it_does_not_show(as_root: Client, saml: SamlSettings) -> None:
    places = {name: f"https://idp.test/{name}" for name in SamlSettings.PLACES}
    SamlSettings.objects.update(**places)
    save(as_root, saml, sso_binding="post", clock_skew="30")
    now = standing(saml.connection)
    assert {name: getattr(now, name) for name in places} == places
    assert (now.sso_binding, now.slo_binding, now.certificates) == ("post", saml.slo_binding, saml.certificates)


def test_encryption_is_not_demanded_before_the_idp_can_have_a_key(as_root: Client, saml: SamlSettings) -> None:
    refused = show(as_root, saml, want_encrypted="on")
    assert "Create one on the page Our SAML keys" in refused.context["form"].errors["want_encrypted"][0]
    make_key(actor=ADMIN, connection=saml.connection)
    save(as_root, saml, want_encrypted="on")
    assert standing(saml.connection).want_encrypted is True


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clock_skew", "301"),
        ("clock_skew", "-1"),
        ("authn_context", "no uri"),
        ("name_id_format", "x"),
        ("email", ""),
        ("email", "UID2\0"),
    ],
)
def test_a_fault_is_shown_at_its_field_and_nothing_is_saved(
    as_root: Client, saml: SamlSettings, field: str, value: str
) -> None:
    assert set(show(as_root, saml, **{field: value}).context["form"].errors) == {field}


def test_an_invalid_domain_is_shown_by_its_place(as_root: Client, saml: SamlSettings) -> None:
    text = show(as_root, saml, email_domains="acme.com\ngmail.com").content.decode()
    assert "Anybody can have an address at gmail.com" in text


def test_a_signature_that_cannot_be_made_is_refused(
    as_root: Client, saml: SamlSettings, settings: LazySettings
) -> None:
    settings.SAML_KEY_ENCRYPTION_KEYS = []
    refused = save(as_root, saml, sign_requests="on")
    assert "Set SAML_KEY_ENCRYPTION_KEYS first" in refused.content.decode()
    assert standing(saml.connection).sign_requests is False


def test_permission_to_change_connections_does_not_include_the_first_trust(acme: Connection, idp: TestIdp) -> None:
    keeper = browser_of(staff("keeper", "view_connection", "change_connection"))
    assert keeper.get(page_of(acme, "saml")).status_code == 403
    assert "/saml/" not in keeper.get(page_of(acme)).content.decode(), "no link leads to a refusal"
    saml = sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata()}, base_dir=None)
    assert save(keeper, saml, clock_skew="60").status_code == 302
    change_connection(actor=COMMAND, connection_id=acme.pk, own_idp=True)
    for page in ("saml", "domains", "keys", "key"):
        assert keeper.get(page_of(acme, page)).status_code == 403


# Email domains


@pytest.mark.parametrize(
    ("answers", "words", "advised"),
    [
        ("right", "is published.", False),
        ("absent", "There is no TXT record", True),
        ("other", "has another value now.", True),
        ("fails", "did not answer.", False),
    ],
)
def test_checking_a_verified_domain_again_needs_no_reason_and_changes_nothing_R38(
    answers: str, words: str, advised: bool, as_root: Client, saml: SamlSettings, settings: Any
) -> None:
    page, acme = page_of(saml.connection, "domains"), saml.connection
    save(as_root, saml, email_domains="acme.com")
    verify_domain(actor=COMMAND, connection=acme, domain="acme.com", reason="contract")
    with running_dns() as dns:
        settings.DNS_RESOLVERS = dns.resolvers
        dns.is_failing = answers == "fails"
        if answers in {"right", "other"}:
            record = record_for(acme, "acme.com")
            dns.records[record.name] = [(record.value if answers == "right" else "another",)]
        answer = as_root.post(page, {"again": "acme.com"}, follow=True).content.decode()
    assert words in answer
    assert ("If the domain belongs to somebody else now, undo its verification." in answer) is advised
    assert [one.domain for one in verified_domains(acme)] == ["acme.com"]


def test_a_domain_is_verified_and_taken_back_on_its_page_R34(as_root: Client, saml: SamlSettings) -> None:
    acme = saml.connection
    save(as_root, saml, email_domains="acme.com\nb.test")
    assert "It has no effect yet." in as_root.get(page_of(acme, "domains")).content.decode()
    assert "acme.com (not verified: has no effect yet)" in as_root.get(page_of(acme)).content.decode()
    without = as_root.post(page_of(acme, "domains"), {"verify": "acme.com"})
    assert "This field is required" in without.content.decode()
    as_root.post(page_of(acme, "domains"), {"verify": "acme.com", "reason": "DNS record"})
    assert [one.domain for one in verified_domains(acme)] == ["acme.com"]
    assert "by root" in as_root.get(page_of(acme, "domains")).content.decode()
    assert "acme.com (verified)" in as_root.get(page_of(acme)).content.decode()
    event = Event.objects.get(kind="email_domain.verified")
    assert (event.actor, event.reason, event.changes) == ("root", "DNS record", {"domain": [None, "acme.com"]})
    as_root.post(page_of(acme, "domains"), {"unverify": "acme.com", "reason": "sold"})
    assert not verified_domains(acme)


def test_a_domain_of_another_customer_is_refused_and_its_connection_is_named(
    as_root: Client, saml: SamlSettings, idp: TestIdp
) -> None:
    other = make_connection("globex", customer="Globex")
    section = {"idp_metadata": idp.metadata(), "email_domains": ["acme.com"]}
    for connection in (saml.connection, other):
        sso.settings.changes.apply(connection, section, base_dir=None)
    verify_domain(actor=ADMIN, connection=other, domain="acme.com")
    page = as_root.post(page_of(saml.connection, "domains"), {"verify": "acme.com", "reason": "asked"})
    assert "leads to another customer through the connection globex" in page.content.decode()


def test_the_pages_cost_the_same_however_many_domains_there_are(
    as_root: Client, saml: SamlSettings, idp: TestIdp
) -> None:
    def cost(page: str) -> int:
        with CaptureQueriesContext(database) as queries:
            assert as_root.get(page_of(saml.connection, page)).status_code == 200
        return len(queries)

    pages = ("domains", "change", "saml")
    few = [cost(page) for page in pages]
    many = [{"domain": f"d{number}.test", "verified": True} for number in range(30)]
    sso.settings.changes.apply(saml.connection, {"idp_metadata": idp.metadata(), "email_domains": many}, base_dir=None)
    assert [cost(page) for page in pages] == few


# Our keys


def step(browser: Client, connection: Connection, name: str) -> Any:
    page = f"{page_of(connection, 'key')}?step={name}"
    form = browser.get(page).context["form"]
    return browser.post(page, {"reason": "rollover", "shown": form.preview_digest})


def test_a_rollover_is_four_presses_each_asked_first(as_root: Client, saml: SamlSettings) -> None:
    acme = saml.connection
    for name, states in (
        ("create", ["active"]), ("create", ["next", "active"]), ("activate", ["active", "old"]), ("delete", ["active"])
    ):  # fmt: skip
        assert step(as_root, acme, name)["Location"] == page_of(acme, "keys")
        assert [str(key.state) for key in keys_of(acme)] == states
        assert as_root.get(page_of(acme, "keys")).status_code == 200
    events = Event.objects.filter(kind__startswith="saml_key.").order_by("at").values_list("kind", "actor", "reason")
    assert list(events) == [
        (f"saml_key.{act}", "root", "rollover") for act in ("created", "created", "activated", "deleted")
    ]


def test_an_impossible_step_or_one_shown_for_another_key_is_refused(as_root: Client, saml: SamlSettings) -> None:
    acme = saml.connection
    assert "There is no next key" in step(as_root, acme, "activate").content.decode()
    for name in ("create", "create"):
        step(as_root, acme, name)
    page = f"{page_of(acme, 'key')}?step=delete"
    late = as_root.post(page, {"reason": "x", "shown": "0123456789abcdef"})
    assert "The keys changed while you were looking" in late.content.decode()
    assert SpKey.objects.count() == 2
    assert as_root.get(f"{page_of(acme, 'key')}?step=seal").status_code == 404


def test_a_certificate_is_downloaded_and_no_page_shows_a_private_key(as_root: Client, saml: SamlSettings) -> None:
    acme = saml.connection
    step(as_root, acme, "create")
    (key,) = keys_of(acme)
    file = as_root.get(page_of(acme, "keys"), {"certificate": "active"})
    assert (file.content.decode(), file["Content-Disposition"]) == (
        key.certificate, 'attachment; filename="core-acme-active.pem"'
    )  # fmt: skip
    assert as_root.get(page_of(acme, "keys"), {"certificate": "next"}).status_code == 404
    for page in ("keys", "change", "saml"):
        assert key.sealed_key not in as_root.get(page_of(acme, page)).content.decode()


def test_only_a_superuser_changes_our_keys(saml: SamlSettings) -> None:
    keeper = browser_of(staff("keeper", "view_connection", "change_connection"))
    for page in ("keys", "key"):
        assert keeper.get(page_of(saml.connection, page), {"step": "create"}).status_code == 403
        assert keeper.post(f"{page_of(saml.connection, page)}?step=create", {"reason": "x"}).status_code == 403
    assert "/keys/" not in keeper.get(page_of(saml.connection)).content.decode()
    assert not SpKey.objects.exists()


# The set-up sheet


def test_the_sheet_explains_the_tile_encryption_and_signed_requests_R37(as_root: Client, saml: SamlSettings) -> None:
    text = as_root.get(page_of(saml.connection, "overview")).content.decode()
    for sentence in ("Start at Okta&#x27;s tile", "Bookmark App", "create a key first", "Signature Certificate"):
        assert sentence in text or sentence.replace("&#x27;", "'") in text, sentence
    SamlSettings.objects.update(idp_initiated=True, want_encrypted=True)
    make_key(actor=ADMIN, connection=saml.connection)
    text = as_root.get(page_of(saml.connection, "overview")).content.decode()
    assert "Required." in text
    assert "?certificate=active" in text

"""Connections: the set-up sheet (R37), what is locked (R3), on and off (R1a), SAML and OAuth on pages of their own."""

import re
from functools import partial
from typing import Any, Final
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import scim.connections
import sso.settings.changes
from core_identity.admin import succession
from core_identity.errors import NotAllowed
from core_identity.models import Connection, Customer, Event, Grant, Identity
from core_identity.services.connections import change_connection
from core_identity.services.groups import create_group
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from core_identity.services.users import change_user
from core_identity.values import Actor, ActorKind, Channel, GroupChange
from scim.models import ClientSecret, OAuthClient
from sso.models import SamlSettings
from tests.admin.conftest import browser_of, confirmed, staff
from tests.support.cast import ADMIN, BROWSER, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.groups import push
from tests.support.saml import TestIdp
from tests.support.sign_in import sign_in

LIST = "/admin/core_identity/connection/"
NAMES = {name: SamlSettings._meta.get_field(f"{name}_attribute").get_default() for name in SamlSettings.ATTRIBUTES}  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def idp() -> TestIdp:
    return TestIdp()


def page_of(connection: Connection, name: str = "change") -> str:
    return f"{LIST}{connection.pk}/{name}/"


def form_of(connection: Connection, **changes: Any) -> dict[str, Any]:
    form_data = {
        "name": connection.name,
        "uid_attribute": connection.uid_attribute,
        "uid_rule": connection.uid_rule,
        "uid_mark": connection.uid_mark,
        "sso_creates_users": "on",
        "roles_from": connection.roles_from,
        "overage_days": connection.overage_days,
        "unknown_group": connection.unknown_group,
        "reactivation": connection.reactivation,
    }
    return {**form_data, **changes}


def settings_of(connection: Connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


# Customers


def test_a_customer_is_made_and_renamed_by_the_services(as_root: Client) -> None:
    as_root.post("/admin/core_identity/customer/add/", {"name": "Globex"})
    globex = Customer.objects.get(name="Globex")
    as_root.post(f"/admin/core_identity/customer/{globex.pk}/change/", {"name": "Globex Ltd"})
    assert list(Event.objects.filter(subject_id=globex.pk).values_list("kind", "actor")) == [
        ("customer.renamed", "root"),
        ("customer.created", "root"),
    ]
    again = as_root.post("/admin/core_identity/customer/add/", {"name": "GLOBEX ltd"})
    assert "exists already" in again.content.decode()


# The connection itself


def test_a_page_that_follows_from_another_one_keeps_its_tab(as_root: Client, acme: Connection) -> None:
    for name, title in (("token", "Provisioning"), ("secret", "Provisioning"), ("group", "People and groups")):
        tabs = as_root.get(page_of(acme, name), follow=True).context["tabs"]
        assert [tab["title"] for tab in tabs if tab["is_current"]] == [title], name


def test_a_new_connection_leads_to_its_setup_sheet(as_root: Client, acme: Connection) -> None:
    form_data = form_of(acme, customer=str(acme.customer_id), slug="acme-entra", name="Acme Entra")
    answer = as_root.post(f"{LIST}add/", form_data)
    connection = Connection.objects.get(slug="acme-entra")
    assert answer["Location"] == page_of(connection, "overview")
    page = as_root.get(page_of(connection, "overview")).content.decode()
    for text in (
        "http://localhost:8000/sso/acme-entra/acs",
        "http://localhost:8000/scim/acme-entra/v2",
        "http://localhost:8000/oauth/token/",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "not set up yet",
        'data-copy="copy-acs_url"',
    ):
        assert text in page
    event = Event.objects.get(kind="connection.created", subject_id=connection.pk)
    assert (event.actor, event.request_id) == ("root", answer["X-Request-Id"])


@pytest.mark.parametrize("slug", ["Acme", "acme corp", "acme"])
def test_a_bad_or_taken_slug_is_an_error_of_the_form(slug: str, as_root: Client, acme: Connection) -> None:
    answer = as_root.post(f"{LIST}add/", form_of(acme, customer=str(acme.customer_id), slug=slug))
    assert answer.status_code == 200
    assert "errornote" in answer.content.decode()
    assert Connection.objects.count() == 1


def test_slug_and_customer_stay(as_root: Client, acme: Connection) -> None:
    as_root.post(page_of(acme), form_of(acme, slug="other", name="New name"))
    assert (settings_of(acme).slug, settings_of(acme).name) == ("acme", "New name")


def test_the_uid_rule_is_locked_once_somebody_is_known_R3(as_root: Client, jane: Identity) -> None:
    connection = jane.connection
    assert "locked" in as_root.get(page_of(connection)).content.decode()
    as_root.post(page_of(connection), form_of(connection, uid_rule="email", uid_attribute="mail"))
    assert (settings_of(connection).uid_rule, settings_of(connection).uid_attribute) == ("name", "UID")


def test_the_uid_rule_can_change_while_nobody_is_known(as_root: Client, acme: Connection) -> None:
    as_root.post(page_of(acme), form_of(acme, uid_rule="other"))
    assert settings_of(acme).uid_rule == "other"


TRUST: Final = [
    ({"own_idp": True}, {}, "Staff can no longer sign in through this connection. Staff with an identity here: 1."),
    ({}, {"own_idp": "on"}, "A sign-in through this connection carries the staff rights of its user. Staff with an identity here: 1."),
    ({"uid_rule": "other"}, {"uid_mark": "waived"}, "The UID alone opens an account."),
    ({"uid_rule": "other", "uid_mark": "waived"}, {"uid_mark": "required"}, "A sign-in without a mark that agrees is refused"),
    ({}, {"reactivation": "unexpire_own"}, "can sign in again at once, and no administrator looks first."),
]  # fmt: skip


@pytest.mark.parametrize(("before", "changes", "effect"), TRUST)
def test_a_setting_that_gives_trust_or_ends_access_shows_its_effect_before_it_is_saved(
    before: dict[str, Any], changes: dict[str, str], effect: str, as_root: Client, acme: Connection
) -> None:
    change_connection(actor=COMMAND, connection_id=acme.pk, **before)
    staff_user = create_person(actor=OKTA, connection=acme, person=JANE).identity.user
    change_user(actor=COMMAND, user_id=staff_user.pk, is_staff=True)
    acme = settings_of(acme)
    form_data = form_of(acme, **changes, name="Renamed")
    page = as_root.post(page_of(acme), form_data)
    assert page.status_code == 200
    assert effect in page.content.decode()
    assert settings_of(acme).name == "Acme"
    as_root.post(page_of(acme), {**form_data, "confirm_ended": confirmed(page)})
    saved = settings_of(acme)
    assert saved.name == "Renamed"
    assert {name: str(getattr(saved, name)) for name in changes} == {
        name: "True" if value == "on" else value for name, value in changes.items()
    }


def test_a_setting_that_changes_no_trust_is_saved_at_once(as_root: Client, acme: Connection) -> None:
    change_connection(actor=COMMAND, connection_id=acme.pk, reactivation="unexpire_own")
    form_data = form_of(settings_of(acme), name="Renamed", reactivation="keep_expired")
    as_root.post(page_of(acme), form_data)
    assert settings_of(acme).reactivation == "keep_expired"


def test_each_setting_of_a_connection_is_explained(as_root: Client, acme: Connection) -> None:
    form = as_root.get(page_of(acme)).context["adminform"].form
    without = [name for name, field in form.fields.items() if not field.help_text]
    assert without == ["name", "uid_rule"], "the rules are explained above the field"


def test_the_mark_is_waived_for_the_rule_other_only_R8b(as_root: Client, acme: Connection) -> None:
    answer = as_root.post(page_of(acme), form_of(acme, uid_mark="waived"))
    assert "The mark beside the UID can be waived only" in answer.content.decode()
    assert settings_of(acme).uid_mark == "required"


def test_the_external_id_may_change_by_a_switch_with_a_reason_R8a(as_root: Client, acme: Connection) -> None:
    change_connection(actor=ADMIN, connection_id=acme.pk, uid_rule="other")
    page = page_of(acme, "external-id")
    assert page in as_root.get(page_of(acme)).content.decode()
    assert "This field is required" in as_root.post(page, {"reason": ""}).content.decode()
    as_root.post(page_of(acme), form_of(settings_of(acme), external_id_may_change="on"))
    assert not settings_of(acme).external_id_may_change, "never without a reason"
    for permitted in (True, False):
        as_root.post(page, {"reason": "nicknames change"})
        assert settings_of(acme).external_id_may_change is permitted
    events = Event.objects.filter(subject_id=acme.pk, reason="nicknames change").values_list("kind", "actor")
    assert list(events) == [("connection.changed", "root")] * 2
    change_connection(actor=ADMIN, connection_id=acme.pk, uid_rule="name")
    refused = as_root.post(page, {"reason": "nicknames change"}).content.decode()
    assert "only if the UID rule is other" in refused


def test_a_connection_is_switched_off_and_on_with_a_reason_R1a(as_root: Client, acme: Connection) -> None:
    assert "This field is required" in as_root.post(page_of(acme, "switch"), {"reason": ""}).content.decode()
    for enabled in (False, True):
        as_root.post(page_of(acme, "switch"), {"reason": "key lost"})
        assert settings_of(acme).enabled is enabled
    events = Event.objects.filter(subject_id=acme.pk, reason="key lost").values_list("kind", "actor")
    assert list(events) == [("connection.switched_on", "root"), ("connection.switched_off", "root")]


def test_roles_are_opened_and_waiting_groups_confirmed(as_root: Client, acme: Connection, jane: Identity) -> None:
    editors = create_role(actor=ADMIN, name="Editors", grantable_by=[])
    vault = create_role(actor=COMMAND, name="Vault", marked_protected=True, grantable_by=[acme])
    change = GroupChange(display_name="Editors", members=frozenset({jane.scim_id}))
    create_group(actor=OKTA, connection=acme, change=change)
    page = as_root.get(page_of(acme, "roles")).content.decode()
    assert "Editors (pending: a push group of 1)" in page
    assert "Vault" not in page
    as_root.post(page_of(acme, "roles"), {"roles": [str(editors.pk)]})
    assert not Grant.objects.filter(user=jane.user).exists()
    as_root.post(page_of(acme, "roles"), {"roles": [str(editors.pk)], "confirm_waiting": "on"})
    assert Grant.objects.filter(user=jane.user, role=editors).exists()
    assert set(acme.grantable_roles.all()) == {editors, vault}


def test_a_group_that_waits_for_an_alias_is_named_with_its_role_R28_R29(
    as_root: Client, acme: Connection, jane: Identity
) -> None:
    editors = create_role(actor=ADMIN, name="Editors", grantable_by=[], aliases=["Redaktion"])
    push(acme, "Redaktion", jane)
    assert "Editors (pending: a push group of 1)" in as_root.get(page_of(acme, "roles")).content.decode()
    as_root.post(page_of(acme, "roles"), {"roles": [str(editors.pk)], "confirm_waiting": "on"})
    assert Grant.objects.filter(user=jane.user, role=editors).exists()


def test_the_groups_page_also_lists_groups_that_give_no_role_R29_R31(acme: Connection, jane: Identity) -> None:
    change_connection(actor=ADMIN, connection_id=acme.pk, roles_from="both")
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    push(acme, "Editors", jane, uuid4(), uuid4())
    push(acme, "Dreamers")
    enter = partial(sign_in, actor=BROWSER, connection=settings_of(acme))
    enter(person=by_sso(JANE, groups=("Editors", "<Everyone>")))
    enter(person=by_sso(ZOE, groups=None))
    browser = browser_of(staff("reader", "view_connection"))
    assert page_of(acme, "groups") in browser.get(page_of(acme)).content.decode()
    page = browser.get(page_of(acme, "groups")).content.decode().partition('<section class="core-story">')[2]
    cells = [
        " ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", page, re.DOTALL)
    ]
    assert cells[:4] == ["Dreamers", "gives no role yet Map to a role", "0", "just now"]
    assert cells[4:8] == ["Editors", "Editors", "1 and 2 not known yet", "just now"]
    assert cells[8:] == ["&lt;Everyone&gt;", "1", "just now", "just now", "Map to a role"]
    assert "The last sign-in of 1 person contained no attribute" in " ".join(page.split())


def test_a_page_warns_when_groups_of_sign_ins_are_not_read_R31(as_root: Client, acme: Connection) -> None:
    assert "are not read" in as_root.get(page_of(acme, "groups")).content.decode()


def test_the_page_of_groups_costs_the_same_whatever_their_number(as_root: Client, acme: Connection) -> None:
    costs = []
    for size in (1, 10):
        for number in range(size):
            create_role(actor=ADMIN, name=f"{size} {number}", grantable_by=[acme])
            push(acme, f"{size} {number}", uuid4())
        with CaptureQueriesContext(database) as queries:
            as_root.get(page_of(acme, "groups"))
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_without_permission_to_see_connections_no_groups_are_listed(acme: Connection) -> None:
    assert browser_of(staff("desk")).get(page_of(acme, "groups")).status_code == 403


def test_only_a_superuser_marks_and_changes_our_own_idp_R26(acme: Connection) -> None:
    browser = browser_of(staff("integrator", "view_connection", "change_connection", "view_customer"))
    browser.post(page_of(acme), form_of(acme, own_idp="on", name="Renamed"))
    assert (settings_of(acme).own_idp, settings_of(acme).name) == (False, "Renamed")
    change_connection(actor=COMMAND, connection_id=acme.pk, own_idp=True)
    assert browser.get(page_of(acme)).status_code == 200
    assert browser.post(page_of(acme), form_of(acme)).status_code == 403
    for page in ("saml", "oauth", "roles", "switch"):
        assert browser.get(page_of(acme, page)).status_code == 403


def test_a_view_only_administrator_sees_the_sheet_and_changes_nothing(acme: Connection, idp: TestIdp) -> None:
    browser = browser_of(staff("reader", "view_connection"))
    page = browser.get(page_of(acme, "overview")).content.decode()
    assert "Set-up sheet" in page
    assert "/saml/" not in page
    for name in ("saml", "oauth", "roles", "switch"):
        assert browser.post(page_of(acme, name), {"reason": "x"}).status_code == 403


# SAML


def test_saml_settings_are_pasted_and_shown(as_root: Client, acme: Connection, idp: TestIdp) -> None:
    answer = as_root.post(page_of(acme, "saml"), {**NAMES, "idp_metadata": idp.metadata(), "email": "mail"})
    assert answer["Location"] == page_of(acme, "overview")
    saml = SamlSettings.objects.get()
    assert (saml.idp_entity_id, saml.email_attribute, saml.signed) == (idp.entity_id, "mail", "both")
    assert idp.entity_id in as_root.get(page_of(acme)).content.decode()
    assert Event.objects.get(kind="saml_settings.changed").actor == "root"


def test_every_fault_of_the_saml_settings_is_shown_at_its_place(as_root: Client, acme: Connection) -> None:
    form_data = {**NAMES, "idp_metadata": "<no-metadata/>", "first_name": "Name", "last_name": "Name"}
    answer = as_root.post(page_of(acme, "saml"), form_data)
    errors = answer.context["form"].errors
    assert set(errors) == {"idp_metadata", "last_name"}
    assert "is named twice" in errors["last_name"][0]
    assert not SamlSettings.objects.exists()


# OAuth


def test_the_secret_is_shown_once_and_kept_nowhere(as_root: Client, acme: Connection) -> None:
    form_data = {"redirect_uris": "https://a.test/cb\nhttps://b.test/cb", "grants": ["authorization_code"]}
    answer = as_root.post(page_of(acme, "oauth"), form_data)
    secret = answer.context["shown"][1]["value"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert secret not in str(answer.cookies) + str(dict(as_root.session))
    client = OAuthClient.objects.get()
    assert (client.redirect_uris, client.allows_client_credentials) == ("https://a.test/cb https://b.test/cb", False)
    assert secret not in client.client_secret
    assert secret not in str(list(Event.objects.values_list("changes", "reason")))
    for path in (page_of(acme), page_of(acme, "oauth"), "/admin/"):
        assert secret not in as_root.get(path).content.decode()


def live_hash() -> str:
    return ClientSecret.objects.get(ends_at=None).secret_hash


def test_saving_keeps_the_secret_and_a_new_one_is_made_on_demand(as_root: Client, acme: Connection) -> None:
    scim.connections.apply(acme, {}, rotate_secret=False)
    before = live_hash()
    form_data = {"redirect_uris": "", "grants": ["client_credentials"]}
    assert as_root.post(page_of(acme, "oauth"), form_data)["Location"] == page_of(acme, "overview")
    assert live_hash() == before
    answer = as_root.post(page_of(acme, "oauth"), {**form_data, "new_secret": "yes"})
    assert answer.context["shown"][1]["value"]
    assert live_hash() != before


def test_faults_of_the_oauth_client_are_shown(as_root: Client, acme: Connection) -> None:
    answer = as_root.post(
        page_of(acme, "oauth"), {"redirect_uris": "http://evil.test/cb", "grants": ["client_credentials"]}
    )
    assert "must be https" in answer.content.decode()
    assert not OAuthClient.objects.exists()


def test_a_rekey_is_begun_and_ended_R3(as_root: Client, acme: Connection, jane: Identity) -> None:
    page = reverse("admin:core_identity_connection_rekey", args=[acme.pk])
    assert "have a UID, an externalId and a userName from SCIM" in as_root.get(page).content.decode()
    form_data = {"days": "14", "uid_attribute": "employeeNumber", "uid_rule": "other", "reason": "new org"}
    assert as_root.post(page, form_data).status_code == 302
    acme.refresh_from_db()
    assert (acme.uid_attribute, acme.rekeying) == ("employeeNumber", True)
    assert "The re-key ends" in as_root.get(page).content.decode()
    as_root.post(page, {"reason": "done"})
    acme.refresh_from_db()
    assert not acme.rekeying


def test_many_people_are_counted_for_a_rekey_only_when_asked_R3(
    as_root: Client, acme: Connection, jane: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = reverse("admin:core_identity_connection_rekey", args=[acme.pk])
    monkeypatch.setattr(succession, "COUNTED", 0)
    at_once = as_root.get(page).content.decode()
    assert "Count them" in at_once
    assert "cannot follow" not in at_once
    assert "Begin the re-key" in at_once
    assert "cannot follow" in as_root.get(f"{page}?count=1").content.decode()


def test_a_successor_is_shown_before_it_takes_over_R1a(as_root: Client, acme: Connection, jane: Identity) -> None:
    new = make_connection("acme-new")
    page = reverse("admin:core_identity_connection_succeed", args=[acme.pk])
    shown = as_root.post(page, {"successor": str(new.pk), "reason": "new app"})
    assert "1 people and 0 push groups move" in shown.content.decode()
    as_root.post(page, {"successor": str(new.pk), "reason": "new app", "shown": str(new.pk)})
    jane.refresh_from_db()
    assert jane.connection == new


def test_only_a_superuser_changes_redirect_uris_R14(as_root: Client, acme: Connection) -> None:
    """Authorization codes go there, so their owner gets the tokens for which a superuser consents."""
    connector = staff("connector", "view_connection", "change_connection")
    evil = {"redirect_uris": "https://evil.test/cb", "grants": ["authorization_code"]}
    for present in ("", "https://a.test/cb"):
        if present:
            as_root.post(page_of(acme, "oauth"), {**evil, "redirect_uris": present})
        assert browser_of(connector).get(page_of(acme, "oauth")).status_code == 200
        answer = browser_of(connector).post(page_of(acme, "oauth"), {**evil, "new_secret": "yes"})
        assert answer.context["shown"][1]["value"], "the rest is done"
        client = OAuthClient.objects.get()
        assert (client.redirect_uris, client.allows_client_credentials) == (present, False)
    actor = Actor(Channel.ADMIN, ActorKind.ADMIN, "connector", id=str(connector.pk))
    for change in (
        lambda: scim.connections.apply(
            acme, evil | {"redirect_uris": ["https://evil.test/cb"]}, rotate_secret=False, actor=actor
        ),
        lambda: scim.connections.add_redirect_uris(actor=actor, connection=acme, uris=["https://evil.test/cb"]),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert OAuthClient.objects.get().redirect_uris == "https://a.test/cb"


def test_a_number_that_no_token_has_is_not_found(as_root: Client, acme: Connection) -> None:
    for number in ("0", "9" * 18, "9" * 30, "9" * 5_000, "\u0669", "-1"):
        for name in ("token", "secret"):
            assert as_root.get(page_of(acme, "revoke"), {name: number})["Location"] == "/admin/", (name, number[:30])


@pytest.mark.parametrize("page", ["rekey", "succeed"])
def test_only_a_superuser_opens_pages_that_change_who_is_who(page: str, acme: Connection) -> None:
    browser = browser_of(staff("connector", "view_connection", "change_connection"))
    assert browser.get(reverse(f"admin:core_identity_connection_{page}", args=[acme.pk])).status_code == 403


# Metadata of the IdP


def test_a_difference_is_shown_before_it_is_adopted(as_root: Client, acme: Connection, idp: TestIdp) -> None:
    form_data = {"metadata": idp.metadata(), "keep_url": ""}
    shown = as_root.post(page_of(acme, "metadata"), form_data)
    assert f"nothing → {idp.entity_id}" in shown.content.decode()
    assert not SamlSettings.objects.exists()
    blind = as_root.post(page_of(acme, "metadata"), {**form_data, "adopt": "x", "shown": "0" * 64})
    assert "changed while you were looking" in blind.content.decode()
    assert not SamlSettings.objects.exists()
    seen = shown.context["difference"].seen
    done = as_root.post(page_of(acme, "metadata"), {**form_data, "adopt": "x", "shown": seen})
    assert done["Location"] == page_of(acme, "overview")
    assert SamlSettings.objects.get().certificates == [idp.pem]
    assert Event.objects.get(kind="saml_settings.changed").actor == "root"


def test_faults_of_metadata_are_shown_at_their_field(as_root: Client, acme: Connection, idp: TestIdp) -> None:
    answer = as_root.post(page_of(acme, "metadata"), {"metadata": idp.metadata(sso_url="javascript:x", entity_id="")})
    assert len(answer.context["form"].errors["metadata"]) == 2
    answer = as_root.post(page_of(acme, "metadata"), {"url": "https://127.0.0.1/"})
    assert "not an address of the public Internet" in answer.context["form"].errors["url"][0]
    answer = as_root.post(page_of(acme, "metadata"), {"url": "https://a.test/", "metadata": "<x/>"})
    assert "one of the three" in answer.context["form"].errors["url"][0]
    for content, fault in ((b"\xff\xfe", "not text in UTF-8"), (b"x" * (1024 * 1024 + 1), "too large")):
        answer = as_root.post(page_of(acme, "metadata"), {"file": SimpleUploadedFile("idp.xml", content)})
        assert fault in answer.context["form"].errors["file"][0]


def test_metadata_comes_as_a_file_too_and_is_sent_once(as_root: Client, acme: Connection, idp: TestIdp) -> None:
    page = page_of(acme, "metadata")
    assert 'enctype="multipart/form-data"' in as_root.get(page).content.decode()
    shown = as_root.post(page, {"file": SimpleUploadedFile("idp.xml", b"\xef\xbb\xbf" + idp.metadata().encode())})
    pasted = shown.context["form"]["metadata"].value()
    assert pasted == idp.metadata()
    assert not SamlSettings.objects.exists()
    as_root.post(page, {"metadata": pasted, "adopt": "x", "shown": shown.context["difference"].seen})
    assert SamlSettings.objects.get().certificates == [idp.pem]


def test_the_page_of_metadata_uses_the_words_of_the_chosen_identity_provider(as_root: Client, acme: Connection) -> None:
    as_root.get(page_of(acme, "overview") + "?idp=entra")
    assert "Federation Metadata XML" in as_root.get(page_of(acme, "metadata")).content.decode()


def test_only_a_superuser_changes_metadata(acme: Connection, idp: TestIdp) -> None:
    browser = browser_of(staff("keeper", "view_connection", "change_connection"))
    assert browser.get(page_of(acme, "metadata")).status_code == 403
    assert "/metadata/" not in browser.get(page_of(acme)).content.decode()


def test_the_page_shows_ends_that_come_soon_and_proposals_that_wait(
    as_root: Client, acme: Connection, idp: TestIdp
) -> None:
    as_root.post(page_of(acme, "saml"), {**NAMES, "idp_metadata": idp.metadata()})
    assert "core-warning" in as_root.get(page_of(acme)).content.decode()  # it ends in less than 30 days
    SamlSettings.objects.update(proposed={"sso_url": "https://idp.test/new"})
    assert "An administrator must review them" in as_root.get(page_of(acme)).content.decode()
    shown = as_root.post(page_of(acme, "metadata"), {"keep_url": ""})
    assert "→ https://idp.test/new" in shown.content.decode()
    seen = shown.context["difference"].seen
    as_root.post(page_of(acme, "metadata"), {"adopt": "x", "shown": seen})
    assert (SamlSettings.objects.get().sso_url, SamlSettings.objects.get().proposed) == ("https://idp.test/new", None)


# Tabs


def test_every_page_in_the_tabs_opens_and_no_tab_leads_to_a_refusal_R37(
    as_root: Client, acme: Connection, idp: TestIdp
) -> None:
    readers = [
        as_root,
        browser_of(staff("looks", "view_connection")),
        browser_of(staff("edits", "view_connection", "change_connection")),
    ]
    for has_saml in (False, True):
        if has_saml:
            sso.settings.changes.apply(acme, {"idp_metadata": idp.metadata()}, base_dir=None)
        for reader in readers:
            tabs = reader.get(page_of(acme, "overview")).context["tabs"]
            links = [page["url"] for tab in tabs for page in tab["pages"]]
            assert {link: reader.get(link).status_code for link in links} == dict.fromkeys(links, 200)
    assert len(links) < len(
        [page for tab in as_root.get(page_of(acme, "overview")).context["tabs"] for page in tab["pages"]]
    )

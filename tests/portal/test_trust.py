"""A forwarded link must not become the trust root of a customer: it does some things by itself, a superuser decides about others (R38)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

import sso.settings.changes
from core_identity.models import Connection, Event, SetupProposal, User
from core_identity.portal.links import revoke_link
from core_identity.services.links import offer
from core_identity.services.push.provisioning import create_person
from core_identity.services.users import create_user
from scim.models import BearerToken, OAuthClient
from scim.oauth.bearer_tokens import make_token
from sso.models import SamlSettings
from tests.admin.conftest import browser_of, staff
from tests.portal.conftest import Customer
from tests.support.cast import BROWSER, COMMAND, JANE, OKTA, by_sso, make_connection
from tests.support.saml import TestIdp
from tests.support.sign_in import sign_in

OKTA_APP = "https://globex-admin.okta.com/admin/app/globex_core_1/instance/0oa1/"


def page_of(connection: Connection, name: str) -> str:
    return reverse(f"admin:core_identity_connection_{name}", args=[connection.pk])


def certificates(connection: Connection) -> list[str]:
    return [pem for saml in SamlSettings.objects.filter(connection=connection) for pem in saml.certificates]


@pytest.fixture
def believed(globex: Connection, idp: TestIdp) -> Connection:
    sso.settings.changes.apply(globex, {"idp_metadata": idp.metadata()}, base_dir=None)
    return globex


# Metadata


def test_the_first_metadata_is_installed_and_may_be_corrected_while_nobody_is_known(
    customer: Customer, globex: Connection, idp: TestIdp, stranger: TestIdp
) -> None:
    assert "The metadata is in use" in customer.send(idp.metadata()).content.decode()
    assert certificates(globex) == [idp.pem]
    assert "certificate added:" in customer.post("/metadata", metadata=stranger.metadata()).content.decode()
    assert certificates(globex) == [idp.pem], "the first button only shows the difference"
    customer.send(stranger.metadata())
    assert certificates(globex) == [stranger.pem]
    event = Event.objects.filter(kind="saml_settings.changed").latest("id")
    assert (event.actor_kind, event.actor) == ("setup_link", "set-up contact of globex (link by boss)")
    assert event.actor_id == str(customer.link.pk)


def pushed(connection: Connection) -> None:
    create_person(actor=OKTA, connection=connection, person=JANE)


def signed_in(connection: Connection) -> None:
    sign_in(actor=BROWSER, connection=connection, person=by_sso(JANE))


def offered(connection: Connection) -> None:
    user = create_user(actor=COMMAND, username="ann", email="ann@globex.test", customer=connection.customer)
    offer(actor=COMMAND, connection=connection, user_ids=[user.pk], reason="test")


@pytest.mark.parametrize("somebody", [pushed, signed_in, offered])
def test_a_forwarded_link_changes_no_certificate_once_somebody_is_known(
    somebody: Callable[[Connection], None],
    customer: Customer,
    believed: Connection,
    boss: User,
    idp: TestIdp,
    stranger: TestIdp,
) -> None:
    somebody(believed)
    answer = customer.send(stranger.metadata())
    title = answer.content.decode().partition("<title>")[2].partition("</title>")[0]
    assert " ".join(title.split()) == "Your contact must confirm the metadata – CORE"
    assert certificates(believed) == [idp.pem]
    assert "New metadata of the identity provider: your contact must decide" in customer.get().content.decode()

    administrator = browser_of(boss)
    assert "Review and decide" in administrator.get(page_of(believed, "overview")).content.decode()
    shown = administrator.get(page_of(believed, "proposed-metadata"))
    assert "certificate removed:" in shown.content.decode()
    form = {"proposal": SetupProposal.objects.get().pk, "shown": shown.context["form"].preview_digest}
    assert administrator.post(page_of(believed, "proposed-metadata"), form).status_code == 302
    assert certificates(believed) == [stranger.pem]
    event = Event.objects.get(kind="saml_settings.changed", actor="boss")
    assert event.actor_kind == "admin"
    assert Event.objects.filter(kind="setup_proposal.accepted", actor="boss").count() == 1
    assert "your contact must decide" not in customer.get().content.decode()


def test_a_person_who_arrives_while_the_difference_is_shown_closes_the_way(
    customer: Customer, believed: Connection, idp: TestIdp, stranger: TestIdp
) -> None:
    shown = customer.post("/metadata", metadata=stranger.metadata()).context["form"].preview_digest
    pushed(believed)
    customer.post("/metadata", metadata=stranger.metadata(), shown=shown, send="1")
    assert certificates(believed) == [idp.pem]


def test_a_proposal_is_rejected_replaced_and_decided_once(
    customer: Customer, believed: Connection, boss: User, idp: TestIdp, stranger: TestIdp
) -> None:
    pushed(believed)
    customer.send(stranger.metadata())
    first = SetupProposal.objects.get()
    customer.send(stranger.metadata(sso_url="https://other.test/sso"))
    second = SetupProposal.objects.get()
    assert second.pk != first.pk
    administrator, page = browser_of(boss), page_of(believed, "proposed-metadata")
    shown = administrator.get(page).context["form"].preview_digest
    replaced = administrator.post(page, {"proposal": first.pk, "shown": shown})
    assert "replaced while you were looking" in replaced.content.decode()
    assert administrator.post(page, {"proposal": second.pk, "reject": "x"}).status_code == 302
    assert certificates(believed) == [idp.pem]
    assert SetupProposal.objects.get().accepted is False
    assert administrator.get(page).status_code == 302, "nothing is pending"
    assert "replaced" in administrator.post(page, {"proposal": second.pk, "shown": shown}).content.decode()


def test_only_a_superuser_makes_set_up_links_and_decides_proposals(
    customer: Customer, believed: Connection, stranger: TestIdp
) -> None:
    pushed(believed)
    customer.send(stranger.metadata())
    clerk = browser_of(staff("clerk", "view_connection", "change_connection", "view_user"))
    overview = clerk.get(page_of(believed, "overview")).content.decode()
    assert "a superuser must decide" in overview
    assert "/setup-link/" not in overview
    assert "/proposed-metadata/" not in overview
    for name in ("setup-link", "proposed-metadata", "proposed-token"):
        assert clerk.get(page_of(believed, name)).status_code == 403
        assert clerk.post(page_of(believed, name), {"proposal": 1}).status_code == 403


def test_the_faults_of_metadata_are_named_and_nothing_is_fetched(
    customer: Customer, globex: Connection, idp: TestIdp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(*_: object) -> bytes:
        raise AssertionError("nobody outside makes CORE fetch an address")

    monkeypatch.setattr("sso.settings.metadata_source.fetch_within", fetched)
    page = customer.post("/metadata", metadata=idp.metadata(sso_url="javascript:x", entity_id="")).content.decode()
    assert page.count('class="problem"') == 2
    for form in ({}, {"url": "https://idp.test/metadata"}, {"metadata": "https://idp.test/metadata"}):
        assert 'class="problem"' in customer.post("/metadata", **form, send="1").content.decode()
    assert not SamlSettings.objects.exists()


def test_metadata_that_is_refused_leads_the_focus_to_its_fault(
    customer: Customer, globex: Connection, idp: TestIdp
) -> None:
    answer = customer.post("/metadata", metadata=idp.metadata(), shown="0" * 64, send="1")
    assert "What would change" in answer.content.decode()
    assert re.findall(r'class="([^"]*)"[^>]*autofocus', answer.content.decode()) == ["problem"]
    shown = customer.post("/metadata", metadata=idp.metadata()).content.decode()
    assert '<h2 tabindex="-1" autofocus>What would change</h2>' in shown


def test_metadata_comes_as_a_file_too(customer: Customer, globex: Connection, idp: TestIdp) -> None:
    file = SimpleUploadedFile("metadata.xml", b"\xef\xbb\xbf" + idp.metadata().encode())
    shown = customer.post("/metadata", file=file)
    form = shown.context["form"]
    assert form.data["metadata"] == idp.metadata(), "a browser sends a file once, so the page contains its text"
    customer.post("/metadata", metadata=form.data["metadata"], shown=form.preview_digest, send="1")
    assert certificates(globex) == [idp.pem]
    for file in (SimpleUploadedFile("x", b"\xff\xfe\x00"), SimpleUploadedFile("x", b"<" * (1024 * 1024 + 1))):
        assert 'class="problem"' in customer.post("/metadata", file=file).content.decode()


# Credentials


def shown_of(answer: Any) -> dict[str, str]:
    return {one.name: one.value for one in answer.context["shown"]}


def test_the_first_token_is_shown_once_and_the_second_waits_for_a_superuser(
    customer: Customer, globex: Connection, boss: User
) -> None:
    token = shown_of(customer.post("/credentials", make_token="1", name="Entra"))["token"]
    assert (
        Client(headers={"host": "localhost:8000", "Authorization": f"Bearer {token}"})
        .get("/scim/globex/v2/Users")
        .status_code
        == 200
    )
    pages = [customer.get(page).content.decode() for page in ("", "/steps", "/credentials")]
    assert token not in str([*pages, *Event.objects.values(), *BearerToken.objects.values()])

    for _ in range(2):
        answer = customer.post("/credentials", make_token="1", name="again")
        assert "Your contact must permit another token" in answer.content.decode()
    assert BearerToken.objects.count() == 1
    administrator, page = browser_of(boss), page_of(globex, "proposed-token")
    assert administrator.get(page).status_code == 200
    administrator.post(page, {"proposal": SetupProposal.objects.get().pk})
    assert BearerToken.objects.count() == 1, "the superuser never sees the token"
    assert shown_of(customer.post("/credentials", make_token="1", name="again"))["token"]
    assert (
        "Your contact must permit another token"
        in customer.post("/credentials", make_token="1", name="third").content.decode()
    )
    assert BearerToken.objects.count() == 2
    assert {event.actor_kind for event in Event.objects.filter(kind="bearer_token.created")} == {"setup_link"}


def test_a_revoked_token_or_a_client_counts_as_the_first(customer: Customer, globex: Connection) -> None:
    make_token(actor=COMMAND, connection=globex, name="old")
    BearerToken.objects.update(revoked_at="2026-01-01T00:00Z")
    customer.post("/credentials", make_token="1", name="new")
    customer.post("/credentials", make_client="1", console_url=OKTA_APP)
    assert (BearerToken.objects.count(), OAuthClient.objects.count()) == (1, 0)


def test_a_permission_ends_with_the_link_that_asked_for_it(customer: Customer, globex: Connection, boss: User) -> None:
    customer.post("/credentials", make_token="1", name="first")
    customer.post("/credentials", make_token="1", name="second")
    browser_of(boss).post(page_of(globex, "proposed-token"), {"proposal": SetupProposal.objects.get().pk})
    revoke_link(actor=COMMAND, connection=globex, link_id=customer.link.pk)
    answer = browser_of(boss).post(page_of(globex, "setup-link"))
    successor = Customer(answer.context["link"].rpartition("/")[2])
    successor.open()
    assert (
        "Your contact must permit another token"
        in successor.post("/credentials", make_token="1", name="x").content.decode()
    )
    assert BearerToken.objects.count() == 1


def test_the_client_for_okta_sends_codes_to_okta_only_and_its_secret_is_shown_once(
    customer: Customer, globex: Connection
) -> None:
    for address in ("https://evil.test/admin/app/x/instance/1", "javascript:x", ""):
        assert 'class="problem"' in customer.post("/credentials", make_client="1", console_url=address).content.decode()
    assert not OAuthClient.objects.exists()
    shown = shown_of(customer.post("/credentials", make_client="1", console_url=OKTA_APP))
    client = OAuthClient.objects.get()
    assert (client.client_id, client.allows_client_credentials) == (shown["client_id"], False)
    assert all(uri.startswith("https://system-admin.okta") for uri in client.redirect_uris.split())
    assert shown["client_secret"] not in customer.get("/credentials").content.decode()
    customer.post("/credentials", make_client="1", console_url=OKTA_APP.replace("globex_core_1", "evil_1"))
    assert "evil" not in OAuthClient.objects.get().redirect_uris


# What administrators see, and what the customer sees


def test_a_superuser_makes_a_link_sees_its_use_and_revokes_it(globex: Connection, boss: User) -> None:
    administrator, page = browser_of(boss), page_of(globex, "setup-link")
    assert "Create the link" in administrator.get(page).content.decode()
    answer = administrator.post(page)
    assert answer.context["link"].startswith("http://localhost:8000/set-up/open/")
    assert "no-store" in answer["Cache-Control"]
    assert Event.objects.get(kind="setup_link.created").actor == "boss"
    assert "not opened yet" in administrator.get(page).content.decode()
    customer = Customer(answer.context["link"].rpartition("/")[2])
    customer.open()
    assert "opened 1 time," in administrator.get(page).content.decode()
    customer.post("/finish")
    assert "reported that the set-up is finished" in administrator.get(page_of(globex, "overview")).content.decode()
    assert administrator.post(page, {"revoke": customer.link.pk}).status_code == 302
    assert customer.get().status_code == 404
    assert "revoked" in administrator.get(page).content.decode()


def test_the_page_names_no_person_and_nothing_of_another_customer(
    customer: Customer, believed: Connection, boss: User, django_assert_max_num_queries: Any
) -> None:
    other = make_connection("initech", customer="Initech")
    pushed(other)
    pushed(believed)
    sign_in(actor=BROWSER, connection=believed, person=by_sso(JANE))
    with django_assert_max_num_queries(21):
        pages = customer.get().content.decode()
    for idp in ("okta", "entra", "google", "other"):
        pages += customer.get(f"?idp={idp}").content.decode()
    pages += customer.get("/steps").content.decode()
    assert "A person arrived." in pages
    for secret in ("jane", "Jane", "initech", "Initech", "boss", "/admin/"):
        assert secret not in pages, secret

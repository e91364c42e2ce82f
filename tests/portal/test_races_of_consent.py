"""A consent at the instant in which its link, or the connection, ends: the end counts, and one link gives one consent (R1a, R14, R38)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client
from oauth2_provider.models import get_grant_model

import scim.connections
from core_identity.models import Connection, Event, SetupLink, User
from core_identity.portal.links import make_link, revoke_link
from core_identity.services.connections import switch_off
from core_identity.services.users import create_user
from scim.models import OAuthClient
from scim.views import consent
from tests.portal.test_races import at_once
from tests.scim.conftest import HOST, Secrets
from tests.scim.test_consent import CALLBACK, Dance
from tests.support.cast import ADMIN, COMMAND, make_connection
from tests.support.moments import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
consenter_of = consent.consenter_of


@pytest.fixture
def acme(transactional_db: None) -> Connection:
    return make_connection()


@pytest.fixture
def boss(transactional_db: None) -> User:
    return create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True)


@pytest.fixture
def secrets(acme: Connection) -> Secrets:
    secret = scim.connections.apply(acme, {"redirect_uris": [CALLBACK]}, rotate_secret=True)
    return Secrets(OAuthClient.objects.get(connection=acme).client_id, str(secret))


@pytest.fixture
def contact(acme: Connection, boss: User, secrets: Secrets) -> Dance:
    """The browser of a set-up contact, which has the link open."""
    http = Client(headers={"host": HOST})
    http.post(f"/set-up/open/{make_link(actor=ADMIN, connection=acme, created_by=boss)}")
    return Dance(http, secrets)


def assert_nothing_was_given() -> None:
    assert not get_grant_model().objects.exists()
    assert not Event.objects.filter(kind="oauth_client.consented").exists()


def test_one_of_two_consents_by_one_link_at_once_counts(contact: Dance) -> None:
    twin = Dance(Client(headers={"host": HOST}), contact.secrets)
    twin.http.cookies = contact.http.cookies
    pages = contact.ask(), twin.ask()
    answers = at_once(lambda: contact.answer(pages[0]), lambda: twin.answer(pages[1]))
    assert sorted(answer.status_code for answer in answers) == [302, 403]
    assert get_grant_model().objects.count() == 1
    assert Event.objects.filter(kind="oauth_client.consented").count() == 1


def ended_by_revocation(acme: Connection, boss: User) -> Callable[[], Any]:
    return partial(revoke_link, actor=ADMIN, connection=acme, link_id=SetupLink.objects.get().pk)


def ended_by_a_new_link(acme: Connection, boss: User) -> Callable[[], Any]:
    return partial(make_link, actor=ADMIN, connection=acme, created_by=boss)


def ended_by_the_switch(acme: Connection, boss: User) -> Callable[[], Any]:
    return partial(switch_off, actor=COMMAND, connection_id=acme.pk, reason="over")


@pytest.mark.parametrize("end_of", [ended_by_revocation, ended_by_a_new_link, ended_by_the_switch])
def test_a_link_that_ends_while_its_contact_consents_gives_nothing(
    contact: Dance,
    acme: Connection,
    boss: User,
    monkeypatch: pytest.MonkeyPatch,
    end_of: Callable[[Connection, User], Callable[[], Any]],
) -> None:
    page, end = contact.ask(), end_of(acme, boss)
    monkeypatch.setattr(consent, "consenter_of", partial(_looked_up_before, end))
    assert contact.answer(page).status_code == 403
    assert_nothing_was_given()


def test_a_connection_that_is_switched_off_while_a_superuser_consents_gives_nothing(
    secrets: Secrets, acme: Connection, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = Client(headers={"host": HOST})
    http.force_login(boss)
    page, require_live = Dance(http, secrets).ask(), consent.Consent._require_live

    def require_later(view: consent.Consent) -> None:
        elsewhere(ended_by_the_switch(acme, boss))
        require_live(view)

    monkeypatch.setattr(consent.Consent, "_require_live", require_later)
    assert Dance(http, secrets).answer(page).status_code == 403
    assert_nothing_was_given()


def _looked_up_before(end: Callable[[], Any], request: HttpRequest) -> Any:
    found = consenter_of(request)
    elsewhere(end)
    return found

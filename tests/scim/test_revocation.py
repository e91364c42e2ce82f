"""The access of a SCIM client ends for good by the switch (R1a), and a code that is used twice (RFC 6749 section 4.1.2)."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection as database
from django.db import connections
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

import scim.connections
from core_identity.config.housekeeping import tidy
from core_identity.errors import NotAllowed
from core_identity.models import Connection, Event, SetupLink
from core_identity.portal.links import make_link
from core_identity.services.connections import switch_off, switch_on
from core_identity.services.succession import succeed
from core_identity.services.users import create_local_user
from scim.models import BearerToken, OAuthClient, UsedCode
from scim.oauth.bearer_tokens import make_token
from tests.scim.conftest import FORM, HOST, Scim, Secrets, error, token_of
from tests.scim.test_consent import CALLBACK, Dance, browser_of
from tests.support.cast import ADMIN, make_connection
from tests.support.clock import travel

ENDED = Counter(
    {
        "access_token.revoked": 2,
        "refresh_token.revoked": 1,
        "bearer_token.revoked": 1,
        "authorization_code.revoked": 1,
        "setup_link.revoked": 1,
    }
)


def dance_of(connection: Connection) -> Dance:
    secret = scim.connections.apply(connection, {"redirect_uris": [CALLBACK]}, rotate_secret=True)
    boss = create_local_user(username="boss", email="boss@core.test", password="a long enough one", superuser=True)
    return Dance(browser_of(boss), Secrets(OAuthClient.objects.get(connection=connection).client_id, str(secret)))


@pytest.fixture
def okta(connection: Connection) -> Dance:
    return dance_of(connection)


def use(okta: Dance, code: str, **form: str) -> Any:
    return okta.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK, **form)


@pytest.mark.parametrize("by", ["the switch", "a successor"])
def test_a_connection_that_was_off_has_no_live_credential_when_it_is_on_again_R1a(
    okta: Dance, connection: Connection, other: Scim, by: str
) -> None:
    tokens = okta.dance()
    renewed = okta.tokens(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    by_client = token_of(okta.secrets)
    boss = OAuthClient.objects.get(connection=connection).consented_by
    assert boss is not None
    _, long_lived = make_token(actor=ADMIN, connection=connection, name="Entra")
    contact = browser_of(None)
    link = make_link(actor=ADMIN, connection=connection, created_by=boss)
    contact.post(f"/set-up/open/{link}")
    assert contact.get("/set-up").status_code == 200
    unused = okta.code()
    for token in (renewed["access_token"], by_client, long_lived):
        assert Scim(connection, token).get("/Users").status_code == 200

    if by == "the switch":
        switch_off(actor=ADMIN, connection_id=connection.pk, reason="test")
    else:
        heir = make_connection("acme-2", customer="Acme")
        succeed(actor=ADMIN, former_id=connection.pk, successor_id=heir.pk, reason="test")
    events = Event.objects.filter(connection_id=connection.pk, kind__in=ENDED)
    assert Counter(events.values_list("kind", flat=True)) == ENDED
    assert {(event.actor, event.reason) for event in events} == {(ADMIN.label, "The connection was switched off.")}
    for act in (
        lambda: make_token(actor=ADMIN, connection=connection, name="new"),
        lambda: make_link(actor=ADMIN, connection=connection, created_by=boss),
    ):
        with pytest.raises(NotAllowed):
            act()

    switch_on(actor=ADMIN, connection_id=connection.pk, reason="test")
    for token in (tokens["access_token"], renewed["access_token"], by_client, long_lived):
        error(Scim(connection, token).get("/Users"), 401)
    for old in (tokens["refresh_token"], renewed["refresh_token"]):
        assert okta.token(grant_type="refresh_token", refresh_token=old).json()["error"] == "invalid_grant"
    assert use(okta, unused).json()["error"] == "invalid_grant"
    assert browser_of(None).post(f"/set-up/open/{link}").status_code == 404
    assert contact.get("/set-up").status_code == 404
    assert Dance(contact, okta.secrets).ask().status_code == 302, "the browser of the set-up contact"
    assert other.get("/Users").status_code == 200, "another customer's connection keeps its tokens"
    assert Scim(connection, okta.dance()["access_token"]).get("/Users").status_code == 200, "a new consent works"


@pytest.mark.django_db(transaction=True)
def test_a_credential_that_is_requested_while_the_connection_is_switched_off_does_not_live_R1a(
    transactional_db: None,
) -> None:
    """Two threads on PostgreSQL. The switch comes after the last check of the request, or while its row is inserted."""
    acme = make_connection()
    okta = dance_of(acme)
    client = OAuthClient.objects.get()

    def consent() -> object:
        return okta.answer(page)

    def renew() -> object:
        return okta.token(grant_type="refresh_token", refresh_token=first_tokens["refresh_token"])

    requests: dict[str, tuple[Callable[[], object], str, str]] = {
        "code": (lambda: use(okta, code), 'FROM "oauth2_provider_grant"', "oauth2_provider_accesstoken"),
        "refresh": (renew, 'FROM "oauth2_provider_refreshtoken"', "oauth2_provider_accesstoken"),
        "client": (lambda: token_request(okta), "FROM scim_clientsecret", "oauth2_provider_accesstoken"),
        "consent": (consent, 'FROM "scim_oauthclient"', "oauth2_provider_grant"),
    }
    for name, (request, last_check, table) in requests.items():
        for marker, waits in ((last_check, False), (f'INSERT INTO "{table}"', True)):
            switch_on(actor=ADMIN, connection_id=acme.pk, reason="test")
            first_tokens, code, page = okta.dance(), okta.code(), okta.ask()
            switch = threading.Thread(target=off, args=(acme,))
            with database.execute_wrapper(meanwhile(marker, switch, waits=waits)):
                request()
            assert switch.ident is not None, f"{name}: no statement with {marker}"
            switch.join(timeout=30)
            assert not switch.is_alive()
            tokens = (get_access_token_model(), get_refresh_token_model(), get_grant_model())
            rows = [model.objects.filter(application=client).count() for model in tokens]
            assert rows == [0, 0, 0], f"{name}, switched off at {marker}"


@pytest.mark.django_db(transaction=True)
def test_a_refresh_token_that_is_revoked_meanwhile_gives_no_successor(transactional_db: None) -> None:
    """Two threads on PostgreSQL: the revocation (RFC 7009) comes after the refresh was validated."""
    okta = dance_of(make_connection())
    token = okta.dance()["refresh_token"]
    revocation = threading.Thread(target=revoke, args=(okta, token))
    with database.execute_wrapper(meanwhile('FROM "oauth2_provider_refreshtoken"', revocation, waits=False)):
        assert okta.token(grant_type="refresh_token", refresh_token=token).json().get("error") == "invalid_grant"
    assert not get_refresh_token_model().objects.filter(revoked=None).exists(), "the client gave it back"


def revoke(okta: Dance, token: str) -> None:
    try:
        Client(headers={"host": HOST}).post(
            "/oauth/revoke_token/", f"token={token}", content_type=FORM, headers={"Authorization": okta.secrets.basic}
        )
    finally:
        connections.close_all()


def token_request(okta: Dance) -> Any:
    return okta.token(grant_type="client_credentials", scope="scim")


def off(connection: Connection) -> None:
    try:
        switch_off(actor=ADMIN, connection_id=connection.pk, reason="test")
    finally:
        connections.close_all()


def meanwhile(marker: str, switch: threading.Thread, *, waits: bool) -> Any:
    """Start ``switch`` at the first statement with ``marker``; it has to wait for this transaction, or it is done before the next statement."""

    def execute(call: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = call(sql, params, many, context)
        if marker in sql and switch.ident is None:
            switch.start()
            switch.join(timeout=0.3 if waits else 30)
            assert switch.is_alive() == waits
        return found

    return execute


def test_a_reused_code_revokes_its_tokens(okta: Dance, connection: Connection, other: Scim) -> None:
    code = okta.code()
    assert use(okta, code, client_id=okta.secrets.client_id).status_code == 200
    first = okta.dance()
    code = okta.code()
    tokens = use(okta, code).json()
    renewed = okta.tokens(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert use(okta, code).json()["error"] == "invalid_grant"
    assert Scim(connection, renewed["access_token"]).get("/Users").status_code == 200, "an answer that got lost"

    with travel(timezone.now() + timedelta(minutes=3)):
        stranger = Dance(okta.http, Secrets(okta.secrets.client_id, "wrong"))
        assert use(stranger, code).status_code == 401
        secret = scim.connections.apply(other.connection, {}, rotate_secret=True)
        foreign = Secrets(OAuthClient.objects.get(connection=other.connection).client_id, str(secret))
        assert use(Dance(okta.http, foreign), code).json()["error"] == "invalid_grant"
        assert Scim(connection, renewed["access_token"]).get("/Users").status_code == 200, "neither is this client"

        answer = use(okta, code)
        assert answer.json()["error"] == "invalid_grant"
        error(Scim(connection, renewed["access_token"]).get("/Users"), 401)
        again = okta.token(grant_type="refresh_token", refresh_token=renewed["refresh_token"])
        assert again.json()["error"] == "invalid_grant"
        assert Scim(connection, first["access_token"]).get("/Users").status_code == 200, "of another code"
    events = Event.objects.filter(kind__in=("access_token.revoked", "refresh_token.revoked"))
    assert {(event.kind, event.actor_kind, event.channel) for event in events} == {
        ("access_token.revoked", "scim_client", "scim"),
        ("refresh_token.revoked", "scim_client", "scim"),
    }
    assert {event.request_id for event in events} == {answer["X-Request-Id"]}
    assert code not in str([*UsedCode.objects.values(), *Event.objects.values()])
    dict(tidy(now=timezone.now() + timedelta(days=2)))
    assert UsedCode.objects.count() == 2, "kept while the tokens of a code live"


def test_a_verifier_needs_a_challenge_and_plain_is_refused_before_the_consent(okta: Dance) -> None:
    """RFC 9700 section 2.1.1: otherwise an attacker drops the challenge from the authorization request."""
    code = okta.code()
    assert use(okta, code, code_verifier="v" * 60).json()["error"] == "invalid_grant"
    assert use(okta, okta.code(), code_verifier="").status_code == 200, "an empty parameter is omitted (RFC 6749, 3.1)"
    for changes in (
        {"code_challenge": "v" * 60, "code_challenge_method": "plain"},
        {"code_challenge": "v" * 60},
        {"code_challenge_method": "plain"},
        {"code_challenge": "v" * 60, "code_challenge_method": "S512"},
    ):
        answer = okta.ask(**changes)
        assert answer.status_code == 302, changes
        assert parse_qs(urlsplit(answer["Location"]).query)["error"] == ["invalid_request"]
    assert okta.ask(code_challenge="", code_challenge_method="").status_code == 200
    page = okta.ask()
    form = {name: value for name, value in page.context["form"].initial.items() if value} | {"allow": "true"}
    before = Event.objects.filter(kind="oauth_client.consented").count()
    bent = okta.http.post("/oauth/authorize/", form | {"code_challenge": "v" * 60, "code_challenge_method": "plain"})
    assert parse_qs(urlsplit(bent["Location"]).query)["error"] == ["invalid_request"]
    assert Event.objects.filter(kind="oauth_client.consented").count() == before, "nothing was consented to"
    assert not SetupLink.objects.filter(revoked_at=None).exists()
    assert not BearerToken.objects.exists()

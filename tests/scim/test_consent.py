"""Consent: the people who may give it, its results, and Okta's whole dialogue (R14, R21)."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

import scim.connections
from core_identity.models import Connection, Event, SetupLink, User
from core_identity.portal.links import make_link
from core_identity.services.connections import switch_off
from core_identity.services.expiry import expire
from core_identity.services.users import change_user, create_local_user, create_user
from scim.models import OAuthClient
from tests.scim.conftest import FORM, HOST, Scim, Secrets
from tests.support.cast import ADMIN, COMMAND, make_connection
from tests.support.clock import travel

CALLBACK = "https://system-admin.okta.com/admin/app/cpc/acme/oauth/callback"


@pytest.fixture
def secrets(connection: Connection) -> Secrets:
    secret = scim.connections.apply(connection, {"redirect_uris": [CALLBACK]}, rotate_secret=True)
    return Secrets(OAuthClient.objects.get(connection=connection).client_id, str(secret))


@pytest.fixture
def boss(db: None) -> User:
    return create_local_user(username="boss", email="boss@core.test", password="a long enough one", superuser=True)


def browser_of(user: User | None) -> Client:
    http = Client(headers={"host": HOST})
    if user is not None:
        http.force_login(user)
    return http


@dataclass
class Dance:
    """Okta's side: its browser window, and its server."""

    http: Client
    secrets: Secrets

    def ask(self, **changes: str | None) -> Any:
        parameters = {
            "client_id": self.secrets.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "state": "xyz",
            "scope": "offline_access",
        } | changes
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        return self.http.get(f"/oauth/authorize/?{query}")

    def answer(self, page: Any, *, allow: bool = True) -> Any:
        assert page.status_code == 200, page.content
        form = {
            name: value
            for name, value in page.context["form"].initial.items()
            if value not in (None, "") and name != "allow"
        }
        return self.http.post("/oauth/authorize/", form | ({"allow": "true"} if allow else {}))

    def code(self, **changes: str | None) -> str:
        answer = self.answer(self.ask(**changes))
        assert answer.status_code == 302, answer.content
        assert answer["Location"].startswith(CALLBACK)
        query = parse_qs(urlsplit(answer["Location"]).query)
        assert (query["state"], query["iss"]) == (["xyz"], ["http://localhost:8000"])
        return str(query["code"][0])

    def token(self, **form: str) -> Any:
        return Client(headers={"host": HOST}).post(
            "/oauth/token/", urlencode(form), content_type=FORM, headers={"Authorization": self.secrets.basic}
        )

    def tokens(self, **form: str) -> dict[str, Any]:
        answer = self.token(**form)
        assert answer.status_code == 200, answer.content
        document = answer.json()
        assert isinstance(document, dict)
        return document

    def dance(self) -> dict[str, Any]:
        return self.tokens(grant_type="authorization_code", code=self.code(), redirect_uri=CALLBACK)


@pytest.fixture
def okta(boss: User, secrets: Secrets) -> Dance:
    return Dance(browser_of(boss), secrets)


def test_a_superuser_consents_and_okta_reads_users(okta: Dance, connection: Connection) -> None:
    tokens = okta.dance()
    assert tokens["scope"].split() == ["scim", "offline_access"]
    assert Scim(connection, tokens["access_token"]).get("/Users").status_code == 200
    event = Event.objects.get(kind="oauth_client.consented")
    assert (event.actor, event.connection_slug) == ("boss", "acme")
    assert tokens["access_token"] not in str(list(Event.objects.values()))


def test_the_page_names_the_request_and_lets_its_form_reach_okta(okta: Dance) -> None:
    page = okta.ask()
    text = page.content.decode()
    assert "system-admin.okta.com" in text
    assert "<strong>acme</strong>" in text
    assert "form-action 'self' https://system-admin.okta.com;" in page["Content-Security-Policy"] + ";"
    assert page["X-Frame-Options"] == "DENY"
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize(
    "query", ["scope=offline_access", "", "scope=scim", "scope=scim+offline_access&nonce=1&prompt=none", "%"]
)
def test_okta_may_ask_for_offline_access_alone_and_for_nothing(okta: Dance, query: str) -> None:
    path = f"/oauth/authorize/?client_id={okta.secrets.client_id}&response_type=code&redirect_uri={CALLBACK}&{query}"
    page = okta.http.get(path)
    assert page.status_code == 200
    assert "scim" in page.context["form"].initial["scope"].split()


def test_a_refused_consent_is_answered_as_refused(okta: Dance) -> None:
    answer = okta.answer(okta.ask(), allow=False)
    assert "error=access_denied" in answer["Location"]
    assert Event.objects.filter(kind="oauth_client.refused").exists()


def test_nobody_else_may_consent(secrets: Secrets, boss: User) -> None:
    """The hole of stock set-ups: any end user could, and got a SCIM token for it."""
    person = create_user(actor=ADMIN, username="jane", email="jane@acme.test")
    clerk = create_user(actor=COMMAND, username="clerk", email="clerk@core.test", is_staff=True)
    for user in (person, clerk):
        dance = Dance(browser_of(user), secrets)
        page = dance.ask()
        assert page.status_code == 403
        assert "code=" not in page.content.decode()
        posted = dance.http.post(
            "/oauth/authorize/",
            {"client_id": secrets.client_id, "redirect_uri": CALLBACK, "response_type": "code", "scope": "scim", "allow": "true"},
        )  # fmt: skip
        assert posted.status_code == 403
    stranger = Dance(browser_of(None), secrets).ask()
    assert stranger.status_code == 302
    assert stranger["Location"].startswith("/admin/login/?next=/oauth/authorize/")


def test_an_expired_administrator_cannot_consent(okta: Dance, boss: User) -> None:
    expire(actor=COMMAND, user_id=boss.pk, reason="left")
    assert okta.ask().status_code == 302


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.test/callback"},
        {"redirect_uri": f"{CALLBACK}/x"},
        {"redirect_uri": f"{CALLBACK}?x=1"},
        {"redirect_uri": CALLBACK.replace("https", "http")},
        {"client_id": "nobody"},
        {"client_id": "a\0b"},
        {"client_id": None},
    ],
)
def test_a_request_that_does_not_fit_sends_the_browser_nowhere(okta: Dance, changes: dict[str, str | None]) -> None:
    page = okta.ask(**changes)
    assert page.status_code in {400, 403}
    assert "Location" not in page.headers
    assert "evil.test" not in page.get("Content-Security-Policy", "")


@pytest.mark.parametrize("response_type", ["token", "id_token", "code token"])
def test_no_token_comes_by_the_browser(okta: Dance, response_type: str) -> None:
    answer = okta.ask(response_type=response_type)
    assert "access_token" not in answer.get("Location", "")
    assert answer.status_code in {302, 400}


def test_the_forms_fields_cannot_be_bent(okta: Dance) -> None:
    page = okta.ask()
    form = {k: v for k, v in page.context["form"].initial.items() if v}
    bent = okta.http.post("/oauth/authorize/", form | {"allow": "true", "redirect_uri": "https://evil.test/"})
    assert bent.status_code == 400
    assert "Location" not in bent.headers
    for field in ("resource", "claims", "nonce"):  # the toolkit reads some of these before it looks at the address
        bent = okta.http.post(
            "/oauth/authorize/", form | {"allow": "true", "redirect_uri": "https://evil.test/", field: "x"}
        )
        assert (bent.status_code, "Location" in bent.headers) == (400, False), field
    okta.http.handler.enforce_csrf_checks = True
    assert okta.http.post("/oauth/authorize/", form | {"allow": "true"}).status_code == 403


def test_a_code_is_good_once_at_one_client_for_one_address(okta: Dance, connection: Connection) -> None:
    code = okta.code()
    wrong = okta.token(grant_type="authorization_code", code=code, redirect_uri="https://evil.test/")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant"), "RFC 6749 section 5.2"
    code = okta.code()
    other = make_connection("globex", customer="Globex")
    secret = scim.connections.apply(other, {"redirect_uris": [CALLBACK]}, rotate_secret=True)
    thief = Dance(okta.http, Secrets(OAuthClient.objects.get(connection=other).client_id, str(secret)))
    assert thief.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK).status_code == 400
    okta.tokens(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert okta.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK).status_code == 400
    late = okta.code()
    with travel(timezone.now() + timedelta(minutes=11)):
        assert okta.token(grant_type="authorization_code", code=late, redirect_uri=CALLBACK).status_code == 400


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_code_that_another_request_uses_meanwhile_is_refused(okta: Dance, looks: int) -> None:
    """Two requests with one code. The other one finishes after this one has read the code ``looks`` times."""
    code, seen = okta.code(), []

    def meanwhile(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if sql.startswith("SELECT") and 'FROM "oauth2_provider_grant"' in sql:
            seen.append(sql)
            if len(seen) == looks:
                get_grant_model().objects.filter(code=code).delete()
        return found

    with database.execute_wrapper(meanwhile):
        answer = okta.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert len(seen) >= looks
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_pkce_is_honoured_and_not_demanded(okta: Dance) -> None:
    verifier = "v" * 60
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    code = okta.code(code_challenge=challenge, code_challenge_method="S256")
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    assert okta.token(**form, code=code).status_code == 400
    code = okta.code(code_challenge=challenge, code_challenge_method="S256")
    assert okta.token(**form, code=code, code_verifier="wrong" * 12).status_code == 400
    code = okta.code(code_challenge=challenge, code_challenge_method="S256")
    assert okta.tokens(**form, code=code, code_verifier=verifier)["access_token"]
    assert okta.dance()["access_token"]


def test_a_refresh_renews_and_survives_a_lost_answer(okta: Dance, connection: Connection) -> None:
    first = okta.dance()
    renewed = okta.tokens(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert renewed["access_token"] != first["access_token"]
    # The answer was lost: Okta sends the old token again, and uses the new answer.
    again = okta.tokens(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert Scim(connection, again["access_token"]).get("/Users").status_code == 200
    last = okta.tokens(grant_type="refresh_token", refresh_token=again["refresh_token"])
    assert Scim(connection, last["access_token"]).get("/Users").status_code == 200
    # Much later it is a stolen one: the whole family ends.
    with travel(timezone.now() + timedelta(minutes=30)):
        assert okta.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).status_code == 400
        assert okta.token(grant_type="refresh_token", refresh_token=last["refresh_token"]).status_code == 400


def test_a_refresh_takes_few_statements(okta: Dance) -> None:
    token = okta.tokens(grant_type="refresh_token", refresh_token=okta.dance()["refresh_token"])["refresh_token"]
    with CaptureQueriesContext(database) as queries:
        renewed = okta.tokens(grant_type="refresh_token", refresh_token=token)
    texts = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(texts) == 7, texts
    access, refresh = (model.objects.latest("id") for model in (get_access_token_model(), get_refresh_token_model()))
    assert (access.user, access.scope, access.resource) == (None, renewed["scope"], [])
    assert (refresh.access_token, refresh.user, refresh.resource) == (access, User.objects.get(username="boss"), [])
    assert access.source_refresh_token.token_family == refresh.token_family
    assert access.source_refresh_token.revoked is not None
    assert get_access_token_model().objects.count() == 1, "the former one ended"


def test_a_client_that_repeats_its_scope_when_it_renews_keeps_scim(okta: Dance, connection: Connection) -> None:
    """As authlib does: it asked for offline_access, got scim too, and repeats its own scope."""
    tokens = okta.dance()
    renewed = okta.tokens(grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope="offline_access")
    assert Scim(connection, renewed["access_token"]).get("/Users").status_code == 200
    wider = okta.token(grant_type="refresh_token", refresh_token=renewed["refresh_token"], scope="everything")
    assert wider.status_code == 400


def test_tokens_stay_valid_after_the_administrator_who_consented_has_left_R21(
    okta: Dance, connection: Connection, boss: User
) -> None:
    tokens = okta.dance()
    expire(actor=COMMAND, user_id=boss.pk, reason="left")
    assert Scim(connection, tokens["access_token"]).get("/Users").status_code == 200
    renewed = okta.tokens(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert Scim(connection, renewed["access_token"]).get("/Users").status_code == 200
    assert not get_access_token_model().objects.exclude(user=None).exists()


@pytest.mark.parametrize("is_staff", [True, False])
def test_the_consenting_administrator_is_stored_and_their_leaving_is_recorded_and_shown_R21(
    is_staff: bool, okta: Dance, connection: Connection, boss: User
) -> None:
    okta.dance()
    change_user(actor=COMMAND, user_id=boss.pk, is_staff=is_staff)
    client = OAuthClient.objects.get(connection=connection)
    assert (client.consented_by, client.consented_as, client.consented_at is None) == (boss, "boss", False)
    chief = browser_of(create_user(actor=COMMAND, username="chief", is_staff=True, is_superuser=True))
    page = f"/admin/core_identity/connection/{connection.pk}"
    assert "Consent was last given by boss" in chief.get(f"{page}/credentials/").content.decode()
    assert "consented to its provisioning" not in chief.get(f"{page}/change/").content.decode()
    expire(actor=COMMAND, user_id=boss.pk, reason="left")
    event = Event.objects.get(kind="oauth_client.consenter_expired")
    assert (event.subject_id, event.actor) == (connection.pk, COMMAND.label)
    assert event.reason.startswith("boss. The tokens belong to the connection and stay valid")
    assert "boss consented to its provisioning, and expired" in " ".join(
        chief.get(f"{page}/change/").content.decode().split()
    )


def test_a_refusal_leaves_a_consent_unchanged_and_only_its_administrator_leaving_is_an_event(
    okta: Dance, connection: Connection, boss: User
) -> None:
    okta.answer(okta.ask(), allow=False)
    assert OAuthClient.objects.get(connection=connection).consented_at is None
    expire(actor=COMMAND, user_id=boss.pk, reason="left")
    assert not Event.objects.filter(kind="oauth_client.consenter_expired").exists()


def test_tokens_are_stored_as_hashes_only(okta: Dance) -> None:
    tokens = okta.dance()
    stored = str([*get_access_token_model().objects.values(), *get_refresh_token_model().objects.values()])
    assert tokens["access_token"] not in stored
    assert tokens["refresh_token"] not in stored


def test_a_switched_off_connection_gets_no_consent_and_no_tokens_R1a(okta: Dance, connection: Connection) -> None:
    tokens, code = okta.dance(), okta.code()
    switch_off(actor=ADMIN, connection_id=connection.pk, reason="test")
    assert okta.ask().status_code == 403
    assert okta.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 401
    assert okta.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK).status_code == 401


# The set-up contact: somebody at the customer, without an account here


def test_a_set_up_contact_consents_for_one_connection_once(
    secrets: Secrets, connection: Connection, boss: User
) -> None:
    link = make_link(actor=ADMIN, connection=connection, created_by=boss)
    http = browser_of(None)
    assert http.get(f"/set-up/open/{link}").status_code == 200
    assert Dance(http, secrets).ask().status_code == 302, "looking at the link opens nothing: mail scanners do"
    opening = http.post(f"/set-up/open/{link}")
    assert http.get(opening["Location"]).status_code == 200
    dance = Dance(http, secrets)
    tokens = dance.dance()
    assert Scim(connection, tokens["access_token"]).get("/Users").status_code == 200
    event = Event.objects.get(kind="oauth_client.consented")
    assert (event.actor_kind, event.actor) == ("setup_link", "set-up contact of acme (link by boss)")
    assert dance.ask().status_code == 302, "good for one consent"
    assert http.get("/admin/").status_code == 302
    assert http.get("/me").status_code == 401


def test_a_link_opens_one_browser_and_one_connection(secrets: Secrets, connection: Connection, boss: User) -> None:
    link = make_link(actor=ADMIN, connection=connection, created_by=boss)
    first, second = browser_of(None), browser_of(None)
    first.post(f"/set-up/open/{link}")
    assert second.post(f"/set-up/open/{link}").status_code == 403
    assert Dance(second, secrets).ask().status_code == 302
    other = make_connection("globex", customer="Globex")
    secret = scim.connections.apply(other, {"redirect_uris": [CALLBACK]}, rotate_secret=True)
    foreign = Secrets(OAuthClient.objects.get(connection=other).client_id, str(secret))
    assert Dance(first, foreign).ask().status_code == 403
    assert link not in str(list(SetupLink.objects.values()))
    with travel(timezone.now() + timedelta(hours=3)):
        assert Dance(first, secrets).ask().status_code == 302


def test_a_set_up_contact_who_refuses_cannot_fill_the_events(
    secrets: Secrets, connection: Connection, boss: User
) -> None:
    """Nobody can delete an event, and a link can refuse as often as it likes."""
    http = browser_of(None)
    http.post(f"/set-up/open/{make_link(actor=ADMIN, connection=connection, created_by=boss)}")
    form = {"client_id": secrets.client_id, "response_type": "code", "scope": "scim", "state": "x"}
    for address in ("https://evil.test/", "https://[", f"{CALLBACK}?{'x' * 100_000}", "x"):
        foreign = http.post("/oauth/authorize/", {**form, "redirect_uri": address})
        assert (foreign.status_code, "Location" in foreign) == (400, False), address[:30]
    refused = Event.objects.filter(kind="oauth_client.refused")
    assert not refused.exists()
    answers = [http.post("/oauth/authorize/", {**form, "redirect_uri": CALLBACK}) for _ in range(60)]
    assert answers[0]["Location"].startswith(CALLBACK)
    assert (answers[-1].status_code, answers[-1]["Retry-After"].isdecimal()) == (429, True)
    assert 0 < refused.count() < 60


def test_a_link_ends_by_age_replacement_or_loss_of_its_creator(
    secrets: Secrets, connection: Connection, boss: User
) -> None:
    old = make_link(actor=ADMIN, connection=connection, created_by=boss)
    new = make_link(actor=ADMIN, connection=connection, created_by=boss)
    http = browser_of(None)
    assert http.get(f"/set-up/open/{old}").status_code == 404
    with travel(timezone.now() + timedelta(days=8)):
        assert http.get(f"/set-up/open/{new}").status_code == 404
    http.post(f"/set-up/open/{new}")
    expire(actor=COMMAND, user_id=boss.pk, reason="left")
    assert Dance(http, secrets).ask().status_code == 302

"""OAuth 2: each hole of stock set-ups, and each trap on Okta's way, has a test."""

import base64
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from core_identity.models import Connection
from core_identity.services.connections import switch_off, switch_on
from core_identity.services.users import create_local_user
from scim.models import OAuthClient
from tests.scim.conftest import FORM, HOST, Scim, Secrets, error, secrets_of, token_of
from tests.support.cast import ADMIN, make_connection

AccessToken = get_access_token_model()


@pytest.fixture
def secrets(connection: Connection) -> Secrets:
    return secrets_of(connection)


def ask(body: str, query: str = "", **headers: str) -> Any:
    return Client(headers={"host": HOST}).post(f"/oauth/token/{query}", body, content_type=FORM, headers=headers)


def document_of(response: Any) -> dict[str, Any]:
    """Return an OAuth error (RFC 6749 section 5.2) without its reference, which must be there."""
    assert (response["Content-Type"], response["Cache-Control"]) == ("application/json", "no-store")
    document: dict[str, Any] = response.json()
    reference = f" (Reference: {response['X-Request-Id']})"
    assert document["error_description"].endswith(reference)
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", document["error_description"])
    return {**document, "error_description": document["error_description"].removesuffix(reference)}


def test_basic_and_body_authentication_both_get_a_token(secrets: Secrets) -> None:
    form = "grant_type=client_credentials&scope=scim"
    for response in (
        ask(form, Authorization=secrets.basic),
        ask(f"{form}&client_id={secrets.client_id}&client_secret={secrets.client_secret}"),
    ):
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        answer = response.json()
        assert {**answer, "access_token": ""} == {
            "access_token": "",
            "expires_in": 3600,
            "token_type": "Bearer",
            "scope": "scim",
        }


def test_the_scope_may_be_in_the_url_as_okta_sends_it(secrets: Secrets) -> None:
    for query in ("?scope=scim", "?scope=scim+offline_access", "?scope=scim%20offline_access"):
        assert ask("grant_type=client_credentials", query, Authorization=secrets.basic).status_code == 200
    kept = ask("grant_type=client_credentials&scope=scim", "?scope=offline_access", Authorization=secrets.basic)
    assert kept.json()["scope"] == "scim"


def test_a_client_that_names_offline_access_gets_scim_too(connection: Connection) -> None:
    form = "grant_type=client_credentials&scope=offline_access"
    document = ask(form, Authorization=secrets_of(connection).basic).json()
    assert document["scope"].split() == ["scim", "offline_access"]
    assert Scim(connection, document["access_token"]).get("/Users").status_code == 200


def test_a_live_token_without_the_scope_is_403_and_says_which_scope_is_missing(okta: Scim, other: Scim) -> None:
    """RFC 6750 section 3.1. A client that authorised again would get the same token."""
    AccessToken.objects.filter(application__connection=okta.connection).update(scope="offline_access")
    response = okta.get("/Users")
    assert "scope scim" in error(response, 403)
    assert response["WWW-Authenticate"] == 'Bearer realm="scim", error="insufficient_scope", scope="scim"'
    error(okta.send("GET", "/scim/globex/v2/Users"), 401)
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    error(okta.get("/Users"), 401)


def test_clients_are_challenged_for_basic_and_scim_for_a_bearer_token(okta: Scim, secrets: Secrets) -> None:
    wrong = "Basic " + base64.b64encode(f"{secrets.client_id}:wrong".encode()).decode()
    for address in ("/oauth/token/", "/oauth/revoke_token/", "/oauth/introspect/"):
        http = Client(headers={"host": HOST, "Authorization": wrong})
        response = http.post(address, "grant_type=client_credentials&token=x", content_type=FORM)
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == 'Basic realm="oauth", charset="UTF-8"', address
    response = okta.send("GET", "/Users", Authorization="Bearer wrong")
    scheme, metadata = response["WWW-Authenticate"].split(", resource_metadata=")
    assert scheme == 'Bearer realm="scim", error="invalid_token"'
    assert okta.http.get(metadata.strip('"').removeprefix("http://localhost:8000")).status_code == 200
    assert "resource_metadata" not in okta.send("GET", "/scim/%22x/v2/Users", Authorization="")["WWW-Authenticate"]


def test_the_metadata_names_the_addresses_that_work_and_no_connection_RFC8414_RFC9728(
    secrets: Secrets, settings: LazySettings
) -> None:
    http, us = Client(headers={"host": HOST}), settings.PUBLIC_URL
    server = http.get("/.well-known/oauth-authorization-server")
    basic_or_body = ["client_secret_basic", "client_secret_post"]
    assert server.json() == {
        "issuer": us,
        "authorization_endpoint": f"{us}/oauth/authorize/",
        "token_endpoint": f"{us}/oauth/token/",
        "token_endpoint_auth_methods_supported": basic_or_body,
        "revocation_endpoint": f"{us}/oauth/revoke_token/",
        "revocation_endpoint_auth_methods_supported": basic_or_body,
        "introspection_endpoint": f"{us}/oauth/introspect/",
        "introspection_endpoint_auth_methods_supported": basic_or_body,
        "scopes_supported": ["scim", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
    for slug in ("acme", "nowhere"):
        assert http.get(f"/.well-known/oauth-protected-resource/scim/{slug}/v2").json() == {
            "resource": f"{us}/scim/{slug}/v2",
            "authorization_servers": [us],
            "scopes_supported": ["scim"],
            "bearer_methods_supported": ["header"],
        }


@pytest.mark.parametrize(
    "query", ["?%", "?scope=%", "?%zz=%zz", "?a=b", "?client_secret=x", "?grant_type=client_credentials"]
)
def test_a_bare_percent_or_a_parameter_in_the_url_is_never_an_html_page(secrets: Secrets, query: str) -> None:
    response = ask("grant_type=client_credentials", query, Authorization=secrets.basic)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    assert response.json()["error"] in ("invalid_request", "invalid_scope")


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ("grant_type=client_credentials&scope=everything", 400, "invalid_scope"),
        ("grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        ("grant_type=implicit", 400, "unsupported_grant_type"),
        ("grant_type=refresh_token&refresh_token=x", 400, "invalid_grant"),
        ("grant_type=authorization_code&code=x", 400, "invalid_grant"),
        ("grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=sc%00im", 400, "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        ("", 400, "invalid_request"),
    ],
)
def test_a_grant_that_is_not_allowed_gets_no_token(secrets: Secrets, form: str, status: int, code: str) -> None:
    response = ask(form, Authorization=secrets.basic)
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert not AccessToken.objects.exists()


def test_the_token_endpoint_does_not_tell_whether_a_password_is_right(secrets: Secrets) -> None:
    from scim.oauth.server import ConnectionValidator

    create_local_user(username="boss", email="boss@core.test", password="right" * 4, superuser=True)
    answers = [
        document_of(ask(f"grant_type=password&username=boss&password={password}", Authorization=secrets.basic))
        for password in ("right" * 4, "wrong")
    ]
    assert answers[0] == answers[1]
    assert not ConnectionValidator().validate_user("boss", "right" * 4, None, None)


def test_a_wrong_secret_gets_no_token(secrets: Secrets) -> None:
    wrong = "Basic " + base64.b64encode(f"{secrets.client_id}:wrong".encode()).decode()
    for header in (wrong, "Basic !!!", "Basic", "Basic " + base64.b64encode(b"\xff\xff").decode(), "Bearer x"):
        response = ask("grant_type=client_credentials", Authorization=header)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("address", ["/oauth/token/", "/oauth/revoke_token/", "/oauth/introspect/"])
def test_a_client_id_with_impossible_characters_is_unknown(db: None, address: str) -> None:
    header = {"Authorization": "Basic " + base64.b64encode(b"a\0b:secret").decode()}
    form = "grant_type=client_credentials&token=x"
    response = Client(headers={"host": HOST}).post(address, form, content_type=FORM, headers=header)
    assert (response.status_code, document_of(response)["error"]) == (401, "invalid_client")


def test_only_post_with_a_form_is_answered(secrets: Secrets) -> None:
    client = Client(headers={"host": HOST})
    assert client.get("/oauth/token/").status_code == 405
    response = client.post("/oauth/token/", {"grant_type": "client_credentials"}, content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_each_grant_is_allowed_by_the_connection(connection: Connection) -> None:
    secrets = secrets_of(connection, grants=["authorization_code"])
    response = ask("grant_type=client_credentials", Authorization=secrets.basic)
    assert response.json()["error"] == "unauthorized_client"
    secrets = secrets_of(connection, grants=["client_credentials"])
    assert ask("grant_type=client_credentials", Authorization=secrets.basic).status_code == 200
    response = ask("grant_type=refresh_token&refresh_token=x", Authorization=secrets.basic)
    assert response.json()["error"] == "unauthorized_client"


def test_tokens_and_secrets_are_stored_hashed_only(connection: Connection) -> None:
    secrets = secrets_of(connection)
    token = token_of(secrets)
    row = AccessToken.objects.get()
    assert (row.token, row.user_id) == ("", None)
    assert token not in str([getattr(row, field.attname) for field in AccessToken._meta.fields])
    assert secrets.client_secret not in OAuthClient.objects.get().client_secret


def test_a_token_belongs_to_no_user(okta: Scim) -> None:
    boss = create_local_user(username="boss", email="boss@core.test", password="x" * 20, superuser=True)
    assert not AccessToken.objects.filter(user=boss).exists()
    assert okta.get("/Users").status_code == 200


def test_an_expired_or_revoked_token_opens_nothing(okta: Scim, secrets: Secrets) -> None:
    secrets = secrets_of(okta.connection)
    token = token_of(secrets)
    form = f"token={token}"
    revoked = Client(headers={"host": HOST}).post(
        "/oauth/revoke_token/", form, content_type=FORM, headers={"Authorization": secrets.basic}
    )
    assert revoked.status_code == 200
    error(Scim(okta.connection, token).get("/Users"), 401)
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    error(okta.get("/Users"), 401)


def test_a_stranger_cannot_revoke_a_token(okta: Scim, other: Scim) -> None:
    theirs = secrets_of(other.connection)
    for header in (theirs.basic, "Basic x"):
        Client(headers={"host": HOST}).post(
            "/oauth/revoke_token/", f"token={okta.token}", content_type=FORM, headers={"Authorization": header}
        )
    assert okta.get("/Users").status_code == 200


def test_a_connection_that_is_switched_off_gets_no_token_and_its_tokens_open_nothing(connection: Connection) -> None:
    secrets = secrets_of(connection)
    okta = Scim(connection, token_of(secrets))
    switch_off(actor=ADMIN, connection_id=connection.pk, reason="for the test")
    error(okta.get("/Users"), 401)
    assert ask("grant_type=client_credentials", Authorization=secrets.basic).json()["error"] == "invalid_client"
    switch_on(actor=ADMIN, connection_id=connection.pk, reason="for the test")
    error(okta.get("/Users"), 401)
    assert Scim(connection, token_of(secrets)).get("/Users").status_code == 200


def test_a_token_without_a_connection_opens_nothing(okta: Scim) -> None:
    AccessToken.objects.update(application=None)
    error(okta.get("/Users"), 401)


def test_a_client_without_a_connection_cannot_exist(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        OAuthClient.objects.create(client_type="confidential", authorization_grant_type="client-credentials")


@pytest.mark.parametrize(
    "change", [{"client_type": "public"}, {"hash_client_secret": False}, {"skip_authorization": True}]
)
def test_the_database_holds_no_loose_client(secrets: Secrets, change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        OAuthClient.objects.update(**change)


def test_a_token_in_the_url_or_the_body_opens_nothing(okta: Scim) -> None:
    response = okta.send("GET", f"/Users?access_token={okta.token}", Authorization="")
    error(response, 401)
    response = okta.send(
        "POST", "/Users", f"access_token={okta.token}".encode(), **{"Authorization": "", "Content-Type": FORM}
    )
    error(response, 401)


def test_a_bare_percent_in_the_query_of_a_scim_request_does_not_break_the_token(okta: Scim) -> None:
    assert okta.send("GET", "/Users?x=%").status_code == 200
    error(okta.send("GET", "/Users?x=%", Authorization="Bearer wrong"), 401)


def test_a_session_opens_no_scim(connection: Connection) -> None:
    boss = create_local_user(username="boss", email="boss@core.test", password="x" * 20, superuser=True)
    client = Client(headers={"host": HOST})
    client.force_login(boss)
    error(client.get("/scim/acme/v2/Users"), 401)


def test_nobody_can_register_a_client() -> None:
    """The toolkit's own list of URLs would let anybody signed in. Who may consent is tested in test_consent.py."""
    with pytest.raises(NoReverseMatch):
        reverse("oauth2_provider:register")
    addresses = [str(entry.pattern) for entry in get_resolver("scim.urls").url_patterns]
    assert [one for one in addresses if one.startswith("oauth")] == [
        "oauth/authorize/",
        "oauth/token/",
        "oauth/revoke_token/",
        "oauth/introspect/",
    ]
    for path in ("/oauth/applications/", "/oauth/applications/register/"):
        assert Client(headers={"host": HOST}).get(path).status_code == 404


def test_pkce_is_not_demanded_of_these_confidential_clients(secrets: Secrets) -> None:
    from scim.oauth.server import ConnectionValidator

    assert ConnectionValidator().is_pkce_required(secrets.client_id, None) is False


@pytest.mark.parametrize("loopback", [True, False])
def test_http_redirects_are_for_loopback_only_while_the_service_is_there(
    secrets: Secrets, settings: LazySettings, loopback: bool
) -> None:
    settings.PUBLIC_URL_IS_LOOPBACK = loopback
    assert OAuthClient.objects.get().get_allowed_schemes() == (["https", "http"] if loopback else ["https"])


def test_every_token_reaches_its_own_connection_only(okta: Scim, other: Scim) -> None:
    mine = okta.make()
    other.make()
    assert [one["id"] for one in okta.get("/Users").json()["Resources"]] == [mine["id"]]
    error(okta.send("GET", f"/scim/{other.connection.slug}/v2/Users"), 401)
    third = make_connection("acme-2", customer="Acme")
    assert Scim(third, token_of(secrets_of(third))).get("/Users").json()["totalResults"] == 0


# Introspection (RFC 7662)


def introspect(token: str, secrets: Secrets) -> dict[str, Any]:
    http = Client(headers={"host": HOST, "Authorization": secrets.basic})
    response = http.post("/oauth/introspect/", urlencode({"token": token}), content_type=FORM)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    document: dict[str, Any] = response.json()
    return document


def test_a_client_learns_about_its_own_live_tokens_and_no_others(connection: Connection, other: Scim) -> None:
    secrets, theirs = secrets_of(connection), secrets_of(other.connection)
    token = token_of(secrets)
    row = AccessToken.objects.get(application__connection=connection)
    assert introspect(token, secrets) == {
        "active": True,
        "token_type": "Bearer",
        "client_id": secrets.client_id,
        "scope": "scim",
        "iat": int(row.created.timestamp()),
        "exp": int(row.expires.timestamp()),
    }
    assert introspect(token, theirs) == introspect(other.token, secrets) == {"active": False}
    for unknown in ("x", "scim_x", "\u00e9", "x" * 5000):
        assert introspect(unknown, secrets) == {"active": False}
    row.expires = timezone.now()
    row.save()
    assert introspect(token, secrets) == {"active": False}


def test_introspection_asks_for_the_secret_and_refuses_in_json(connection: Connection) -> None:
    secrets = secrets_of(connection)
    http = Client(headers={"host": HOST})
    token = token_of(secrets)
    for form, headers, status, code in (
        ({"token": token}, {}, 401, "invalid_client"),
        ({"token": token}, {"Authorization": f"Bearer {token}"}, 401, "invalid_client"),
        ({"token": token, "client_id": secrets.client_id, "client_secret": "x"}, {}, 401, "invalid_client"),
        ({}, {"Authorization": secrets.basic}, 400, "invalid_request"),
    ):
        response = http.post("/oauth/introspect/", urlencode(form), content_type=FORM, headers=headers)
        assert (response.status_code, response.json()["error"]) == (status, code)
    form = {"token": token, "client_id": secrets.client_id, "client_secret": secrets.client_secret}
    assert http.post("/oauth/introspect/", urlencode(form), content_type=FORM).json()["active"]
    switch_off(actor=ADMIN, connection_id=connection.pk, reason="test")
    assert http.post("/oauth/introspect/", urlencode(form), content_type=FORM).status_code == 401


# Failures


@pytest.mark.parametrize(
    ("address", "host", "status", "sentence"),
    [
        ("/oauth/token/more", HOST, 404, "There is nothing at this address"),
        ("/oauth/introspect_token", HOST, 404, "There is nothing at this address"),
        ("/oauth/token/", "evil.test", 400, "cannot be understood"),
        ("/oauth/revoke_token/", "evil.test", 400, "cannot be understood"),
    ],
)
def test_a_refusal_of_the_framework_is_an_oauth_error_too(
    db: None, address: str, host: str, status: int, sentence: str
) -> None:
    response = Client(headers={"host": host}).post(address, "grant_type=client_credentials", content_type=FORM)
    assert response.status_code == status
    assert document_of(response)["error"] == "invalid_request"
    assert sentence in document_of(response)["error_description"]


def test_each_failure_has_a_next_step_and_is_found_in_the_log(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = secrets_of(connection, grants=["authorization_code"])
    with caplog.at_level("INFO", logger="scim.requests"):
        responses = [
            ask("grant_type=refresh_token&refresh_token=x", Authorization=secrets.basic),
            ask("grant_type=client_credentials", Authorization=secrets.basic),
            ask("grant_type=client_credentials", Authorization="Basic x"),
            ask("grant_type=refresh_token&refresh_token=s3cret&x=" + "x" * (9 * 1024 * 1024)),
        ]
    assert [(response.status_code, document_of(response)["error"]) for response in responses] == [
        (400, "invalid_grant"),
        (400, "unauthorized_client"),
        (401, "invalid_client"),
        (413, "invalid_request"),
    ]
    assert "Authorise the app again" in document_of(responses[0])["error_description"]
    lines: list[Any] = [record for record in caplog.records if record.name == "scim.requests"]
    assert [(line.reference, line.decision) for line in lines] == [
        (response["X-Request-Id"], document_of(response)["error"]) for response in responses
    ]
    assert "s3cret" not in caplog.text


def test_a_failure_of_ours_is_answered_without_details(secrets: Secrets) -> None:
    from django.db import connection as database

    # A real failure: the table is gone, inside the test's transaction.
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE scim_clientsecret RENAME TO gone")
    http = Client(headers={"host": HOST, "Authorization": secrets.basic}, raise_request_exception=False)
    response = http.post("/oauth/token/", "grant_type=client_credentials", content_type=FORM)
    assert (response.status_code, document_of(response)["error"]) == (500, "server_error")
    assert "clientsecret" not in response.content.decode()

"""The SCIM section of a connection file."""

from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import check_password, identify_hasher

import scim.connections
from core_identity.errors import SettingsErrors
from core_identity.hashing import AT_ONCE, SLOTS
from core_identity.models import Connection, Event
from scim.models import OAuthClient

OKTA = "https://system-admin.okta.com/admin/app/cpc/acme/oauth/callback"


def test_the_first_apply_makes_a_client_and_shows_the_secret_once(connection: Connection) -> None:
    assert scim.connections.urls(connection)["client_id"] is None
    secret = scim.connections.apply(connection, {"redirect_uris": [OKTA]}, rotate_secret=False)
    assert secret is not None
    assert len(secret) >= 43
    client = OAuthClient.objects.get()
    assert scim.connections.urls(connection) == {
        "scim_base_url": "http://localhost:8000/scim/acme/v2",
        "authorize_url": "http://localhost:8000/oauth/authorize/",
        "token_url": "http://localhost:8000/oauth/token/",
        "client_id": client.client_id,
    }
    assert client.redirect_uris == OKTA
    assert client.redirect_uri_allowed(OKTA)
    assert not client.redirect_uri_allowed(f"{OKTA}/more")
    assert scim.connections.apply(connection, {"redirect_uris": [OKTA]}, rotate_secret=False) is None


def test_a_key_that_is_left_out_has_its_default(connection: Connection) -> None:
    scim.connections.apply(connection, {"redirect_uris": [OKTA], "grants": ["client_credentials"]}, rotate_secret=False)
    assert not OAuthClient.objects.get().allows_authorization_code
    scim.connections.apply(connection, {}, rotate_secret=False)
    client = OAuthClient.objects.get()
    assert (client.redirect_uris, client.allows_authorization_code, client.allows_client_credentials) == (
        "",
        True,
        True,
    )


def test_a_client_is_made_without_the_hash_of_a_password(connection: Connection, settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["core_identity.hashing.BoundedHasher"]
    with ExitStack() as busy:
        for _ in range(AT_ONCE):
            busy.enter_context(SLOTS.one())
        assert scim.connections.apply(connection, {}, rotate_secret=False), (
            "every place of the hasher is taken, and none was needed"
        )
    client = OAuthClient.objects.get(connection=connection)
    assert identify_hasher(client.client_secret).algorithm == "pbkdf2_sha256"
    assert not check_password("", client.client_secret)


def test_rotation_makes_a_new_secret_for_the_same_client(connection: Connection) -> None:
    first = scim.connections.apply(connection, {}, rotate_secret=False)
    client_id = OAuthClient.objects.get().client_id
    second = scim.connections.apply(connection, {}, rotate_secret=True)
    assert second not in (None, first)
    assert OAuthClient.objects.get().client_id == client_id


def test_every_change_leaves_an_event_without_the_secret(connection: Connection) -> None:
    secret = scim.connections.apply(connection, {"redirect_uris": [OKTA]}, rotate_secret=False)
    scim.connections.apply(connection, {"redirect_uris": [OKTA]}, rotate_secret=False)
    rotated = scim.connections.apply(connection, {}, rotate_secret=True)
    events = list(Event.objects.filter(kind__startswith="oauth_client").order_by("id").values_list("kind", "changes"))
    assert events == [
        (
            "oauth_client.created",
            {
                "redirect_uris": [None, OKTA],
                "allows_authorization_code": [None, True],
                "allows_client_credentials": [None, True],
                "client_secret": ["", "created"],
            },
        ),
        ("oauth_client.changed", {"redirect_uris": [OKTA, ""], "client_secret": ["", "rotated"]}),
    ]
    assert str(secret) not in str(events)
    assert str(rotated) not in str(events)


@pytest.mark.parametrize(
    ("section", "faults"),
    [
        ([], [("scim", "wrong_type")]),
        ({"colour": 1, "grant": []}, [("scim.colour", "unknown_key"), ("scim.grant", "unknown_key")]),
        ({"redirect_uris": "x", "grants": [5]}, [("scim.redirect_uris", "wrong_type"), ("scim.grants", "wrong_type")]),
        ({"grants": ["password", "client_credentials"]}, [("scim.grants[0]", "not_a_choice")]),
        ({"grants": []}, [("scim.grants", "required")]),
        (
            {
                "redirect_uris": [
                    OKTA,
                    "http://evil.test/",
                    "https://a.test/ x",
                    "https://*.okta.com/",
                    "https://user@a.test/",
                    "https://a.test/#x",
                    "javascript:alert(1)",
                    "//a.test/",
                    "https://[::1",
                    "https://a.test:99999/",
                    "http://127.0.0.1.evil.test/",
                ]
            },
            [(f"scim.redirect_uris[{index}]", "not_a_redirect_uri") for index in range(1, 11)],
        ),
    ],
)
def test_all_faults_are_reported_at_once_and_nothing_is_applied(
    connection: Connection, section: Any, faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(SettingsErrors) as raised:
        scim.connections.apply(connection, section, rotate_secret=False)
    assert [(one.path, one.code) for one in raised.value.faults] == faults
    assert not OAuthClient.objects.exists()


@pytest.mark.parametrize(
    "uri", ["http://localhost:9000/callback", "http://127.0.0.1/callback", "http://[::1]:1/callback"]
)
def test_http_on_loopback_is_for_a_service_on_loopback(
    connection: Connection, settings: LazySettings, uri: str
) -> None:
    scim.connections.apply(connection, {"redirect_uris": [uri]}, rotate_secret=False)
    settings.PUBLIC_URL_IS_LOOPBACK = False
    with pytest.raises(SettingsErrors):
        scim.connections.apply(connection, {"redirect_uris": [uri]}, rotate_secret=False)

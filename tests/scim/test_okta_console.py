"""From an address of Okta's console to redirect URIs: exact, and with a hint if somebody copied another address (R14)."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

import scim.connections
from core_identity.errors import InvalidValue
from core_identity.models import Connection, Event
from core_identity.services.users import create_user
from scim.models import OAuthClient
from scim.okta_console import redirect_uris
from tests.admin.conftest import browser_of, staff
from tests.support.cast import COMMAND

CONSOLE = "https://acme-admin.okta.com/admin/app/acme_core_1/instance/0oa1AbC/"


def uris(*clouds: str, app: str = "acme_core_1") -> tuple[str, ...]:
    return tuple(f"https://system-admin.{cloud}/admin/app/cpc/{app}/oauth/callback" for cloud in clouds)


ALL = uris("okta.com", "okta-emea.com", "oktapreview.com")


@pytest.mark.parametrize(
    ("address", "expected_uris"),
    [
        (CONSOLE, ALL),
        (CONSOLE[:-1], ALL),
        (f"  <{CONSOLE}#tab-general> ", ALL),
        (f"{CONSOLE}provisioning?fromHome=true#x", ALL),
        (CONSOLE.replace("acme-admin", "ACME-Admin"), ALL),
        (CONSOLE.replace("okta.com", "oktapreview.com"), uris("oktapreview.com", "okta.com", "okta-emea.com")),
        (CONSOLE.replace("okta.com", "okta-emea.com"), uris("okta-emea.com", "okta.com", "oktapreview.com")),
        (CONSOLE.replace("acme_core_1", "Dev-1_x"), uris("okta.com", "okta-emea.com", "oktapreview.com", app="Dev-1_x")),
    ],
)  # fmt: skip
def test_the_redirect_uris_follow_from_the_address(address: str, expected_uris: tuple[str, ...]) -> None:
    assert redirect_uris(address) == expected_uris


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("", "Copy the whole address"),
        ("acme-admin.okta.com/admin/app/a/instance/0oa1", "Copy the whole address"),
        (CONSOLE.replace("https", "http"), "Copy the whole address"),
        ("https://[::1", "not an address"),
        ("https://acme-admin.okta.com:99999/admin/app/a/instance/0oa1", "not an address"),
        (CONSOLE.replace("okta.com", "okta.com.evil.test"), "not an address of Okta"),
        (CONSOLE.replace("acme-admin.okta.com", "evilokta.com"), "not an address of Okta"),
        (CONSOLE.replace("acme-admin", "user@acme-admin"), "not an address of Okta"),
        (CONSOLE.replace("acme-admin.", ""), "not an address of Okta"),
        ("https://acme-admin.okta.com/admin/apps/active", "No app is open"),
        ("https://acme.okta.com/home/acme_core_1/0oa1/aln1", "No app is open"),
        (CONSOLE.replace("acme_core_1", "../../x"), "No app is open"),
        (CONSOLE.replace("acme_core_1", "a%2Fb"), "No app is open"),
        (CONSOLE.replace("acme_core_1", "x" * 101), "No app is open"),
    ],
)
def test_another_address_is_refused_with_what_to_copy_instead(address: str, advice: str) -> None:
    with pytest.raises(InvalidValue, match=advice) as refused:
        redirect_uris(address)
    assert refused.value.field == "console_url"


def run(*words: str) -> Any:
    out = io.StringIO()
    call_command("connection", "redirect-uris", *words, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_a_command_adds_them_once_and_keeps_the_others(connection: Connection) -> None:
    scim.connections.apply(connection, {"redirect_uris": [ALL[0], "https://other.test/x"]}, rotate_secret=False)
    words = ("acme", "--console-url", CONSOLE)
    assert run(*words, "--dry-run") == {"connection": "acme", "redirect_uris": [*ALL], "added": [*ALL[1:]]}
    assert run(*words)["added"] == [*ALL[1:]]
    assert run(*words)["added"] == []
    assert OAuthClient.objects.get().redirect_uris.split() == [ALL[0], "https://other.test/x", *ALL[1:]]
    assert Event.objects.filter(kind="oauth_client.changed").count() == 1
    for wrong, code in ((("acme", "--console-url", "x"), 1), (("nowhere", "--console-url", CONSOLE), 3)):
        with pytest.raises(SystemExit) as end:
            run(*wrong)
        assert end.value.code == code


@pytest.mark.django_db
def test_a_superuser_sees_them_first_and_then_adds_them(connection: Connection) -> None:
    scim.connections.apply(connection, {}, rotate_secret=False)
    root = browser_of(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))
    page = f"/admin/core_identity/connection/{connection.pk}/redirects/"
    assert 'name="add"' not in root.get(page).content.decode()
    shown = root.post(page, {"console_url": CONSOLE}).content.decode()
    assert all(uri in shown for uri in ALL)
    assert 'name="add"' in shown
    assert OAuthClient.objects.get().redirect_uris == ""
    assert "No app is open" in root.post(page, {"console_url": "https://acme.okta.com/", "add": "1"}).content.decode()
    assert root.post(page, {"console_url": CONSOLE, "add": "1"}).status_code == 302
    assert tuple(OAuthClient.objects.get().redirect_uris.split()) == ALL
    assert Event.objects.get(kind="oauth_client.changed").actor == "root"
    desk = browser_of(staff("desk", "change_connection"))
    assert desk.post(page, {"console_url": CONSOLE, "add": "1"}).status_code == 403

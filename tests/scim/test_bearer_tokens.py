"""Long-lived tokens and two live secrets: what they open, what they do not, and how they end (R14)."""

import io
import json
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from core_identity.errors import InvalidValue, NameTaken, NotFound
from core_identity.models import Connection, Event
from core_identity.services.connections import switch_off
from core_identity.services.users import create_user
from scim.models import BearerToken, ClientSecret, OAuthClient
from scim.oauth.bearer_tokens import make_token, revoke_token
from scim.oauth.client_secrets import former_secret, rotate_secret
from tests.admin.conftest import browser_of, staff
from tests.scim.conftest import FORM, HOST, Scim, Secrets, error, secrets_of
from tests.support.cast import ADMIN, COMMAND, make_connection
from tests.support.clock import travel

DAY = timedelta(days=1)


@pytest.fixture
def entra(connection: Connection) -> Scim:
    return Scim(connection, make_token(actor=ADMIN, connection=connection, name="Entra")[1])


def test_a_token_opens_scim_of_its_connection_and_nothing_else_R14(entra: Scim, other: Scim) -> None:
    resource = entra.make()
    assert [one["id"] for one in entra.get("/Users").json()["Resources"]] == [resource["id"]]
    assert Event.objects.filter(kind="user.created").get().actor == "token Entra of acme"
    error(entra.send("GET", f"/scim/{other.connection.slug}/v2/Users"), 401)
    bearer = {"Authorization": f"Bearer {entra.token}", "host": HOST}
    assert Client(headers=bearer).get("/me").status_code == 401
    assert Client(headers=bearer).get("/admin/").status_code == 302
    assert Client(headers=bearer).get("/oauth/authorize/").status_code == 302
    token = Client(headers=bearer).post("/oauth/token/", "grant_type=client_credentials", content_type=FORM)
    assert token.json()["error"] == "invalid_client"


def test_a_token_ends_when_it_is_revoked_expires_or_its_connection_is_switched_off(connection: Connection) -> None:
    token, text = make_token(actor=ADMIN, connection=connection, name="one", lasts=DAY)
    scim = Scim(connection, text)
    assert scim.get("/Users").status_code == 200
    with travel(timezone.now() + DAY, tick=False):
        error(scim.get("/Users"), 401)
    for wrong_text in (text[:-1], text + "x", text.upper(), "scim_", "scim_\0"):
        error(Scim(connection, wrong_text).get("/Users"), 401)
    lasting = Scim(connection, make_token(actor=ADMIN, connection=connection, name="two")[1])
    with travel(timezone.now() + 3000 * DAY, tick=False):
        assert lasting.get("/Users").status_code == 200
    for _ in range(2):
        revoke_token(actor=ADMIN, connection=connection, token_id=token.pk)
    error(scim.get("/Users"), 401)
    assert list(Event.objects.filter(kind__startswith="bearer_token").values_list("kind", "changes__name")) == [
        ("bearer_token.revoked", ["one", None]),
        ("bearer_token.created", [None, "two"]),
        ("bearer_token.created", [None, "one"]),
    ]
    switch_off(actor=ADMIN, connection_id=connection.pk, reason="test")
    error(lasting.get("/Users"), 401)


def test_only_its_hash_is_stored_and_its_use_is_noted_once_a_minute(entra: Scim) -> None:
    entra.get("/Users")
    (row,) = BearerToken.objects.values()
    noted = row["last_used_at"]
    assert noted is not None
    assert entra.token not in str(row) + str(list(Event.objects.values()))
    with travel(noted + timedelta(seconds=59), tick=False):
        entra.get("/Users")
    assert BearerToken.objects.get().last_used_at == noted
    with travel(noted + timedelta(seconds=61), tick=False):
        entra.get("/Users")
    assert BearerToken.objects.get().last_used_at == noted + timedelta(seconds=61)


def test_a_token_of_another_connection_cannot_be_revoked_and_a_name_is_taken_once(
    connection: Connection, other: Scim
) -> None:
    theirs, _ = make_token(actor=ADMIN, connection=other.connection, name="Entra")
    with pytest.raises(NotFound):
        revoke_token(actor=ADMIN, connection=connection, token_id=theirs.pk)
    mine, _ = make_token(actor=ADMIN, connection=connection, name=" Entra ")
    with pytest.raises(NameTaken):
        make_token(actor=ADMIN, connection=connection, name="Entra")
    revoke_token(actor=ADMIN, connection=connection, token_id=mine.pk)
    make_token(actor=ADMIN, connection=connection, name="Entra")
    wrongs: list[Any] = [{"name": ""}, {"name": "x" * 101}, {"name": "a\0b"}, {"name": "a", "lasts": -DAY}]
    for wrong in wrongs:
        with pytest.raises(InvalidValue):
            make_token(actor=ADMIN, connection=connection, **wrong)


def run(*words: str) -> Any:
    out = io.StringIO()
    call_command("connection", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_commands_make_list_and_revoke_tokens(connection: Connection) -> None:
    output = run("token", "create", "acme", "--name", "Entra", "--days", "30")
    assert Scim(connection, output["token"]).get("/Users").status_code == 200
    (listed,) = run("token", "list", "acme")["tokens"]
    assert (listed["name"], listed["state"], "token" in listed) == ("Entra", "live", False)
    assert run("token", "revoke", "acme", "--name", "Entra")["state"] == "revoked"
    error(Scim(connection, output["token"]).get("/Users"), 401)


def test_commands_rotate_a_secret_and_end_the_former_one(connection: Connection) -> None:
    first = secrets_of(connection)
    second = Secrets(first.client_id, run("secret", "rotate", "acme", "--keep")["client_secret"])
    assert [token_status(one) for one in (first, second)] == [200, 200]
    run("secret", "revoke", "acme")
    assert [token_status(one) for one in (first, second)] == [401, 200]
    with pytest.raises(SystemExit) as end:
        run("secret", "revoke", "acme")
    assert end.value.code == 3


# Two live secrets


def token_status(secrets: Secrets, *, by_body: bool = False) -> int:
    form, headers = "grant_type=client_credentials", {"host": HOST}
    if by_body:
        form += f"&client_id={secrets.client_id}&client_secret={secrets.client_secret}"
    else:
        headers["Authorization"] = secrets.basic
    return Client(headers=headers).post("/oauth/token/", form, content_type=FORM).status_code


def test_a_former_secret_stays_valid_until_its_end_by_basic_and_body(connection: Connection) -> None:
    first = secrets_of(connection)
    text = rotate_secret(actor=ADMIN, connection=connection, former_lasts=DAY)
    second = Secrets(first.client_id, text)
    for by_body in (False, True):
        assert [token_status(one, by_body=by_body) for one in (first, second)] == [200, 200]
    assert ClientSecret.objects.filter(last_used_at=None).count() == 0
    with travel(timezone.now() + DAY, tick=False):
        assert [token_status(one) for one in (first, second)] == [401, 200]


def test_at_most_two_secrets_are_valid_and_a_rotation_lengthens_neither(connection: Connection) -> None:
    first = secrets_of(connection)
    second = Secrets(first.client_id, rotate_secret(actor=ADMIN, connection=connection, former_lasts=None))
    third = Secrets(first.client_id, rotate_secret(actor=ADMIN, connection=connection, former_lasts=DAY))
    assert [token_status(one) for one in (first, second, third)] == [401, 200, 200]
    assert former_secret(connection).ends_at is not None
    assert len({row.secret_hash for row in ClientSecret.objects.all()}) == 3
    last = secrets_of(connection)  # `connection apply --rotate-secret`: for a secret that leaked
    assert [token_status(one) for one in (second, third, last)] == [401, 401, 200]
    stored = str([*ClientSecret.objects.values(), *OAuthClient.objects.values(), *Event.objects.values()])
    assert not [one for one in (first, second, third, last) if one.client_secret in stored]


def test_the_secret_of_one_client_is_refused_for_another(connection: Connection) -> None:
    mine, theirs = secrets_of(connection), secrets_of(make_connection("globex", customer="Globex"))
    assert token_status(Secrets(mine.client_id, theirs.client_secret)) == 401
    assert token_status(Secrets(mine.client_id, OAuthClient.objects.get(client_id=mine.client_id).client_secret)) == 401


def test_a_secret_that_the_toolkit_hashed_still_opens_and_becomes_one_of_ours(connection: Connection) -> None:
    from django.contrib.auth.hashers import make_password

    secrets = secrets_of(connection)
    ClientSecret.objects.update(secret_hash=make_password(secrets.client_secret))
    assert token_status(Secrets(secrets.client_id, "wrong")) == 401
    assert token_status(secrets) == 200
    assert "$" not in ClientSecret.objects.get().secret_hash
    assert token_status(secrets) == 200


# The page


def test_an_administrator_makes_and_revokes_on_the_page_and_sees_each_once(connection: Connection) -> None:
    as_root = browser_of(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))
    page = f"/admin/core_identity/connection/{connection.pk}"
    first = secrets_of(connection)
    shown = as_root.post(f"{page}/token/", {"name": "Entra", "days": ""})
    assert "no-store" in shown["Cache-Control"]
    (text,) = re.findall(r"scim_[\w-]{43}", shown.content.decode())
    assert Scim(connection, text).get("/Users").status_code == 200
    page_text = as_root.post(f"{page}/token/", {"name": "Entra"}).content.decode()
    assert "already" in page_text
    as_root.post(f"{page}/secret/", {"keep_days": "7"})
    assert token_status(first) == 200
    listed = as_root.get(f"{page}/credentials/").content.decode()
    assert text not in listed
    assert listed.count(">Revoke</a>") == 3
    former = former_secret(connection)
    ways = [f"{page}/revoke/?secret={former.pk}", f"{page}/revoke/?token={BearerToken.objects.get().pk}"]
    for way in ways:
        assert "It was last used" in as_root.get(way).content.decode()
    assert token_status(first) == 200, "looking at the question revokes nothing"
    for way in ways:
        assert as_root.post(way)["Location"] == f"{page}/credentials/"
    for wrong in ("?token=99999999", "?secret=" + "9" * 30, "?token=x", ""):
        assert as_root.post(f"{page}/revoke/{wrong}")["Location"] == "/admin/"
    assert token_status(first) == 401
    error(Scim(connection, text).get("/Users"), 401)
    assert as_root.get(f"{page}/credentials/").content.decode().count(">Revoke</a>") == 1
    assert f"{page}/credentials/" in as_root.get(f"{page}/change/").content.decode()


def test_a_user_who_may_not_change_the_connection_makes_and_revokes_nothing(entra: Scim) -> None:
    as_desk = browser_of(staff("desk", "view_user", "view_connection"))
    page = f"/admin/core_identity/connection/{entra.connection.pk}"
    for name in ("credentials", "token", "secret", f"revoke/?token={BearerToken.objects.get().pk}&x="):
        assert as_desk.get(f"{page}/{name}/").status_code == 403
        assert as_desk.post(f"{page}/{name}/", {"name": "x"}).status_code == 403
    assert entra.get("/Users").status_code == 200


# Two administrators at once


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Do all of it in threads that begin together; return what each gave or raised."""
    gave: list[object] = []
    begin = threading.Barrier(len(deeds))

    def work(deed: Callable[[], object]) -> None:
        try:
            begin.wait(timeout=10)
            gave.append(deed())
        except (NameTaken, InvalidValue) as refused:
            gave.append(type(refused))
        finally:
            database.close()

    threads = [threading.Thread(target=work, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return gave


@pytest.mark.django_db(transaction=True)
def test_one_of_two_tokens_of_one_name_at_once_is_made(connection: Connection) -> None:
    gave = at_once(*[partial(make_token, actor=ADMIN, connection=connection, name="Entra")] * 3)
    assert [one for one in gave if isinstance(one, type)] == [NameTaken] * 2
    assert BearerToken.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_leave_two_secrets_that_open(connection: Connection) -> None:
    first = secrets_of(connection)
    new_secrets = at_once(*[partial(rotate_secret, actor=ADMIN, connection=connection, former_lasts=None)] * 3)
    texts = [first.client_secret, *map(str, new_secrets)]
    assert sorted(token_status(Secrets(first.client_id, text)) for text in texts) == [200, 200, 401, 401]

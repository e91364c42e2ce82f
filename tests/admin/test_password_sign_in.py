"""Passwords of local administrators: guesses are slowed down and recorded, and no stranger can lock an administrator out (R34, R39)."""

import logging
import threading
from datetime import datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth import hashers
from django.contrib.auth.hashers import check_password, make_password
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.crypto import pbkdf2

from core_identity import hashing
from core_identity.models import Budget, Event, User
from core_identity.services.users import create_user
from tests.admin.conftest import browser_of
from tests.support.cast import COMMAND
from tests.support.clock import travel
from tests.support.relay_states import HOSTILE

PASSWORD = "correct horse battery staple"
TYPED_BY_MISTAKE = "my-real-Passw0rd"
LOGIN = "/admin/login/"


@pytest.fixture
def boss(db: None) -> User:
    return create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True, password=PASSWORD)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer rounds of the same algorithm: these tests guess often."""
    monkeypatch.setattr(hashing.BoundedHasher, "iterations", 10)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows with each hash."""
    salts: list[str] = []
    encode = hashing.BoundedHasher.encode

    def spy(self: hashing.BoundedHasher, password: str, salt: str, iterations: int | None = None) -> str:
        salts.append(salt)
        return encode(self, password, salt, iterations)

    monkeypatch.setattr(hashing.BoundedHasher, "encode", spy)
    return salts


def attempt(
    name: str, password: str = "wrong", *, address: str = "192.0.2.1", place: str = LOGIN, **headers: str
) -> Any:
    http = Client(headers={"host": "localhost", **headers}, REMOTE_ADDR=address)
    return http.post(place, {"username": name, "password": password})


def test_guesses_are_limited_by_address_and_name_before_a_hash_and_never_lock_the_name(
    boss: User, settings: LazySettings, hashed: list[str]
) -> None:
    settings.PASSWORDS_PER_MINUTE, settings.PASSWORDS_OF_A_NAME_PER_MINUTE = 5, 3
    with travel(datetime.fromisoformat("2031-05-01T12:00:20Z"), tick=False):
        assert [attempt("boss").status_code for _ in range(3)] == [200, 200, 200]
        hashed.clear()
        refused = attempt("BOSS ", PASSWORD)
        assert (refused.status_code, refused["Retry-After"], refused["Cache-Control"]) == (429, "40", "no-store")
        page = refused.content.decode()
        assert "Too many passwords" in page
        assert 'class="core-brand"' in page, "in the dress of the administration"
        assert refused["X-Request-Id"] in page
        assert not hashed
        assert attempt("somebody").status_code == 200, "the budget of the name is not that of the address"
        assert attempt("another").status_code == 429, "five of the address are spent"
        assert attempt("boss", PASSWORD, address="192.0.2.2").status_code == 302
        assert not any("boss" in one.key or "192.0.2" in one.key for one in Budget.objects.all())
    with travel(datetime.fromisoformat("2031-05-01T12:01:00Z"), tick=False):
        assert attempt("boss", PASSWORD).status_code == 302


def test_sign_ins_and_refusals_are_events_without_a_password_or_a_typed_name(
    boss: User, caplog: pytest.LogCaptureFixture
) -> None:
    attempt("boss", PASSWORD)
    attempt("boss", "wrong-password-9")
    attempt(TYPED_BY_MISTAKE, "wrong-password-9")
    attempt("", "x")
    events = list(
        Event.objects.filter(kind__startswith="password.").order_by("id").values_list("kind", "user_id", "actor")
    )
    assert events == [
        ("password.signed_in", boss.pk, "boss"),
        ("password.refused", boss.pk, "sign-in with a password"),
        ("password.refused", None, "sign-in with a password"),
    ]
    assert all(
        event.request_id and event.channel == "admin" for event in Event.objects.filter(kind__startswith="password")
    )
    everything = str(list(Event.objects.values())) + str(list(Budget.objects.values())) + caplog.text
    everything += str([vars(record) for record in caplog.records if record.name.startswith("core_identity")])
    assert TYPED_BY_MISTAKE.lower() not in everything.lower()
    assert "wrong-password-9" not in everything


def test_known_and_unknown_names_cost_the_same_statements_and_hashes(boss: User, hashed: list[str]) -> None:
    create_user(actor=COMMAND, username="no-password", is_staff=True)
    costs = {}
    for number, name in enumerate(("boss", "nobody", "no-password", "nobody-2")):
        hashed.clear()
        with CaptureQueriesContext(connection) as statements:
            assert attempt(name, address=f"192.0.2.{number}").status_code == 200
        costs[name] = (len(hashed), len(statements))
    assert costs == dict.fromkeys(costs, (1, costs["boss"][1]))


def test_strangers_cannot_fill_the_events(boss: User) -> None:
    with travel(datetime.fromisoformat("2031-05-01T12:00:20Z"), tick=False):
        for number in range(25):
            assert attempt(f"name {number}", address=f"192.0.2.{number}").status_code == 200
        assert Event.objects.filter(kind="password.refused").count() == 20
    with travel(datetime.fromisoformat("2031-05-01T12:01:20Z"), tick=False):
        attempt("name")
        assert Event.objects.filter(kind="password.refused").count() == 21


def test_one_name_from_many_networks_raises_one_alarm_and_no_lock(boss: User, caplog: pytest.LogCaptureFixture) -> None:
    with travel(datetime.fromisoformat("2031-05-01T12:00:20Z"), tick=False):
        for number in (1, 1, 1, 2, 3, 4):
            attempt("boss", address=f"192.0.2.{number}")
            attempt("nobody", address=f"192.0.2.{number}")
        assert not Event.objects.filter(kind="password.alarm").exists()
    with travel(datetime.fromisoformat("2031-05-01T12:50:00Z"), tick=False):
        for number in (5, 6, 7, 8):
            attempt("boss", address=f"192.0.2.{number}")
            attempt("nobody", address=f"192.0.2.{number}")
        (event,) = Event.objects.filter(kind="password.alarm")
        assert (event.user_id, event.changes) == (boss.pk, {"networks": [None, 5]})
        assert [record.levelno for record in caplog.records if "many networks" in record.message] == [
            logging.ERROR,
            logging.WARNING,
        ], "a name that nobody has is no error"
        signed_in = Client(headers={"host": "localhost"}, REMOTE_ADDR="192.0.2.1")
        assert signed_in.post(LOGIN, {"username": "boss", "password": PASSWORD}).status_code == 302
        assert "Passwords for boss were refused" in signed_in.get("/admin/").content.decode()
    with travel(datetime.fromisoformat("2031-05-02T13:00:00Z"), tick=False):
        assert "Passwords for boss were refused" not in browser_of(boss).get("/admin/").content.decode()


def test_two_hashes_at_once_and_few_that_wait(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait for a hash serve nobody else, so there are two at most."""
    monkeypatch.setattr(hashing, "PATIENCE", 0.05)
    going_on, hashing_now = threading.Event(), threading.Semaphore(0)

    def slow(*args: Any, **more: Any) -> Any:
        hashing_now.release()
        assert going_on.wait(20)
        return pbkdf2(*args, **more)

    monkeypatch.setattr(hashers, "pbkdf2", slow)
    hashes: list[str] = []
    threads = [threading.Thread(target=lambda: hashes.append(make_password("x"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert all(hashing_now.acquire(timeout=20) for _ in threads)
        signed_in = browser_of(boss)
        own = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
        new = {"username": "second", "password": PASSWORD}
        for answer in (
            attempt("boss", PASSWORD),
            signed_in.post("/admin/password_change/", own),
            signed_in.post("/admin/core_identity/user/add/", new),
        ):
            assert (answer.status_code, answer["Retry-After"]) == (503, "2")
            assert answer["X-Request-Id"] in answer.content.decode()
        assert not User.objects.filter(username="second").exists()
        monkeypatch.setattr(hashing, "PATIENCE", 20)
        waiting = [threading.Thread(target=lambda: hashes.append(make_password("x"))) for _ in range(2)]
        threads += waiting
        for thread in waiting:
            thread.start()
        while not hashing.SLOTS.full:
            going_on.wait(0.001)
        assert attempt("boss", PASSWORD).status_code == 503, "at once: two wait already"
    finally:
        going_on.set()
        for thread in threads:
            thread.join()
    assert [check_password("x", one) for one in hashes] == [True] * 4
    assert attempt("boss", PASSWORD).status_code == 302


def test_own_and_others_passwords_are_guarded_too(boss: User, settings: LazySettings) -> None:
    settings.PASSWORDS_OF_A_NAME_PER_MINUTE = 2
    second = create_user(actor=COMMAND, username="second", is_staff=True)
    places = {
        "/admin/password_change/": {"old_password": "wrong", "new_password1": "x" * 20, "new_password2": "x" * 20},
        f"/admin/core_identity/user/{second.pk}/password/": {"password": PASSWORD, "again": PASSWORD},
        "/admin/core_identity/user/add/": {"username": "third", "password": PASSWORD},
    }
    with travel(datetime.fromisoformat("2031-05-01T12:00:20Z"), tick=False):
        for place, fields in places.items():
            Budget.objects.all().delete()
            signed_in = browser_of(boss)
            answers = [signed_in.post(place, fields).status_code for _ in range(3)]
            assert answers[2] == 429, (place, answers)
    assert Event.objects.filter(kind="password.refused", user_id=boss.pk, actor="boss").count() == 2


def test_changepassword_of_the_command_line_leaves_an_event(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *_args, **_more: "another horse battery staple")
    call_command("changepassword", "BOSS")
    boss.refresh_from_db()
    assert boss.check_password("another horse battery staple")
    assert Event.objects.get(kind="user.password_set").actor == "command line"


def test_the_administrations_sign_in_leads_only_to_paths_of_ours_and_to_no_other_sign_in(boss: User) -> None:
    for path in ("/oauth/authorize/?client_id=x&redirect_uri=https%3A%2F%2Facme.test", "/admin/core_identity/user/"):
        signed_in = Client(headers={"host": "localhost"})
        fields = {"username": "boss", "password": PASSWORD, "next": path}
        assert signed_in.post(LOGIN, fields)["Location"] == path
    signed_in = Client(headers={"host": "localhost"})
    assert signed_in.post(LOGIN, {"username": "boss", "password": PASSWORD})["Location"] == "/admin/"
    for number, path in enumerate(HOSTILE):
        stranger = Client(headers={"host": "localhost"}, REMOTE_ADDR=f"198.51.100.{number}")
        shown = stranger.get(LOGIN, {"next": path})
        assert shown.context["next"] in ("/me", ""), path
        if number % 10 == 0:
            fields = {"username": "boss", "password": PASSWORD, "next": path}
            assert stranger.post(LOGIN, fields)["Location"] in ("/me", "/admin/"), path


def test_after_signing_out_the_page_shows_nothing_of_the_administration(boss: User) -> None:
    page = browser_of(boss).post("/admin/logout/").content.decode()
    assert "You are signed out" in page
    assert 'id="core-nav"' not in page
    assert "boss" not in page

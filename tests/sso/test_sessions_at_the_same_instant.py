"""A session that one worker begins while another ends all sessions of its user, or the user's access (R21)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.signals import user_logged_in
from django.test import Client

from core_identity.backends import begin_session
from core_identity.models import Identity, Session, User
from core_identity.selectors.sessions import sessions_of
from core_identity.services.expiry import expire, unexpire
from core_identity.services.sessions import end_sessions
from core_identity.services.users import create_user
from sso.sign_in import views
from sso.sign_in.log import record
from tests.sso.conftest import Browser
from tests.support.cast import COMMAND, JANE, by_sso
from tests.support.moments import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery staple"
JANE_BY_SSO = by_sso(JANE)


@pytest.fixture
def boss(db: None) -> User:
    return create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True, password=PASSWORD)


def ended(user_id: Any) -> Callable[[], object]:
    return partial(end_sessions, actor=COMMAND, user_id=user_id, reason="a stolen laptop")


def expired_and_unexpired(user_id: Any) -> Callable[[], object]:
    def act() -> None:
        expire(actor=COMMAND, user_id=user_id, reason="left")
        unexpire(actor=COMMAND, user_id=user_id, reason="by mistake")

    return act


ENDS = pytest.mark.parametrize("end_of", [ended, expired_and_unexpired])


@contextmanager
def once_judged(act: Callable[[], object]) -> Iterator[None]:
    """Let another worker do ``act`` after a password was found right, and before the row of the session is written."""

    def other_worker(**_: Any) -> None:
        elsewhere(act)

    user_logged_in.connect(other_worker)
    try:
        yield
    finally:
        user_logged_in.disconnect(other_worker)


def by_password() -> Client:
    http = Client(headers={"host": "localhost:8000"})
    assert http.post("/admin/login/", {"username": "boss", "password": PASSWORD}).status_code == 302
    return http


def is_in(http: Client) -> bool:
    return http.get("/me", headers={"accept": "application/json"}).status_code == 200


@ENDS
def test_a_session_by_password_that_is_written_just_after_the_end_of_all_sessions_has_ended_R21(
    boss: User, end_of: Callable[[Any], Callable[[], object]]
) -> None:
    with once_judged(end_of(boss.pk)):
        http = by_password()
    assert Session.objects.filter(user_id=boss.pk).exists(), "its row is there"
    assert sessions_of(User.objects.get(pk=boss.pk)) == []
    assert not is_in(http)
    assert is_in(by_password()), "the next sign-in is in"


def test_a_session_by_password_that_changes_its_key_just_after_the_end_of_all_sessions_has_ended_R21(
    boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    http, change = by_password(), "core_identity.admin.own_password.set_password"

    def set_and_end(**values: Any) -> None:
        from core_identity.services.users import set_password

        set_password(**values)
        elsewhere(ended(boss.pk))

    monkeypatch.setattr(change, set_and_end)
    new = "another horse battery staple"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert http.post("/admin/password_change/", form).status_code == 302
    assert not is_in(http)


@pytest.mark.parametrize("by", ["password", "sso"])
def test_a_session_of_before_an_expiry_does_not_come_back_with_the_user_R21(
    by: str, boss: User, browser: Browser
) -> None:
    if by == "password":
        http, user_id = by_password(), boss.pk
    else:
        browser.sign_in(JANE_BY_SSO)
        http, user_id = browser.http, Identity.objects.get().user_id
    assert is_in(http)
    expired_and_unexpired(user_id)()
    assert sessions_of(User.objects.get(pk=user_id)) == []
    assert not is_in(http)


def came_back(browser: Browser) -> str:
    """Bring a message up to the last step, and return the address of that step."""
    place = urlsplit(browser.come_back(JANE_BY_SSO)["Location"])
    return f"{place.path}?{place.query}"


@ENDS
def test_a_session_by_sso_that_is_written_just_after_the_end_of_all_sessions_has_ended_R21(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, end_of: Callable[[Any], Callable[[], object]]
) -> None:
    last_step = came_back(browser)
    user_id = Identity.objects.get().user_id

    def begin_later(*args: Any, **values: Any) -> None:
        elsewhere(end_of(user_id))
        begin_session(*args, **values)

    monkeypatch.setattr(views, "begin_session", begin_later)
    browser.http.get(last_step)
    assert Session.objects.filter(user_id=user_id).exists()
    assert sessions_of(User.objects.get(pk=user_id)) == []
    assert not is_in(browser.http)


@ENDS
def test_a_sign_in_that_is_stored_just_after_the_end_of_all_sessions_does_not_come_in_R21(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, end_of: Callable[[Any], Callable[[], object]]
) -> None:
    def record_later(*args: Any, **values: Any) -> None:
        record(*args, **values)
        elsewhere(end_of(Identity.objects.get().user_id))

    monkeypatch.setattr(views, "record", record_later)
    browser.http.get(came_back(browser))
    assert not is_in(browser.http)
    monkeypatch.undo()
    browser.sign_in(JANE_BY_SSO)
    assert is_in(browser.http), "the next sign-in is in"

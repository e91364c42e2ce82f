"""The sessions of a user: which ones are listed, and that an administrator ends all of them, whatever they came by (R21, R36)."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client

from core_identity.errors import NotAllowed
from core_identity.models import Connection, Event, Identity, Session, User
from core_identity.selectors.sessions import sessions_of
from core_identity.services.expiry import expire
from core_identity.services.sessions import end_sessions
from core_identity.services.users import create_user, set_password
from core_identity.values import Actor, ActorKind, Channel
from sso.models import SsoSession
from tests.sso.conftest import Browser
from tests.sso.logout_messages import JANE_BY_SSO, ZOE_BY_SSO
from tests.support.cast import ADMIN, COMMAND

WORD = "quite a long password"


def user_of(browser: Browser) -> User:
    return User.objects.get(pk=browser.me().json()["id"])


def by_password(user: User) -> Client:
    client = Client(headers={"host": "localhost:8000"})
    assert client.login(username=user.username, password=WORD)
    return client


@pytest.fixture
def boss(db: None) -> User:
    return create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True, password=WORD)


# Who may not


@pytest.mark.parametrize("is_superuser", [False, True])
def test_an_administrator_without_superuser_rights_ends_no_session_of_staff_R11(db: None, is_superuser: bool) -> None:
    user = create_user(actor=COMMAND, username="staff", password=WORD, is_staff=True, is_superuser=is_superuser)
    client = by_password(user)
    desk = Actor(Channel.ADMIN, ActorKind.ADMIN, "desk", id=str(create_user(actor=COMMAND, username="desk").pk))
    with pytest.raises(NotAllowed):
        end_sessions(actor=desk, user_id=user.pk, reason="why not")
    assert client.get("/me").status_code == 200
    assert not Event.objects.filter(kind="user.sessions_ended").exists()


def test_ending_the_sessions_of_one_person_ends_nobody_elses_R1(jane: Browser, boss: User) -> None:
    zoe = Browser(jane.idp)
    zoe.sign_in(ZOE_BY_SSO)
    boss_browser = by_password(boss)
    end_sessions(actor=ADMIN, user_id=user_of(jane).pk, reason="lost her telephone")
    assert jane.me().status_code == 401
    assert zoe.me().status_code == 200
    assert boss_browser.get("/me").status_code == 200
    assert SsoSession.objects.count() == 1


# What ends


def test_every_session_by_sso_ends_at_once_and_she_may_sign_in_again_R21(jane: Browser) -> None:
    user, other = user_of(jane), Browser(jane.idp)
    other.sign_in(JANE_BY_SSO)
    assert end_sessions(actor=ADMIN, user_id=user.pk, reason="lost her telephone") == 2
    assert jane.me().status_code == other.me().status_code == 401
    assert not SsoSession.objects.exists()
    assert sessions_of(user) == []
    event = Event.objects.get(kind="user.sessions_ended")
    assert (event.user_id, event.reason, event.changes) == (user.pk, "lost her telephone", {"sessions": [2, 0]})
    jane.sign_in(JANE_BY_SSO)
    assert jane.me().status_code == 200


def test_a_session_by_password_ends_R21(boss: User) -> None:
    client = by_password(boss)
    assert end_sessions(actor=COMMAND, user_id=boss.pk, reason="left the desk unlocked") == 1
    assert client.get("/me").status_code == 401
    assert not Session.objects.filter(user_id=boss.pk).exists()


def test_a_returned_but_unfinished_sign_in_does_not_come_in_afterwards_R21(jane: Browser) -> None:
    other = Browser(jane.idp)
    arrived = other.come_back(JANE_BY_SSO)
    end_sessions(actor=ADMIN, user_id=user_of(jane).pk, reason="lost her telephone")
    other.http.get(urlsplit(arrived["Location"]).path + "?" + urlsplit(arrived["Location"]).query)
    assert other.me().status_code == 401


def test_a_session_whose_row_another_request_writes_again_stays_ended_R21(jane: Browser) -> None:
    row = Session.objects.get()
    end_sessions(actor=ADMIN, user_id=user_of(jane).pk, reason="lost her telephone")
    row.save(force_insert=True)
    assert jane.me().status_code == 401


# What is listed


def test_a_session_is_listed_with_its_connection_its_beginning_and_its_end_R36(jane: Browser, acme: Connection) -> None:
    (session,) = sessions_of(user_of(jane))
    assert (session.connection, session.identity) == (acme, Identity.objects.get())
    assert session.ends_at - session.began_at == pytest.approx(timedelta(hours=12), abs=timedelta(seconds=5))
    assert session.key == jane.http.cookies["session"].value
    assert session.key not in repr(session)


def test_a_session_keeps_its_beginning_when_it_is_written_again_R36(jane: Browser) -> None:
    began = Session.objects.get().began_at
    session = jane.http.session
    session["anything"] = 1
    session.save()
    assert Session.objects.get().began_at == began


def test_a_session_by_password_is_listed_without_a_connection_until_the_password_changes_R36(boss: User) -> None:
    client = by_password(boss)
    (session,) = sessions_of(boss)
    assert (session.connection, session.identity) == (None, None)
    set_password(actor=COMMAND, user_id=boss.pk, password=WORD + "!")
    boss.refresh_from_db()
    assert sessions_of(boss) == []
    assert client.get("/me").status_code == 401


def test_no_session_of_an_expired_or_inactive_person_or_of_a_closed_connection_is_listed_R21(
    jane: Browser, acme: Connection
) -> None:
    user = user_of(jane)
    Identity.objects.filter(user=user).update(session_epoch=7)
    assert sessions_of(user) == []
    Identity.objects.filter(user=user).update(session_epoch=0)
    assert len(sessions_of(user)) == 1
    Connection.objects.filter(pk=acme.pk).update(enabled=False)
    assert sessions_of(user) == []
    Connection.objects.filter(pk=acme.pk).update(enabled=True)
    expire(actor=ADMIN, user_id=user.pk, reason="left")
    assert sessions_of(User.objects.get(pk=user.pk)) == []


def test_the_number_of_queries_does_not_depend_on_the_number_of_sessions(
    jane: Browser, boss: User, django_assert_num_queries: object
) -> None:
    user = user_of(jane)
    for _ in range(3):
        Browser(jane.idp).sign_in(JANE_BY_SSO)
        by_password(boss)
    for one, sessions in ((user, 4), (boss, 3)):
        with django_assert_num_queries(2):  # type: ignore[operator]
            assert len(sessions_of(one)) == sessions

"""The page of a signed-in person: their own sessions and nobody else's, and one button that ends all of them."""

import re
from html import unescape

import pytest
from django.test import Client

import sso.settings.changes
from core_identity.models import Connection, Event, User
from core_identity.services.customers import set_support_contact
from core_identity.services.roles import create_role
from core_identity.write_guard import service_writes
from sso.models import SignInRecord
from tests.sso.conftest import SERVICE, Browser
from tests.support.cast import ADMIN, JANE, ZOE, by_sso, make_connection
from tests.support.saml import TestIdp


@pytest.fixture
def jane(browser: Browser) -> Browser:
    browser.sign_in(by_sso(JANE))
    return browser


def signed_in(idp: TestIdp, *, person: object = JANE, slug: str = "acme") -> Browser:
    another = Browser(idp)
    another.sign_in(by_sso(person), slug=slug)  # type: ignore[arg-type]
    assert another.me().status_code == 200
    return another


def page(browser: Browser) -> str:
    return unescape(browser.http.get("/me", headers={"accept": "text/html"}).content.decode())


def rows_of_sessions(text: str) -> list[str]:
    table = text.split("Where you are signed in")[1].split("</table>")[0]
    return re.findall(r"<tr>.*?</tr>", table.split("<tbody>")[1], re.DOTALL)


# Attacks


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete"])
def test_no_link_signs_anybody_out(jane: Browser, method: str) -> None:
    assert getattr(jane.http, method)("/me/sign-out-everywhere").status_code == 405
    assert jane.me().status_code == 200


def test_a_form_of_another_site_signs_nobody_out(jane: Browser) -> None:
    jane.http.handler.enforce_csrf_checks = True
    for headers in ({}, {"origin": "https://evil.test"}, {"origin": "null"}):
        assert jane.http.post("/me/sign-out-everywhere", headers=headers).status_code == 403
    assert jane.me().status_code == 200


def test_nobody_ends_or_sees_sessions_of_somebody_else(jane: Browser, idp: TestIdp) -> None:
    zoe = signed_in(idp, person=ZOE)
    zoe.http.post("/me/sign-out-everywhere", {"user_id": str(User.objects.get(username="jane.doe@acme.test").pk)})
    assert zoe.me().status_code == 401
    assert jane.me().status_code == 200
    assert len(rows_of_sessions(page(jane))) == 1


def test_the_page_contains_no_key_of_a_session(jane: Browser, idp: TestIdp) -> None:
    other = signed_in(idp)
    text = page(jane)
    for browser in (jane, other):
        key = browser.http.cookies["session"].value
        assert len(key) == 32
        assert key not in text


def test_a_stranger_ends_nothing_and_no_event_is_written(browser: Browser) -> None:
    answer = browser.http.post("/me/sign-out-everywhere")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert not Event.objects.filter(kind="user.sessions_ended").exists()


# What it does


def test_a_person_sees_each_of_their_sessions_and_which_one_is_this(jane: Browser, idp: TestIdp) -> None:
    signed_in(idp)
    rows = rows_of_sessions(page(jane))
    assert len(rows) == 2
    assert [row.count("this browser") for row in rows] == [0, 1], "the newest comes first"
    assert all("Acme" in row and "just now" in row for row in rows)


def test_one_button_ends_all_sessions_of_the_person_at_once(jane: Browser, idp: TestIdp) -> None:
    others = [signed_in(idp) for _ in range(2)]
    answer = jane.http.post("/me/sign-out-everywhere")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "You are signed out in all browsers." in jane.http.get("/").content.decode()
    assert [one.me().status_code for one in (jane, *others)] == [401, 401, 401]
    event = Event.objects.get(kind="user.sessions_ended")
    user = User.objects.get()
    assert (event.actor, event.actor_id, event.actor_kind, event.channel, event.user_id, event.changes) == (
        user.username, str(user.pk), "sign_in", "sso", user.pk, {"sessions": [3, 0]}
    )  # fmt: skip
    row = SignInRecord.objects.get(code="signed_out")
    assert (row.reference, row.user_id, row.reference) == (event.request_id, user.pk, answer["X-Request-Id"])
    jane.sign_in(by_sso(JANE))
    assert jane.me().status_code == 200, "the person may sign in again"


def test_a_sign_in_in_progress_ends_too(jane: Browser, idp: TestIdp) -> None:
    other = Browser(idp)
    answer = other.come_back(by_sso(JANE))
    jane.http.post("/me/sign-out-everywhere")
    other.follow(answer)
    assert other.me().status_code == 401


def test_a_member_of_staff_ends_their_own_sessions_without_a_superuser(jane: Browser, acme: Connection) -> None:
    with service_writes():
        Connection.objects.update(own_idp=True)
        User.objects.update(is_staff=True)
    assert jane.http.post("/me/sign-out-everywhere").status_code == 302
    assert jane.me().status_code == 401


def test_a_session_by_password_is_listed_and_ends_too(db: None) -> None:
    with service_writes():
        boss = User.objects.create_superuser("boss", password="a long password of the boss")
    browsers = [Client(headers={"host": "localhost:8000"}) for _ in range(2)]
    for one in browsers:
        one.force_login(boss)
    text = browsers[0].get("/me").content.decode()
    assert len(rows_of_sessions(text)) == 2
    assert "<dt>Company</dt>" not in text
    browsers[0].post("/me/sign-out-everywhere")
    assert [one.get("/me").status_code for one in browsers] == [401, 401]
    assert Event.objects.get(kind="user.sessions_ended").channel == "admin"


def test_the_page_has_names_and_no_slugs(browser: Browser, acme: Connection, idp: TestIdp) -> None:
    other = make_connection("x7-entra", customer="Acme", roles_from="sso_groups")
    with service_writes():
        Connection.objects.filter(pk=other.pk).update(name="Acme <Entra>")
    sso.settings.changes.apply(other, {"idp_metadata": idp.metadata()}, base_dir=None)
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme, other])
    set_support_contact(actor=ADMIN, customer_id=acme.customer_id, contact={"email": "help@acme.test"})
    browser.sign_in(by_sso(JANE, groups=("Editors",)), slug="x7-entra")
    raw = browser.http.get("/me").content.decode()
    assert "<Entra>" not in raw
    text = unescape(raw)
    assert "group Editors, in your sign-in through Acme <Entra>" in text
    assert "x7-entra" not in text.split("<main ")[1]
    assert "help@acme.test" in text
    assert SERVICE not in text

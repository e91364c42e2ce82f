"""The test sign-in: the whole way, every check, the real service, and no change remains (R37)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.test import Client

import sso.settings.changes
from core_identity.models import Conflict, Connection, Event, Grant, Identity, User
from core_identity.services.connections import change_connection, switch_off
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role, grant_role, revoke_role
from core_identity.services.users import create_user
from core_identity.set_up import Vendor, steps_of
from core_identity.values import Person
from sso.models import SignInRecord, SignInState, UsedAssertion
from tests.admin.conftest import browser_of, staff
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, by_sso, make_connection
from tests.support.saml import TestIdp, request_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

JANE_BY_SSO = by_sso(JANE)
MAY_TEST = ("view_connection", "change_connection", "view_user")


@dataclass
class AdminBrowser(Browser):
    """The browser of an administrator who tests."""

    connection: Connection
    user: User

    def __post_init__(self) -> None:
        self.http = browser_of(self.user)
        self.http.defaults["HTTP_HOST"] = "localhost:8000"
        self.address = f"/admin/core_identity/connection/{self.connection.pk}/test/"

    def leave(self, slug: str = "acme", **query: str) -> str:
        page = self.http.post(self.address)
        assert page.status_code == 200
        return str(request_in(page["Refresh"].partition("url=")[2]).get("ID"))

    def result(self, answer: "Answer") -> str:
        assert answer.status_code == 303, answer.content.decode()
        page = self.http.get(answer["Location"])
        assert page.status_code == 200
        return page.content.decode()

    def try_out(self, person: Person, **changes: Any) -> str:
        return self.result(self.come_back(person, **changes))


@pytest.fixture
def tester(acme: Connection, idp: TestIdp) -> AdminBrowser:
    return AdminBrowser(idp, acme, staff("tess", *MAY_TEST))


def everything() -> dict[str, int]:
    """Return how many rows each table has, but for those that a test sign-in may leave: also the event that it passed."""
    left = {"SignInRecord", "SignInState", "UsedAssertion", "Session", "Budget", "Event"}
    models = [model for model in apps.get_models() if model.__name__ not in left and not model._meta.proxy]
    counts = {model._meta.label: model._default_manager.count() for model in models}
    return {**counts, "events": Event.objects.exclude(kind="connection.test_passed").count()}


@pytest.fixture
def unchanged(tester: AdminBrowser) -> Iterator[None]:
    before, people = everything(), list(User.objects.values().order_by("pk"))
    yield
    assert everything() == before
    assert list(User.objects.values().order_by("pk")) == people


# The result of a test


@pytest.mark.usefixtures("unchanged")
def test_a_stranger_would_become_a_user_and_nobody_is_made(tester: AdminBrowser) -> None:
    page = tester.try_out(JANE_BY_SSO)
    assert "A new user would be created, with the username <strong>jane.doe@acme.test</strong>" in page
    for text in ("A user was created.", "The UID of an identity was set.", "Acme Studios", "jane.doe", "✓"):
        assert text in page
    record = SignInRecord.objects.get()
    assert (record.is_test, record.code, record.user_id, record.identity_id) == (True, "signed_in", None, None)
    assert "Would sign in: a new user" in record.decision
    assert not [value for value in ("Jane", "Acme Studios", "jane.doe") if value in str(SignInRecord.objects.values())]


def test_a_known_person_is_named_with_mark_and_roles_that_would_come_and_go(
    tester: AdminBrowser, acme: Connection
) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    create_role(actor=ADMIN, name="Authors", grantable_by=[acme])
    browser = Browser(tester.idp)
    browser.sign_in(replace(JANE_BY_SSO, groups=("Authors",)))
    user, before = Identity.objects.get().user, everything()
    page = tester.try_out(replace(JANE_BY_SSO, groups=("Editors",), title="Chief"))
    assert f'/user/{user.pk}/change/">jane.doe@acme.test</a>, who already exists' in page
    for text in (
        "mark: NameID",
        "A user got a role from a source.",
        "A user lost a role from a source.",
        "Editors",
        "Authors",
        "title: Editor → Chief",
    ):
        assert text in page
    assert everything() == before
    assert [grant.role.name for grant in Grant.objects.filter(user=user)] == ["Authors"]
    assert Identity.objects.get().title == "Editor"
    assert browser.me().status_code == 200, "sessions that are there go on"


def test_a_sign_in_that_changes_nothing_is_shown_as_such(tester: AdminBrowser) -> None:
    Browser(tester.idp).sign_in(JANE_BY_SSO)
    before = Identity.objects.values().get()
    assert "All other values are correct already" in tester.try_out(JANE_BY_SSO)
    assert Identity.objects.values().get() == before, "not even the time of the last sign-in"


@pytest.mark.usefixtures("unchanged")
def test_all_faults_of_the_app_are_shown(tester: AdminBrowser) -> None:
    page = tester.try_out(JANE_BY_SSO, audience="https://other.test", recipient="https://other.test/acs")
    assert "Would be refused: made for another address." in page
    assert page.count('class="core-failed"') == 2
    record = SignInRecord.objects.get()
    assert (record.is_test, record.code) == (True, "recipient")


def test_a_conflict_is_shown_and_not_opened(tester: AdminBrowser, acme: Connection) -> None:
    create_person(actor=OKTA, connection=acme, person=JANE)
    before = everything()
    page = tester.try_out(by_sso(ZOE, uid=JANE.uid))
    assert "Would be refused: only the UID matches." in page
    assert everything() == before
    assert not Conflict.objects.exists()


def test_an_expired_person_and_a_bad_value_are_shown(tester: AdminBrowser) -> None:
    Browser(tester.idp).sign_in(JANE_BY_SSO)
    expire(actor=ADMIN, user_id=Identity.objects.get().user_id, reason="left")
    assert "Would be refused: may not sign in." in tester.try_out(JANE_BY_SSO)
    claims = tester.claims(JANE_BY_SSO)
    message = tester.idp.response(replace(claims, attributes={**claims.attributes, "UID": ("one", "two")}))
    assert "Would be refused: an attribute has an unusable value." in tester.result(tester.post(message))


def test_a_test_sign_in_works_before_the_connection_opens_and_lets_nobody_in(
    tester: AdminBrowser, acme: Connection
) -> None:
    browser = Browser(tester.idp)
    early = browser.claims(JANE_BY_SSO)
    switch_off(actor=ADMIN, connection_id=acme.pk, reason="not yet")
    before = everything()
    assert "The test still works" in tester.http.get(tester.address).content.decode()
    page = tester.try_out(JANE_BY_SSO)
    assert "A new user would be created" in page
    assert "The test ran as if it were on" in page
    acme.refresh_from_db()
    assert (acme.enabled, everything()) == (False, before)
    request_id = tester.leave()
    for stranger in (browser, tester):  # also in the very browser of the test nothing else comes through
        assert stranger.post(tester.idp.response(early)).status_code in {400, 404}
    assert browser.post("no message").status_code == 404
    assert browser.http.get("/sso/acme/login").status_code == 404
    assert not Identity.objects.exists()
    assert tester.come_back(JANE_BY_SSO, request_id=request_id).status_code == 303


# Nothing for an attacker


def test_a_test_opens_no_session_and_leaves_that_of_the_administrator_alone(tester: AdminBrowser) -> None:
    key = tester.http.session.session_key
    answer = tester.come_back(JANE_BY_SSO)
    assert "session" not in answer.cookies
    ticket = parse_qs(urlsplit(answer["Location"]).query)["ticket"][0]
    other = tester.http.get("/sso/acme/finish", {"ticket": ticket})
    assert other["Location"] == "/me", "signed in as before"
    assert (tester.http.session.session_key, tester.me().json()["username"]) == (key, "tess")
    bare = Client(headers={"host": "localhost:8000"})
    bare.cookies["__Host-sign-in"] = tester.http.cookies["__Host-sign-in"].value
    assert bare.get("/sso/acme/finish", {"ticket": ticket}).status_code == 400
    assert "session" not in bare.cookies


def test_the_database_lets_no_test_open_a_session(tester: AdminBrowser, acme: Connection) -> None:
    tester.leave()
    identity = create_person(actor=OKTA, connection=acme, person=JANE).identity
    with pytest.raises(IntegrityError, match="a_test_opens_no_session"), transaction.atomic():
        SignInState.objects.update(identity=identity)


def test_a_sign_in_cannot_be_made_a_test_nor_a_test_a_sign_in(tester: AdminBrowser) -> None:
    browser = Browser(tester.idp)
    request_id = tester.leave()
    message = tester.idp.response(tester.claims(JANE_BY_SSO, request_id=request_id))
    assert "(other_browser)" in browser.post(message).content.decode()
    normal = browser.leave(test="1", tester=str(tester.user.pk))
    answer = browser.come_back(JANE_BY_SSO, request_id=normal)
    assert answer["Location"].startswith("/sso/acme/finish?ticket=")
    ticket = parse_qs(urlsplit(answer["Location"]).query)["ticket"][0]
    page = tester.http.get(tester.address.replace("/test/", "/tested/"), {"ticket": ticket})
    assert page.status_code == 302, "a ticket of a sign-in shows nothing"


def test_an_assertion_of_a_test_is_used_up(tester: AdminBrowser) -> None:
    message = tester.idp.response(tester.claims(JANE_BY_SSO))
    tester.result(tester.post(message))
    assert UsedAssertion.objects.count() == 1
    for browser in (tester, Browser(tester.idp)):
        again = browser.post(message)
        assert again.status_code == 400
    assert not Identity.objects.exists()


def test_a_forged_message_is_refused_in_a_test_sign_in_too_and_ends_it(tester: AdminBrowser) -> None:
    request_id = tester.leave()
    page = tester.result(tester.post(TestIdp().response(tester.claims(JANE_BY_SSO, request_id=request_id))))
    assert "Would be refused: signed with an unknown certificate." in page
    assert "Values from the identity provider" not in page
    assert "(replay)" in tester.come_back(JANE_BY_SSO, request_id=request_id).content.decode()


def test_starting_takes_a_form_of_ours_and_the_permission(tester: AdminBrowser, acme: Connection) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    strict.force_login(tester.user)
    assert strict.post(tester.address).status_code == 403
    assert tester.http.get(tester.address).status_code == 200
    assert not SignInState.objects.exists(), "a link starts nothing"
    assert Client(headers={"host": "localhost"}).post(tester.address).status_code == 302
    for name, permissions in (
        ("looks", ("view_connection", "view_user")),
        ("blind", ("view_connection", "change_connection")),
        ("nothing", ()),
    ):
        assert browser_of(staff(name, *permissions)).post(tester.address).status_code == 403
    change_connection(actor=COMMAND, connection_id=acme.pk, own_idp=True)
    assert tester.http.post(tester.address).status_code == 403, "our own IdP is a superuser's (R26)"
    assert not SignInState.objects.exists()


def test_nobody_elses_browser_session_or_ticket_shows_it_and_it_is_shown_once(tester: AdminBrowser) -> None:
    answer = tester.come_back(JANE_BY_SSO)
    address = answer["Location"]
    other = AdminBrowser(tester.idp, tester.connection, staff("other", *MAY_TEST))
    root = browser_of(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))
    again = AdminBrowser(tester.idp, tester.connection, tester.user)
    for browser in (other.http, root, again.http):
        browser.cookies["__Host-sign-in"] = tester.http.cookies["__Host-sign-in"].value
        assert browser.get(address).status_code == 302
    assert tester.http.get(f"{address}x").status_code == 302
    assert tester.http.get(urlsplit(address).path).status_code == 302
    assert Client(headers={"host": "localhost"}).get(address)["Location"].startswith("/admin/login/")
    state = SignInState.objects.get()
    ticket = parse_qs(urlsplit(address).query)["ticket"][0]
    assert not [word for word in ("Jane", "jane", ticket) if word in str(SignInState.objects.values().get())]
    assert "Acme Studios" in tester.http.get(address).content.decode()
    assert tester.http.get(address).status_code == 302
    state.refresh_from_db()
    assert state.report == ""


def test_an_administrator_who_lost_the_permission_tests_and_sees_nothing(tester: AdminBrowser) -> None:
    role = Grant.objects.get(user=tester.user).role
    request_id, answer = tester.leave(), tester.come_back(JANE_BY_SSO)
    revoke_role(actor=COMMAND, user_id=tester.user.pk, role_id=role.pk)
    assert tester.http.get(answer["Location"]).status_code == 403
    refused = tester.come_back(JANE_BY_SSO, request_id=request_id)
    assert (refused.status_code, "(no_request)" in refused.content.decode()) == (400, True)
    grant_role(actor=COMMAND, user_id=tester.user.pk, role_id=role.pk, reason="covers for Sam")
    expire(actor=COMMAND, user_id=tester.user.pk, reason="left")
    refused = tester.come_back(JANE_BY_SSO, request_id=request_id)
    assert refused.status_code == 400
    assert not Identity.objects.exists()


def test_the_events_of_others_are_not_shown_and_only_the_passed_test_is_one(
    tester: AdminBrowser, acme: Connection
) -> None:
    before = set(Event.objects.values_list("pk", flat=True))
    page = tester.try_out(JANE_BY_SSO)
    assert "role.created" not in page
    (left,) = Event.objects.exclude(pk__in=before)
    assert (left.kind, left.subject_id, left.user_id) == ("connection.test_passed", acme.pk, None)
    assert (left.actor_kind, left.actor, left.actor_id) == ("admin", "tess", str(tester.user.pk))
    assert left.request_id == SignInRecord.objects.get().reference
    tester.try_out(replace(JANE_BY_SSO, uid=None))
    assert Event.objects.exclude(pk__in=before).get() == left, "a refused test is no event"


def test_a_passed_test_ticks_its_steps_without_the_sign_in_log_R37(
    tester: AdminBrowser, acme: Connection, settings: LazySettings
) -> None:
    settings.SIGN_IN_LOG_DAYS = 0
    tester.try_out(replace(JANE_BY_SSO, uid=None))
    assert ticked(acme) == set()
    tester.try_out(JANE_BY_SSO)
    assert not SignInRecord.objects.exists()
    assert ticked(acme) == {"saml_app", "test"}


def ticked(connection: Connection) -> set[str]:
    return {step.name for step in steps_of(connection, Vendor.OKTA) if step.done} & {
        "saml_app",
        "test",
        "first_sign_in",
    }


def test_an_answer_at_the_acs_of_another_connection_is_refused(tester: AdminBrowser, idp: TestIdp) -> None:
    globex = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(globex, {"idp_metadata": idp.metadata()}, base_dir=None)
    message = tester.idp.response(tester.claims(JANE_BY_SSO))
    assert tester.post(message, slug="other").status_code == 404
    assert tester.post(message, slug="globex").status_code == 400
    assert tester.post(message).status_code == 303, "nothing of it was used up"


# At the same instant


@pytest.fixture
def racers(idp: TestIdp, transactional_db: None) -> AdminBrowser:
    connection = make_connection()
    sso.settings.changes.apply(connection, {"idp_metadata": idp.metadata()}, base_dir=None)
    return AdminBrowser(idp, connection, staff("tess", *MAY_TEST))


def at_once(browsers: list[Browser], messages: list[str]) -> list[int]:
    def post(browser: Browser, message: str) -> int:
        http = Client(headers={"host": "localhost:8000"})
        http.cookies["__Host-sign-in"] = browser.http.cookies["__Host-sign-in"].value
        try:
            return http.post("/sso/acme/acs", {"SAMLResponse": message}).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(len(messages)) as pool:
        return list(pool.map(post, browsers, messages))


def test_one_of_six_equal_test_messages_at_once_is_accepted(racers: AdminBrowser) -> None:
    message = racers.idp.response(racers.claims(JANE_BY_SSO))
    assert sorted(at_once([racers] * 6, [message] * 6)) == [303] + [400] * 5
    assert not Identity.objects.exists()


def test_tests_and_the_sign_in_of_the_same_newcomer_do_not_disturb_each_other(racers: AdminBrowser) -> None:
    browser = Browser(racers.idp)
    tests = [racers.idp.response(racers.claims(JANE_BY_SSO)) for _ in range(4)]
    message = browser.idp.response(browser.claims(JANE_BY_SSO))
    assert at_once([racers] * 4 + [browser], [*tests, message]) == [303] * 5
    assert Identity.objects.count() == 1
    assert sorted(SignInRecord.objects.values_list("is_test", flat=True)) == [False, True, True, True, True]

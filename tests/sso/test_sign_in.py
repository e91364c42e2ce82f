"""A person signs in by SAML: the request, the answer, and the pages that they see."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django import DjangoAssertNumQueries

from core_identity.models import Connection, Event, Identity, User
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from core_identity.sessions import SessionStore
from core_identity.values import Person
from tests.sso.conftest import SERVICE, Browser
from tests.support.cast import ADMIN, JANE, OKTA, by_sso
from tests.support.clock import travel
from tests.support.saml import attributes_of, now, request_in

JANE_BY_SSO = by_sso(JANE)


def test_the_way_to_the_idp_is_an_authn_request_of_ours(browser: Browser) -> None:
    answer = browser.http.get("/sso/acme/login", {"next": "/me?x=1"})
    target = urlsplit(answer["Location"])
    request = request_in(answer["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == browser.idp.sso_url
    assert request.get("AssertionConsumerServiceURL") == f"{SERVICE}/sso/acme/acs"
    assert request.get("Destination") == browser.idp.sso_url
    assert request.findtext("{*}Issuer") == f"{SERVICE}/sso/acme/metadata"
    assert request.find("{*}RequestedAuthnContext") is None
    assert "/me" not in parse_qs(target.query)["RelayState"][0]
    cookie = answer.cookies["__Host-sign-in"]
    assert (cookie["samesite"], cookie["secure"], cookie["httponly"], cookie["path"]) == ("None", True, True, "/")
    assert "no-store" in answer["Cache-Control"]


def test_a_first_sign_in_makes_the_user_R12(browser: Browser) -> None:
    page = browser.sign_in(JANE_BY_SSO)
    assert page.status_code == 200
    assert "Jane Doe" in page.content.decode()
    user = User.objects.get()
    assert (user.username, user.email, user.title, user.company, user.department) == (
        "jane.doe@acme.test", "jane.doe@acme.test", "Editor", "Acme Studios", "Press"
    )  # fmt: skip
    assert not user.has_usable_password()
    identity = Identity.objects.get()
    assert (identity.name_id, [uid.uid for uid in identity.uids.all()]) == ("jane.doe@acme.test", ["jane.doe"])


def test_me_returns_the_user_with_roles_and_their_sources_to_a_script_R32(browser: Browser, acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    browser.sign_in(replace(JANE_BY_SSO, groups=("editors", "Nobodies")))
    answer = browser.me()
    assert answer.json() == {
        "id": str(User.objects.get().pk),
        "username": "jane.doe@acme.test",
        "email": "jane.doe@acme.test",
        "first_name": "Jane",
        "last_name": "Doe",
        "status": "active",
        "connection": "acme",
        "roles": [{"name": "Editors", "sources": [{"channel": "sso", "connection": "acme", "push_group": "editors"}]}],
    }
    assert "Editors" in browser.http.get("/me").content.decode()


def test_nobody_signed_in_is_401_in_both_forms(browser: Browser) -> None:
    answer = browser.me()
    assert (answer.status_code, answer.json()["error"]) == (401, "not_signed_in")
    page = browser.http.get("/me", headers={"accept": "text/html"})
    assert page.status_code == 401
    assert 'href="/sign-in"' in page.content.decode()


def test_scim_then_sso_is_one_user_R7(browser: Browser, acme: Connection) -> None:
    pushed = create_person(actor=OKTA, connection=acme, person=JANE).identity
    browser.sign_in(JANE_BY_SSO)
    assert Identity.objects.get().pk == pushed.pk
    assert User.objects.count() == 1


def test_the_path_that_was_asked_for_is_reached(browser: Browser) -> None:
    request_id = browser.leave(next="/me?tab=roles")
    answer = browser.come_back(JANE_BY_SSO, request_id=request_id)
    finished = browser.http.get(answer["Location"])
    assert finished["Location"] == "/me?tab=roles"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.test/", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)", "data:text/html,x",
        "http:evil.test", "https:/evil.test", "//evil.test@localhost", "https://localhost:8000@evil.test", "/\t/evil.test",
        "/\n//evil.test", " //evil.test", "%2f%2fevil.test", "evil.test", "?next=x", "\u2028//evil.test", "/\x00evil", "http://localhost:8001/",
        "ftp://localhost:8000/", "//localhost:8001/", "/" + "x" * 3000, "", "/%09/evil.test/..//evil.test\r\nSet-Cookie: a=b",
    ],
)  # fmt: skip
def test_no_text_by_a_stranger_redirects_the_browser(browser: Browser, acme: Connection, path: str) -> None:
    acme.saml.idp_initiated = True
    acme.saml.save()
    for answer in (
        browser.come_back(JANE_BY_SSO, request_id=browser.leave(next=path)),
        browser.post(
            browser.idp.response(browser.idp.claims(JANE_BY_SSO, acs_url=f"{SERVICE}/sso/acme/acs", request_id=None)),
            RelayState=path,
        ),
    ):
        assert answer["Location"].startswith("/sso/acme/finish?ticket=")
        assert browser.http.get(answer["Location"])["Location"] == "/me"


def test_the_session_key_changes_and_the_session_ends_with_that_of_the_idp_R21(browser: Browser) -> None:
    browser.http.get("/sign-in")
    before = browser.http.session.session_key
    browser.sign_in(JANE_BY_SSO, session_end=timedelta(minutes=30))
    assert browser.http.session.session_key != before
    assert browser.me().status_code == 200
    with travel(now() + timedelta(minutes=31)):
        assert browser.me().status_code == 401


def test_a_session_lasts_twelve_hours_at_most_R21(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO, session_end=timedelta(hours=23))
    with travel(now() + timedelta(hours=12, minutes=1)):
        assert browser.me().status_code == 401


def test_an_expired_user_is_out_on_the_next_click_and_stays_out_R21(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    expire(actor=ADMIN, user_id=User.objects.get().pk, reason="left")
    assert browser.me().status_code == 401
    refused = browser.come_back(JANE_BY_SSO)
    assert refused.status_code == 403
    page = refused.content.decode()
    assert "You no longer have access to CORE." in page
    event = Event.objects.get(kind="sso.refused")
    assert event.request_id
    assert event.request_id in page
    assert browser.me().status_code == 401


def test_a_person_who_is_not_active_at_the_idp_reads_the_reason_R25(browser: Browser, acme: Connection) -> None:
    create_person(actor=OKTA, connection=acme, person=replace(JANE, active=False))
    refused = browser.come_back(JANE_BY_SSO)
    assert refused.status_code == 403
    assert "has not activated you" in refused.content.decode()


def test_a_missing_uid_is_named_together_with_the_attributes_that_arrived_R12(browser: Browser) -> None:
    refused = browser.come_back(JANE_BY_SSO, attributes={"uid": ("jane.doe",), "Email": ("jane.doe@acme.test",)})
    page = refused.content.decode()
    assert refused.status_code == 403
    assert "These attributes are missing:" in page
    assert "<code>UID</code>" in page
    assert "<code>Email</code>" in page
    assert "<code>uid</code>" in page
    assert not User.objects.exists()


def test_a_missing_name_refuses_only_the_making_of_a_user_R12(browser: Browser) -> None:
    short = {"UID": ("jane.doe",), "Email": ("jane.doe@acme.test",)}
    refused = browser.come_back(JANE_BY_SSO, attributes=short)
    assert refused.status_code == 403
    assert "<code>FirstName</code>" in refused.content.decode()
    browser.sign_in(JANE_BY_SSO)
    assert browser.sign_in(JANE_BY_SSO, attributes=short).status_code == 200
    assert User.objects.get().first_name == "Jane"


def test_another_person_with_the_same_uid_opens_nothing_R8b(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.http.post("/sign-out")
    other = replace(JANE_BY_SSO, email="jane.doe.2@acme.test", name_id="jane.doe.2@acme.test")
    refused = browser.come_back(other)
    assert refused.status_code == 403
    assert "jane.doe@acme.test" not in refused.content.decode()
    assert User.objects.count() == 1
    assert browser.me().status_code == 401


@pytest.mark.parametrize("uid", ["jane\u200b.doe", "x" * 300, "a\u202eb"])
def test_a_uid_is_one_clean_text_or_a_refusal(browser: Browser, uid: str) -> None:
    refused = browser.come_back(replace(JANE_BY_SSO, uid=uid))
    assert refused.status_code == 403
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "attributes",
    [
        {"UID": ("jane.doe", "john.doe")},
        {"UID": ("victim<x/>.evil",)},
        {"UID": ("",)},
        {"UID": ("   ",)},
        {"UID": ()},
    ],
    ids=["two values", "an element inside", "empty", "spaces", "no value"],
)
def test_a_uid_that_is_not_one_text_is_refused(browser: Browser, attributes: dict[str, tuple[str, ...]]) -> None:
    all_attributes = {"FirstName": ("J",), "LastName": ("D",), "Email": ("j@acme.test",), **attributes}
    refused = browser.come_back(JANE_BY_SSO, attributes=all_attributes, raw=True)
    assert refused.status_code == 403
    assert not User.objects.exists()


def test_signing_out_ends_the_session_by_a_post_only(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    assert browser.http.get("/sign-out").status_code == 405
    assert browser.http.get("/sso/acme/logout").status_code == 200
    assert browser.me().status_code == 200
    page = browser.follow(browser.http.post("/sign-out"))
    assert "You are signed out of CORE." in page.content.decode()
    assert browser.me().status_code == 401


def test_sign_out_needs_the_token_against_forgery(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.http.handler.enforce_csrf_checks = True
    assert browser.http.post("/sign-out").status_code == 403
    assert browser.me().status_code == 200


def test_our_metadata_is_at_our_entity_id(browser: Browser) -> None:
    answer = browser.http.get("/sso/acme/metadata")
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    assert f'entityID="{SERVICE}/sso/acme/metadata"' in answer.content.decode()
    assert f'Location="{SERVICE}/sso/acme/acs"' in answer.content.decode()


def test_a_connection_that_is_off_is_answered_as_an_unknown_one_R1a(browser: Browser, acme: Connection) -> None:
    message = browser.idp.response(browser.claims(JANE_BY_SSO))
    acme.enabled = False
    acme.save()
    for path in ("login", "logout", "metadata", "finish"):
        assert browser.http.get(f"/sso/acme/{path}").status_code in {400, 404}
        assert browser.http.get(f"/sso/nobody/{path}").status_code in {400, 404}
    assert browser.post(message).status_code == 404
    assert not User.objects.exists()


def test_an_unknown_person_is_refused_where_sso_makes_no_users_R12(browser: Browser, acme: Connection) -> None:
    acme.sso_creates_users = False
    acme.save()
    refused = browser.come_back(JANE_BY_SSO)
    assert refused.status_code == 403
    assert "not known in CORE yet" in refused.content.decode()


def test_a_known_sign_in_takes_a_constant_number_of_queries(
    browser: Browser, django_assert_max_num_queries: object
) -> None:
    browser.sign_in(JANE_BY_SSO)
    message = browser.idp.response(browser.claims(JANE_BY_SSO))
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        browser.post(message)


def test_a_new_session_takes_one_statement(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    session = SessionStore()
    with django_assert_num_queries(1):
        session.begin()
        session["page"] = "/me"
        session.save()
    assert SessionStore(session.session_key)["page"] == "/me"


def test_the_start_page_lists_no_customers_to_strangers(browser: Browser, idp: object) -> None:
    assert "Sign in with Acme" in browser.http.get("/").content.decode()
    import sso.settings.changes
    from tests.support.cast import make_connection

    other = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(other, {"idp_metadata": browser.idp.metadata()}, base_dir=None)
    page = browser.http.get("/").content.decode()
    assert "Acme" not in page
    assert "Globex" not in page
    assert browser.http.get("/sign-in", {"connection": " ACME "})["Location"] == "/sso/acme/login"
    assert "We do not know" in browser.http.post("/sign-in", {"connection": "<x>"}).content.decode()


def test_the_person_of_one_connection_is_not_that_of_another_R1(browser: Browser, acme: Connection) -> None:
    import sso.settings.changes
    from tests.support.cast import make_connection

    other = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(other, {"idp_metadata": browser.idp.metadata()}, base_dir=None)
    browser.sign_in(JANE_BY_SSO)
    browser.sign_in(JANE_BY_SSO, slug="globex")
    assert User.objects.count() == 2
    assert Person is not None


def test_groups_that_give_nothing_are_stored_and_an_absent_attribute_is_recorded_R31(
    browser: Browser, acme: Connection
) -> None:
    browser.sign_in(replace(JANE_BY_SSO, groups=("Everyone", "Chefs")))
    assert set(Identity.objects.get().unmapped_groups) == {"Everyone", "Chefs"}
    browser.sign_in(JANE_BY_SSO, attributes=attributes_of(JANE_BY_SSO) | {"Group": ("",)})
    assert Identity.objects.get().unmapped_groups == {}
    assert not Event.objects.filter(kind="user.sso_groups_absent").exists(), "there and empty is no mistake"
    for _ in range(2):
        browser.sign_in(JANE_BY_SSO)
    assert Event.objects.get(kind="user.sso_groups_absent").user_id == User.objects.get().pk

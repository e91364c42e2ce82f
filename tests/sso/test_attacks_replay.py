"""Good messages in the wrong hands: used again, in another browser, at another connection, by another IdP."""

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from lxml import etree

import sso.settings.changes
from core_identity.models import Connection, User
from sso.models import SignInState
from sso.settings import keys
from tests.sso.attacks.attack import put
from tests.sso.conftest import ACS, Browser
from tests.sso.test_attacks import JANE_BY_SSO, refused
from tests.support.cast import ADMIN, make_connection
from tests.support.clock import travel
from tests.support.saml import Change, TestIdp, encrypting_to, now


def _changed(message: str, change: Change) -> str:
    root = etree.fromstring(base64.b64decode(message))
    change(root)
    return base64.b64encode(etree.tostring(root)).decode()


def _assertion_is_enough(acme: Connection) -> None:
    acme.saml.signed = "assertion"
    acme.saml.idp_initiated = True
    acme.saml.save()


def test_a_replayed_assertion_is_refused_in_every_form(browser: Browser, acme: Connection) -> None:
    _assertion_is_enough(acme)
    message = browser.idp.response(browser.claims(JANE_BY_SSO), sign="assertion")
    assert browser.post(message).status_code == 303
    assert "(replay)" in browser.post(message).content.decode()
    # Wrapped again: the Response is not signed, so its ID and the request that it names can be rewritten.
    fresh = browser.leave()
    again = browser.post(_changed(message, lambda root: root.attrib.update({"ID": "_fresh", "InResponseTo": fresh})))
    assert "(in_response_to)" in again.content.decode()
    unasked = browser.post(_changed(message, put(".", "InResponseTo", None)))
    assert "(in_response_to)" in unasked.content.decode()
    with travel(now() + timedelta(minutes=1)):
        assert "(replay)" in browser.post(message).content.decode()


def test_an_assertion_that_answers_nothing_is_known_by_its_id_however_it_is_wrapped(
    browser: Browser, acme: Connection
) -> None:
    _assertion_is_enough(acme)
    certificate = keys.make_key(actor=ADMIN, connection=acme).certificate
    claims = browser.idp.claims(JANE_BY_SSO, acs_url=ACS, request_id=None)
    message = browser.idp.response(claims, sign="assertion")
    assert browser.follow(browser.post(message)).status_code == 200
    wrapped = [
        message,
        _changed(message, put(".", "ID", "_fresh")),
        _changed(message, encrypting_to(certificate)),
        _changed(message, encrypting_to(certificate)),
    ]
    for one in wrapped:
        for browsing in (browser, Browser(browser.idp)):
            assert "(replay)" in browsing.post(one).content.decode()


def test_a_used_encrypted_assertion_is_refused_when_sent_decrypted(browser: Browser, acme: Connection) -> None:
    _assertion_is_enough(acme)
    certificate = keys.make_key(actor=ADMIN, connection=acme).certificate
    claims = browser.idp.claims(JANE_BY_SSO, acs_url=ACS, request_id=None)
    clear = browser.idp.response(claims, sign="assertion")
    assert browser.post(_changed(clear, encrypting_to(certificate))).status_code == 303
    assert "(replay)" in browser.post(clear).content.decode()


def test_a_replayed_idp_initiated_assertion_is_refused(browser: Browser, acme: Connection) -> None:
    acme.saml.idp_initiated = True
    acme.saml.save()
    message = browser.idp.response(browser.idp.claims(JANE_BY_SSO, acs_url=ACS, request_id=None))
    assert browser.follow(browser.post(message)).status_code == 200
    assert "(replay)" in browser.post(message).content.decode()
    assert "(replay)" in Browser(browser.idp).post(message).content.decode()


def test_a_forgery_uses_up_neither_the_id_nor_the_request_of_the_real_message(
    browser: Browser, stranger: TestIdp
) -> None:
    claims = browser.claims(JANE_BY_SSO, assertion_id="_theirs")
    assert "(signature)" in refused(browser, stranger.response(claims))
    assert "(audience)" in refused(browser, browser.idp.response(replace(claims, audience="https://other.test")))
    assert browser.post(browser.idp.response(claims)).status_code == 303


def test_an_answer_to_a_request_opens_nothing_in_another_browser(browser: Browser) -> None:
    """Login CSRF: the attacker signs in, stops before the last step, and lets the victim's browser post their message."""
    message = browser.idp.response(browser.claims(JANE_BY_SSO))
    victim = Browser(browser.idp)
    assert "(other_browser)" in refused(victim, message)
    victim.leave()
    assert "(other_browser)" in refused(victim, message)
    assert browser.post(message).status_code == 303, "and the refusals burnt nothing"


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "é" * 43, "\\303\\251", "0" * 5_000])
def test_a_forged_cookie_counts_as_another_browser(browser: Browser, cookie: str) -> None:
    message = browser.idp.response(browser.claims(JANE_BY_SSO))
    browser.http.cookies["__Host-sign-in"] = cookie
    assert "(other_browser)" in refused(browser, message)


def test_the_ticket_of_one_browser_is_worth_nothing_in_another(browser: Browser) -> None:
    answer = browser.come_back(JANE_BY_SSO)
    victim = Browser(browser.idp)
    victim.leave()
    assert victim.http.get(answer["Location"]).status_code == 400
    assert victim.me().status_code == 401
    assert browser.http.get(answer["Location"]).status_code == 302
    browser.http.post("/sign-out")
    assert browser.http.get(answer["Location"]).status_code == 400, "good once"


def test_a_request_is_answered_for_a_quarter_of_an_hour(browser: Browser) -> None:
    request_id = browser.leave()
    with travel(now() + timedelta(minutes=16)):
        message = browser.idp.response(browser.claims(JANE_BY_SSO, request_id=request_id))
        assert "(no_request)" in refused(browser, message)
        browser.leave()
    assert not SignInState.objects.filter(request_id=request_id).exists(), "and then it is cleared away"


def test_an_assertion_for_one_connection_opens_no_other_R1(browser: Browser) -> None:
    """Both believe the same IdP, as two apps of one Okta do; each has its own audience and address."""
    globex = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(globex, {"idp_metadata": browser.idp.metadata()}, base_dir=None)
    for_acme = browser.idp.response(browser.claims(JANE_BY_SSO))
    assert "(no_request)" in refused(browser, for_acme, slug="globex")
    request_of_globex = browser.leave("globex")
    mixed = browser.idp.response(browser.claims(JANE_BY_SSO, request_id=request_of_globex))
    assert "(destination)" in refused(browser, mixed, slug="globex")
    assert "(no_request)" in refused(browser, mixed)


def test_the_idp_of_another_connection_is_not_believed_R1(browser: Browser) -> None:
    theirs = TestIdp("https://idp.globex.test")
    globex = make_connection("globex", customer="Globex")
    sso.settings.changes.apply(globex, {"idp_metadata": theirs.metadata()}, base_dir=None)
    for issuer in (theirs.entity_id, browser.idp.entity_id):
        assert "(signature)" in refused(browser, theirs.response(browser.claims(JANE_BY_SSO, issuer=issuer)))


@pytest.mark.django_db(transaction=True)
def test_one_of_twenty_equal_messages_at_once_is_accepted(idp: TestIdp) -> None:
    connection = make_connection()
    sso.settings.changes.apply(connection, {"idp_metadata": idp.metadata()}, base_dir=None)
    browser = Browser(idp)
    message = idp.response(browser.claims(JANE_BY_SSO))
    token = browser.http.cookies["__Host-sign-in"].value

    def post(_: int) -> int:
        http = Client(headers={"host": "localhost:8000"})
        http.cookies["__Host-sign-in"] = token
        try:
            return http.post("/sso/acme/acs", {"SAMLResponse": message}).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(20)))
    assert sorted(answers) == [303] + [400] * 19
    assert User.objects.count() == 1

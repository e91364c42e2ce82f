"""Opening the ACS, reloading a refusal, or going back after a sign-in shows a page that helps, with the first reference."""

import re

from core_identity.models import Connection, User
from core_identity.services.expiry import expire
from sso.models import SignInRecord
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, JANE, by_sso

JANE_BY_SSO = by_sso(JANE)


def test_a_reload_of_a_refusal_shows_the_first_reference(browser: Browser) -> None:
    message = browser.idp.response(browser.claims(JANE_BY_SSO, audience="https://other.test"))
    first = browser.post(message)["X-Request-Id"]
    again = browser.post(message)
    assert again.status_code == 400
    assert re.findall(r'class="reference">(\w+)<', again.content.decode()) == [first]
    assert SignInRecord.objects.get(reference=first).code == "audience"
    # Another message has a reference of its own, and so does the same one in another browser.
    other = browser.post(browser.idp.response(browser.claims(JANE_BY_SSO, audience="https://other.test")))
    assert other["X-Request-Id"] in other.content.decode()
    elsewhere = Browser(browser.idp).post(message)
    assert elsewhere["X-Request-Id"] in elsewhere.content.decode()


def test_a_reload_after_a_refusal_by_policy_shows_the_first_reference(browser: Browser) -> None:
    """The assertion is used up by then, so the reload is a replay. Its reference would not lead to the cause."""
    browser.sign_in(JANE_BY_SSO)
    expire(actor=ADMIN, user_id=User.objects.get().pk, reason="left")
    message = browser.idp.response(browser.claims(JANE_BY_SSO))
    first = browser.post(message)
    assert first.status_code == 403
    page = browser.post(message).content.decode()
    assert first["X-Request-Id"] in page


def test_the_back_button_after_a_sign_in_leads_on(browser: Browser) -> None:
    message = browser.idp.response(browser.claims(JANE_BY_SSO))
    assert browser.follow(browser.post(message)).status_code == 200
    answer = browser.post(message)
    assert answer.status_code == 400
    assert 'href="/me"' in answer.content.decode()
    assert "sent a finished sign-in again" in answer.content.decode()
    assert browser.me().status_code == 200
    # The message in a stranger's browser leads nowhere.
    assert 'href="/me"' not in Browser(browser.idp).post(message).content.decode()


def test_opening_the_acs_shows_a_page_that_helps(browser: Browser, acme: Connection) -> None:
    pages = []
    for slug in ("acme", "nobody"):
        answer = browser.http.get(f"/sso/{slug}/acs")
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
        pages.append(answer.content.decode().replace(answer["X-Request-Id"], "REFERENCE"))
    assert pages[0] == pages[1]
    assert 'href="/sign-in"' in pages[0]
    first = browser.post("no message")["X-Request-Id"]
    assert first in browser.http.get("/sso/acme/acs").content.decode()
    browser.http.cookies["__Host-refused"] = "<script>alert(1)</script>"
    assert "alert" not in browser.http.get("/sso/acme/acs").content.decode()
    browser.sign_in(JANE_BY_SSO)
    assert 'href="/me"' in browser.http.get("/sso/acme/acs").content.decode()

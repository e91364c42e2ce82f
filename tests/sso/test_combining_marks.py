"""An assertion with texts of many combining marks costs no more than another one (see the test of the same name in tests/scim)."""

import time

import pytest

from tests.sso.conftest import Browser
from tests.support.cast import JANE, by_sso

MARKS = "a" + "\u0301\u0323" * 20_000


@pytest.mark.parametrize("field", ["uid", "name_id", "email", "given_name", "title"])
def test_an_assertion_of_combining_marks_costs_no_more_than_another_one(browser: Browser, field: str) -> None:
    browser.sign_in(by_sso(JANE))
    claims = browser.claims(by_sso(JANE, **{field: MARKS}))
    message = browser.idp.response(claims, sign="both")
    started = time.thread_time()
    assert browser.post(message).status_code in {400, 403}
    assert time.thread_time() - started < 0.7

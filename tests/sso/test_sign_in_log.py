"""The sign-in log: what an administrator finds by the reference that a person reads out."""

from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings

from core_identity.models import Identity
from sso.models import SignInRecord
from tests.sso.conftest import SERVICE, Browser
from tests.support.cast import JANE, by_sso

JANE_BY_SSO = by_sso(JANE)


def told(record: SignInRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("code", "decision", "idp_initiated", "expected", "received")}


def test_a_sign_in_leaves_a_row_with_names_and_ids_and_no_value(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    record, identity = SignInRecord.objects.get(), Identity.objects.get()
    assert told(record) == {
        "code": "signed_in", "decision": "Signed in.", "idp_initiated": False, "expected": "", "received": ""
    }  # fmt: skip
    assert (record.identity_id, record.user_id) == (identity.pk, identity.user_id)
    assert {"FirstName", "LastName", "Email"} <= set(record.arrived)
    stored = str(SignInRecord.objects.values().get())
    assert not [value for value in ("Jane", "Doe", "jane.doe", "Acme Studios") if value in stored]


def test_a_refused_message_is_found_by_its_reference_with_expected_and_received(browser: Browser) -> None:
    answer = browser.come_back(JANE_BY_SSO, audience="https://other.test")
    record = SignInRecord.objects.get(reference=answer["X-Request-Id"])
    assert record.reference in answer.content.decode()
    assert (record.code, record.expected, record.received) == (
        "audience", f"{SERVICE}/sso/acme/metadata", "https://other.test"
    )  # fmt: skip
    assert (record.identity_id, record.user_id, record.arrived) == (None, None, [])


def test_a_missing_attribute_is_named_beside_those_that_arrived(browser: Browser) -> None:
    browser.come_back(replace(JANE_BY_SSO, email=""))
    record = SignInRecord.objects.get()
    assert record.missing == ["Email"]
    assert "FirstName" in record.arrived


def test_strangers_fill_no_table_and_stop_nobody_else(browser: Browser, settings: LazySettings) -> None:
    settings.FAILURES_PER_MINUTE, settings.SIGN_IN_FAILURES_PER_MINUTE = 2, 3
    answers = [browser.post("no message") for _ in range(5)]
    statuses = [answer.status_code for answer in answers]
    assert (SignInRecord.objects.count(), statuses) == (2, [400, 400, 400, 429, 429])
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert browser.sign_in(JANE_BY_SSO).status_code == 200  # even from the same address
    assert SignInRecord.objects.latest("id").code == "signed_in"


@pytest.mark.parametrize("message", ["no message", ""])
def test_no_row_is_written_where_the_log_is_off(browser: Browser, settings: LazySettings, message: str) -> None:
    settings.SIGN_IN_LOG_DAYS = 0
    assert browser.post(message).status_code == 400
    browser.sign_in(JANE_BY_SSO)
    assert not SignInRecord.objects.exists()

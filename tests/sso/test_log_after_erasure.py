"""A row of the sign-in log that is written after the erasure of its person contains no name of the person (R34, R35)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from core_identity.models import ErasedNames, Identity
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from sso.models import SignInRecord
from sso.sign_in import refusal_page, views
from sso.sign_in.log import record
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, COMMAND, JANE, ZOE, by_sso
from tests.support.moments import Worker, elsewhere, uncommitted, until_one_waits

pytestmark = pytest.mark.django_db(transaction=True)
Erase = Callable[[], object]


@pytest.fixture
def erase_jane(browser: Browser) -> Erase:
    browser.sign_in(by_sso(JANE))
    user = Identity.objects.get().user
    expire(actor=ADMIN, user_id=user.pk, reason="left")
    return partial(erase, actor=COMMAND, user_id=user.pk, reason="request 4711")


def assert_jane_is_gone() -> None:
    stored = str(list(SignInRecord.objects.values()))
    assert [name for name in ("jane", "doe") if name in stored.lower()] == []
    assert not SignInRecord.objects.exclude(keys=[]).exists()


def test_the_row_of_a_refusal_is_written_without_a_person_who_was_erased_after_it_R34(
    browser: Browser, erase_jane: Erase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record_later(*args: Any, **values: Any) -> None:
        elsewhere(erase_jane)
        record(*args, **values)

    monkeypatch.setattr(refusal_page, "record", record_later)
    browser.come_back(by_sso(JANE))
    row = SignInRecord.objects.latest("id")
    assert (row.kind, row.code, row.decision) == ("person_refused", "may_not_sign_in", "")
    assert_jane_is_gone()


def test_the_row_of_a_sign_in_is_written_without_a_person_who_was_erased_after_it_R34(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record_later(*args: Any, **values: Any) -> None:
        user = Identity.objects.get().user
        expire(actor=ADMIN, user_id=user.pk, reason="left")
        elsewhere(partial(erase, actor=COMMAND, user_id=user.pk, reason="request 4711"))
        record(*args, **values)

    monkeypatch.setattr(views, "record", record_later)
    browser.come_back(by_sso(JANE))
    assert SignInRecord.objects.get().decision.startswith("Signed in")
    assert_jane_is_gone()


def test_a_row_that_is_written_during_an_erasure_waits_for_it_R34(browser: Browser, erase_jane: Erase) -> None:
    claims = browser.claims(by_sso(JANE))
    with uncommitted(erase_jane):
        returning = Worker(lambda: browser.post(browser.idp.response(claims, sign="both")))
        until_one_waits()
    returning.result()
    assert_jane_is_gone()


def test_a_sign_in_long_after_the_erasure_and_one_of_another_person_keep_their_names_R35(
    browser: Browser, erase_jane: Erase
) -> None:
    elsewhere(erase_jane)
    browser.come_back(by_sso(ZOE, email="", given_name=""))
    assert SignInRecord.objects.latest("id").name_id == ZOE.user_name
    ErasedNames.objects.update(at=F("at") - timedelta(minutes=2))
    browser.come_back(by_sso(JANE))
    assert SignInRecord.objects.latest("id").name_id == JANE.user_name

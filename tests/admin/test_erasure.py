"""R34 in the administration: erase is shown, typed by hand, and only superusers have it."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from core_identity.models import Event, Identity, User
from core_identity.services.expiry import expire
from tests.support.cast import ADMIN

WHY = "request 4711"


@pytest.fixture
def page(jane: Identity) -> str:
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    return reverse("admin:core_identity_user_erase", args=[jane.user_id])


def text_of(answer: object) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())  # type: ignore[attr-defined]


def test_an_erasure_is_shown_before_it_is_done_R34(as_root: Client, jane: Identity, page: str) -> None:
    assert "This cannot be undone" in text_of(as_root.get(page))
    answer = as_root.post(page, {"username": jane.user.username, "reason": WHY}, follow=True)
    assert "Erased. Only the id" in text_of(answer)
    assert User.objects.get(pk=jane.user_id).username == f"erased-{jane.user_id}"
    assert Event.objects.get(kind="user.erased").reason == WHY
    left = text_of(answer).lower()
    assert "jane" not in left, left[left.index("jane") - 200 :][:300]


def test_without_the_username_nothing_is_erased_R34(as_root: Client, jane: Identity, page: str) -> None:
    assert "This is not their username" in text_of(as_root.post(page, {"username": "jane", "reason": WHY}))
    assert User.objects.get(pk=jane.user_id).first_name == "Jane"


def test_a_user_who_is_not_expired_is_not_erased_R34(as_root: Client, jane: Identity) -> None:
    answer = as_root.get(reverse("admin:core_identity_user_erase", args=[jane.user_id]), follow=True)
    assert "is not expired. Expire them first" in text_of(answer)


def test_the_desk_neither_sees_nor_opens_it_R34(as_desk: Client, jane: Identity, page: str) -> None:
    assert as_desk.get(page).status_code == 403
    assert as_desk.post(page, {"username": jane.user.username, "reason": WHY}).status_code == 403
    assert page not in text_of(as_desk.get(reverse("admin:core_identity_user_change", args=[jane.user_id])))

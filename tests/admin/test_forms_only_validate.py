"""A form validates, and `submit` writes. The watch in conftest.py covers each form that the other tests of this folder send."""

from typing import Any

import pytest
from django.test import Client, RequestFactory

from core_identity.admin_kit.forms import ConfirmsPreview, ReasonForm
from core_identity.errors import NotAllowed
from core_identity.models import Customer, Event, User
from core_identity.services.customers import create_customer
from tests.admin.conftest import WrittenByValidation
from tests.support.cast import ADMIN


def request_of(user: User) -> Any:
    request = RequestFactory().post("/", {"reason": "ticket 4711"})
    request.user = user
    request.request_id = "REFERENCE"  # type: ignore[attr-defined]
    return request


class NewCustomer(ReasonForm):
    def write(self) -> Customer:
        return create_customer(actor=self.actor, name="Globex")


class WritesTooEarly(NewCustomer):
    def clean(self) -> None:
        self.write()


class WritesWhileItPreviews(ConfirmsPreview, NewCustomer):
    def preview(self) -> None:
        self.write()


class Previewed(ConfirmsPreview, NewCustomer):
    button = "save"
    changed = "It changed."

    def preview(self) -> None:
        self.preview_digest = "digest"


class Refused(NewCustomer):
    def write(self) -> Customer:
        super().write()
        raise NotAllowed("Not today.")


def test_the_watch_sees_a_form_that_writes_while_it_validates(root: User) -> None:
    with pytest.raises(WrittenByValidation):
        WritesTooEarly(request_of(root)).is_valid()


def test_the_watch_sees_a_form_that_writes_while_it_previews(root: User) -> None:
    with pytest.raises(WrittenByValidation):
        WritesWhileItPreviews(request_of(root)).submit()


@pytest.mark.parametrize(
    ("sent", "done", "errors"),
    [
        ({}, False, []),
        ({"shown": "digest"}, False, []),
        ({"save": "x"}, False, ["It changed."]),
        ({"save": "x", "shown": "other"}, False, ["It changed."]),
        ({"save": "x", "shown": "digest"}, True, []),
    ],
)
def test_a_form_that_previews_writes_by_its_second_button_and_only_what_was_shown(
    root: User, sent: dict[str, str], done: bool, errors: list[str]
) -> None:
    request = request_of(root)
    request.POST = {"reason": "ticket 4711", **sent}
    form = Previewed(request)
    assert (form.submit(), list(form.non_field_errors()), Customer.objects.exists()) == (done, errors, done)
    assert form.preview_digest == "digest"


def test_a_valid_form_has_written_nothing_until_it_is_submitted(root: User) -> None:
    form = NewCustomer(request_of(root))
    assert form.is_valid()
    assert not Customer.objects.exists()
    assert form.submit()
    assert form.written == Customer.objects.get()


def test_an_invalid_form_is_not_submitted(root: User) -> None:
    request = request_of(root)
    request.POST = {}
    assert not NewCustomer(request).submit()
    assert not Customer.objects.exists()


def test_a_refusal_of_the_service_is_an_error_of_the_form(root: User) -> None:
    form = Refused(request_of(root))
    assert not form.submit()
    assert form.non_field_errors() == ["Not today."]
    assert form.written is None


def test_a_refusal_on_a_change_page_shows_the_page_again_and_changes_nothing(as_root: Client) -> None:
    create_customer(actor=ADMIN, name="Acme")
    events = Event.objects.count()
    answer = as_root.post("/admin/core_identity/customer/add/", {"name": "ACME"})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert (Customer.objects.count(), Event.objects.count()) == (1, events)

"""The support contact of a customer: its values cannot run a script, and cannot lead a browser to anything but a web page."""

from typing import Final

import pytest
from django.db import IntegrityError, transaction

from core_identity.errors import InvalidValue
from core_identity.models import Customer, Event
from core_identity.services.customers import create_customer, save_customer, set_support_contact
from core_identity.write_guard import service_writes
from tests.support.cast import ADMIN

HELP_DESK: Final = {
    "name": "Acme IT help desk",
    "email": "help@acme.test",
    "phone": "+44 20 7946 0000",
    "url": "https://help.acme.test/tickets?new=1",
}


@pytest.fixture
def acme(db: None) -> Customer:
    return create_customer(actor=ADMIN, name="Acme")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "javascript:alert(1)"), ("url", " JaVaScRiPt:alert(1)"), ("url", "data:text/html,<script>alert(1)</script>"),
        ("url", "//evil.test"), ("url", "/admin/"), ("url", "ftp://help.acme.test"), ("url", "vbscript:x"), ("url", "https://"),
        ("url", "https://help.acme.test/\njavascript:alert(1)"), ("url", "https://help.acme.test/\"><script>"), ("url", "https://a b.test"),
        ("url", "https://help.acme.test/" + "x" * 500), ("url", "java\tscript:alert(1)"),
        ("email", "help"), ("email", "help@acme.test\nBcc: x@evil.test"), ("email", "<script>@acme.test"),
        ("phone", "<script>"), ("phone", "tel:1"), ("phone", "1;ext=javascript:x"), ("phone", "+"), ("phone", "1" * 41),
        ("name", "x" * 101), ("name", "help\u202edesk"), ("name", "a\x00b"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_refused_and_its_field_is_named(acme: Customer, field: str, value: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        set_support_contact(actor=ADMIN, customer_id=acme.pk, contact={field: value})
    assert refusal.value.field == f"support_{field}"
    assert Customer.objects.get().support_contact == {}


def test_the_database_itself_refuses_a_link_that_is_not_a_web_page(acme: Customer) -> None:
    for url in ("javascript:alert(1)", "\njavascript:alert(1)//https://", "//evil.test"):
        with pytest.raises(IntegrityError), transaction.atomic(), service_writes():
            Customer.objects.update(support_url=url)


def test_a_contact_is_stored_with_an_event_of_what_changed_R34(acme: Customer) -> None:
    for _ in range(2):
        set_support_contact(actor=ADMIN, customer_id=acme.pk, contact=HELP_DESK)
    assert Customer.objects.get().support_contact == HELP_DESK
    set_support_contact(actor=ADMIN, customer_id=acme.pk, contact={**HELP_DESK, "phone": ""})
    events = Event.objects.filter(kind="customer.support_changed").order_by("pk")
    assert [(one.actor, one.subject, one.changes) for one in events] == [
        ("boss", "Acme", {f"support_{field}": ["", value] for field, value in HELP_DESK.items()}),
        ("boss", "Acme", {"support_phone": [HELP_DESK["phone"], ""]}),
    ]


def test_a_refused_contact_leaves_the_name_of_the_customer_too(acme: Customer) -> None:
    with pytest.raises(InvalidValue):
        save_customer(actor=ADMIN, customer_id=acme.pk, name="Acme Ltd", contact={"url": "javascript:alert(1)"})
    assert Customer.objects.get().name == "Acme"
    assert not Event.objects.filter(kind="customer.renamed").exists()

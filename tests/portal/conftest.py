"""Fixtures of the customer's own page: a connection, a superuser, a link, and the customer's browser."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from core_identity.models import Connection, SetupLink, User
from core_identity.portal.links import make_link
from core_identity.services.users import create_user
from tests.support.cast import COMMAND, make_connection
from tests.support.saml import TestIdp

HOST = "localhost:8000"


@pytest.fixture(scope="session")
def idp() -> TestIdp:
    return TestIdp()


@pytest.fixture(scope="session")
def stranger() -> TestIdp:
    """The IdP of a person who got the link forwarded."""
    return TestIdp()


@pytest.fixture
def boss(db: None) -> User:
    return create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True)


@pytest.fixture
def globex(db: None) -> Connection:
    return make_connection("globex", customer="Globex")


@dataclass
class Customer:
    """The browser of the customer's IT administrator."""

    secret: str
    http: Client = field(default_factory=lambda: Client(headers={"host": HOST}))

    def open(self) -> Any:
        return self.http.post(f"/set-up/open/{self.secret}")

    def get(self, page: str = "") -> Any:
        return self.http.get(f"/set-up{page}")

    def post(self, page: str, **form: Any) -> Any:
        return self.http.post(f"/set-up{page}", form)

    def send(self, xml: str) -> Any:
        """Send metadata: look at the difference, then confirm it."""
        shown = self.post("/metadata", metadata=xml)
        assert shown.status_code == 200
        return self.post("/metadata", metadata=xml, shown=shown.context["form"].preview_digest, send="1")

    @property
    def link(self) -> SetupLink:
        return SetupLink.objects.filter(revoked_at=None).get()


def link_to(connection: Connection, boss: User) -> Customer:
    return Customer(make_link(actor=COMMAND, connection=connection, created_by=boss))


@pytest.fixture
def customer(globex: Connection, boss: User) -> Customer:
    """The customer's administrator, who has opened the link."""
    customer = link_to(globex, boss)
    assert customer.open().status_code == 302
    return customer

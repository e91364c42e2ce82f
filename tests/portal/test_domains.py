"""Email domains by a set-up link: entering one has no effect, DNS proves it, and nothing of others is taken or shown (R38)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database

import sso.settings.changes
from core_identity.models import Connection, Event, User
from core_identity.portal.links import revoke_link
from sso.models import SamlSettings, VerifiedDomain
from sso.settings.domain_proof import record_for
from sso.settings.email_domains import verify_domain
from sso.sign_in.choices import connections_for
from tests.portal.conftest import Customer
from tests.support.cast import COMMAND, make_connection
from tests.support.dns import Texts, TxtServer, running_dns
from tests.support.saml import TestIdp


@pytest.fixture
def dns(settings: Any) -> Iterator[TxtServer]:
    with running_dns() as server:
        settings.DNS_RESOLVERS = server.resolvers
        yield server


@pytest.fixture
def connected(globex: Connection, idp: TestIdp) -> Connection:
    sso.settings.changes.apply(globex, {"idp_metadata": idp.metadata()}, base_dir=None)
    return globex


def publish(dns: TxtServer, connection: Connection, domain: str) -> None:
    record = record_for(connection, domain)
    dns.records[record.name] = [(record.value,)]


def led_to(domain: str) -> list[str]:
    shown = connections_for(f"jane@{domain}", is_typed=True)
    return [saml.connection.slug for saml in shown]


def entered(connection: Connection) -> list[str]:
    return SamlSettings.objects.get(connection=connection).email_domains  # type: ignore[no-any-return]


def enter(customer: Customer, domain: str) -> Any:
    return customer.post("/domains", domain=domain, enter="1")


def check(customer: Customer, domain: str) -> str:
    answer = customer.post("/domains", domain=domain, check="1")
    return "" if answer.status_code == 302 else re.sub(r"\s+", " ", answer.content.decode())


def test_a_domain_that_is_only_entered_leads_nobody_and_nothing_is_looked_up(
    customer: Customer, connected: Connection, dns: TxtServer
) -> None:
    publish(dns, connected, "globex.test")
    assert enter(customer, "Globex.Test").status_code == 302
    page = customer.get("/domains").content.decode()
    assert record_for(connected, "globex.test").value in page
    assert "not verified yet" in page
    assert (led_to("globex.test"), dns.questions) == ([], [])
    event = Event.objects.filter(kind="saml_settings.changed").latest("id")
    assert event.changes == {"email_domains": [[], ["globex.test"]]}
    assert event.actor_kind == "setup_link"


def test_the_record_proves_it_with_the_link_as_the_actor(
    customer: Customer, connected: Connection, dns: TxtServer
) -> None:
    enter(customer, "globex.test")
    assert "There is no TXT record" in check(customer, "globex.test")
    publish(dns, connected, "globex.test")
    assert check(customer, "globex.test") == ""
    assert led_to("globex.test") == ["globex"]
    event = Event.objects.get(kind="email_domain.verified")
    assert (event.actor_kind, event.actor_id) == ("setup_link", str(customer.link.pk))
    assert (
        "globex.test: the sign-in page sends people with such an address here"
        in customer.get("/steps").content.decode()
    )


@pytest.mark.parametrize("holder", ["Initech", "Globex"])
def test_a_domain_that_another_connection_holds_stays_there_and_the_other_is_not_named(
    holder: str, customer: Customer, connected: Connection, dns: TxtServer, idp: TestIdp
) -> None:
    """Also one of the same customer: the link is for one connection only."""
    other = make_connection("secret-slug", customer=holder)
    section = {"idp_metadata": idp.metadata(), "email_domains": ["shared.test"]}
    sso.settings.changes.apply(other, section, base_dir=None)
    verify_domain(actor=COMMAND, connection=other, domain="shared.test", reason="contract")
    enter(customer, "shared.test")
    publish(dns, connected, "shared.test")
    page = check(customer, "shared.test")
    assert "cannot lead here yet. Your contact must decide" in page
    assert "secret-slug" not in page
    assert "Initech" not in page
    assert led_to("shared.test") == ["secret-slug"]


def test_a_link_removes_no_verified_domain_and_enters_no_public_one(customer: Customer, connected: Connection) -> None:
    enter(customer, "globex.test")
    verify_domain(actor=COMMAND, connection=connected, domain="globex.test", reason="contract")
    assert customer.post("/domains", domain="globex.test", remove="1").status_code == 200
    assert led_to("globex.test") == ["globex"]
    for wrong in ("gmail.com", "localhost", "169.254.169.254", "a b", ""):
        assert enter(customer, wrong).status_code == 200
    assert entered(connected) == ["globex.test"]
    enter(customer, "wrong.test")
    customer.post("/domains", domain="wrong.test", remove="1")
    assert entered(connected) == ["globex.test"]


def test_a_link_enters_ten_open_domains_and_looks_up_ten_records_a_minute(
    customer: Customer, connected: Connection, dns: TxtServer
) -> None:
    for number in range(12):
        enter(customer, f"d{number}.test")
    assert len(entered(connected)) == 10
    pages = [check(customer, "d0.test") for _ in range(12)]
    assert len(dns.questions) == 10
    assert "looked up very often" in pages[-1]


def test_before_the_metadata_there_is_no_such_page(customer: Customer, globex: Connection, dns: TxtServer) -> None:
    for answer in (customer.get("/domains"), enter(customer, "globex.test")):
        assert (answer.status_code, answer.headers["Location"]) == (302, "/set-up")
    assert not SamlSettings.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_link_that_ends_during_the_look_up_verifies_nothing(
    customer: Customer, connected: Connection, dns: TxtServer, boss: User
) -> None:
    enter(customer, "globex.test")
    publish(dns, connected, "globex.test")

    def end_it() -> None:
        revoke_link(actor=COMMAND, connection=connected, link_id=customer.link.pk)
        database.close()

    dns.meanwhile = end_it
    assert "This link has ended" in check(customer, "globex.test")
    assert not VerifiedDomain.objects.exists()


def test_a_proven_domain_stays_proven_without_its_record_and_can_be_checked_again(
    customer: Customer, connected: Connection, dns: TxtServer
) -> None:
    enter(customer, "globex.test")
    publish(dns, connected, "globex.test")
    check(customer, "globex.test")
    before = list(VerifiedDomain.objects.values()), Event.objects.count()
    found: list[tuple[Texts | None, str]] = [
        (dns.records["_core-identity.globex.test"], "The TXT record _core-identity.globex.test is published."),
        ([("another",)], "The TXT record _core-identity.globex.test has another value now."),
        (None, "There is no TXT record _core-identity.globex.test now."),
    ]
    for records, sentence in found:
        if records is None:
            del dns.records["_core-identity.globex.test"]
        else:
            dns.records["_core-identity.globex.test"] = records
        page = customer.post("/domains", domain="globex.test", again="1").content.decode()
        assert f"{sentence} globex.test still leads here." in page
    assert led_to("globex.test") == ["globex"]
    assert (list(VerifiedDomain.objects.values()), Event.objects.count()) == before, "it only reports"
    pages = (customer.post("/domains", domain="globex.test", again="1").content.decode() for _ in range(100))
    assert any("looked up very often" in page for page in pages)


def test_an_unproven_domain_has_no_second_check(customer: Customer, connected: Connection, dns: TxtServer) -> None:
    enter(customer, "globex.test")
    for domain in ("globex.test", "foreign.test"):
        page = customer.post("/domains", domain=domain, again="1").content.decode()
        assert f"{domain} is not verified." in page
    assert dns.questions == []

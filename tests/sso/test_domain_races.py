"""Two connections prove the same email domain at the same instant, each in a process of its own: one wins (R38)."""

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection as database

import sso.settings.changes
from core_identity.models import Connection, Event
from sso.models import VerifiedDomain
from sso.settings.domain_proof import record_for
from sso.settings.email_domains import DomainHeld, prove_domain
from sso.sign_in.choices import connections_for
from tests.support.cast import COMMAND, make_connection
from tests.support.dns import TxtServer, running_dns
from tests.support.racing import Race, racing
from tests.support.saml import TestIdp

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 5
DOMAINS = [f"shared-{number}.test" for number in range(ROUNDS)]


@pytest.fixture(scope="module")
def dns() -> Iterator[TxtServer]:
    with running_dns() as server:
        yield server


@pytest.fixture(scope="module")
def race(django_db_setup: None, dns: TxtServer) -> Iterator[Race]:
    """Two processes that ask this DNS server only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DNS_RESOLVERS", f"127.0.0.1:{dns.port}")
        with racing(2, str(database.settings_dict["NAME"])) as running:
            yield running


def connected(slug: str, customer: str, idp: TestIdp) -> Connection:
    connection = make_connection(slug, customer=customer)
    section = {"idp_metadata": idp.metadata(), "email_domains": DOMAINS}
    sso.settings.changes.apply(connection, section, base_dir=None)
    return connection


def prove(connection: Connection, domain: str) -> bool:
    prove_domain(actor=COMMAND, connection=connection, domain=domain)
    return True


def publish(dns: TxtServer, domain: str, *connections: Connection) -> None:
    """Publish the records of all connections at the one name of the domain."""
    records = [record_for(connection, domain) for connection in connections]
    dns.records[records[0].name] = [(record.value,) for record in records]
    dns.questions.clear()


def test_one_of_two_customers_gets_a_domain_and_the_other_sees_the_reason(
    race: Race, dns: TxtServer, idp: TestIdp, settings: Any
) -> None:
    both = [connected("globex", "Globex", idp), connected("initech", "Initech", idp)]
    settings.DNS_RESOLVERS = dns.resolvers
    for domain in DOMAINS:
        publish(dns, domain, *both)
        assert sorted(race([partial(prove, connection, domain) for connection in both])) == ["DomainHeld", "bool"]
        assert dns.questions == [f"_core-identity.{domain}"] * 2, "both proofs were right"
        winner = VerifiedDomain.objects.get(domain=domain).connection
        assert Event.objects.filter(kind="email_domain.verified").latest("id").connection_id == winner.pk
        assert [saml.connection for saml in connections_for(f"jane@{domain}", is_typed=True)] == [winner]
        (loser,) = (connection for connection in both if connection != winner)
        with pytest.raises(DomainHeld, match=f"leads to another customer through the connection {winner.slug}"):
            prove(loser, domain)
    assert Event.objects.filter(kind="email_domain.verified").count() == ROUNDS


def test_two_connections_of_one_customer_that_prove_a_domain_at_once_both_have_it(
    race: Race, dns: TxtServer, idp: TestIdp
) -> None:
    both = [connected("globex", "Globex", idp), connected("globex-two", "Globex", idp)]
    publish(dns, DOMAINS[0], *both)
    assert race([partial(prove, connection, DOMAINS[0]) for connection in both]) == ["bool", "bool"]
    assert VerifiedDomain.objects.count() == 2


def test_two_proofs_of_one_connection_at_once_are_one_row_and_one_event(
    race: Race, dns: TxtServer, idp: TestIdp
) -> None:
    globex = connected("globex", "Globex", idp)
    for domain in DOMAINS:
        publish(dns, domain, globex)
        assert race([partial(prove, globex, domain)] * 2) == ["bool", "bool"]
    assert VerifiedDomain.objects.count() == ROUNDS
    assert Event.objects.filter(kind="email_domain.verified").count() == ROUNDS

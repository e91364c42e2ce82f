"""An email domain leads to a connection once its owner published the DNS record of this connection, and only then (R38)."""

from collections.abc import Iterator
from typing import Any

import pytest

import sso.settings.changes
from core_identity.errors import InvalidValue
from core_identity.models import Connection, Event
from core_identity.values import Actor
from sso.models import VerifiedDomain
from sso.settings import txt_records
from sso.settings.domain_proof import record_for
from sso.settings.email_domains import DomainHeld, prove_domain, verify_domain
from sso.sign_in.choices import connections_for
from tests.support.cast import COMMAND, make_connection
from tests.support.dns import TxtServer, running_dns
from tests.support.saml import TestIdp


@pytest.fixture(scope="module")
def one_server() -> Iterator[TxtServer]:
    with running_dns() as server:
        yield server


@pytest.fixture
def dns(one_server: TxtServer, settings: Any) -> TxtServer:
    """The only resolver that the product asks."""
    one_server.__init__(port=one_server.port)  # type: ignore[misc]  # as new for each test
    settings.DNS_RESOLVERS = one_server.resolvers
    return one_server


@pytest.fixture
def globex(db: None, idp: TestIdp) -> Connection:
    return entered(make_connection("globex", customer="Globex"), idp, "globex.test")


def entered(connection: Connection, idp: TestIdp, *domains: str) -> Connection:
    section = {"idp_metadata": idp.metadata(), "email_domains": list(domains)}
    sso.settings.changes.apply(connection, section, base_dir=None)
    return connection


def prove(connection: Connection, domain: str = "globex.test", actor: Actor = COMMAND) -> None:
    prove_domain(actor=actor, connection=connection, domain=domain)


def publish(dns: TxtServer, connection: Connection, domain: str = "globex.test", *strings: str) -> None:
    record = record_for(connection, domain)
    dns.records[record.name] = [strings or (record.value,)]


def led_to(domain: str) -> list[str]:
    shown = connections_for(f"jane@{domain}", is_typed=True)
    return [saml.connection.slug for saml in shown]


def test_the_record_of_another_connection_or_domain_proves_nothing(
    dns: TxtServer, globex: Connection, idp: TestIdp
) -> None:
    initech = entered(make_connection("initech", customer="Initech"), idp, "globex.test")
    publish(dns, globex)
    with pytest.raises(InvalidValue, match="has another value"):
        prove(initech)
    entered(globex, idp, "globex.test", "other.test")
    dns.records["_core-identity.other.test"] = [(record_for(globex, "globex.test").value,)]
    with pytest.raises(InvalidValue, match="has another value"):
        prove(globex, "other.test")
    assert not VerifiedDomain.objects.exists()
    assert led_to("globex.test") == []


@pytest.mark.parametrize("place", ["globex.test", "_core-identity.mail.globex.test", "_core-identity.test"])
def test_a_record_at_another_name_proves_nothing(dns: TxtServer, globex: Connection, place: str) -> None:
    dns.records[place] = [(record_for(globex, "globex.test").value,)]
    with pytest.raises(InvalidValue, match="There is no TXT record"):
        prove(globex)
    assert dns.questions == ["_core-identity.globex.test"], "no search list, and one question"


def test_a_part_of_the_value_or_more_than_it_proves_nothing(dns: TxtServer, globex: Connection) -> None:
    value = record_for(globex, "globex.test").value
    for wrong in (value[:-1], value + "0", value.upper(), "core-identity-verification=", ""):
        publish(dns, globex, "globex.test", wrong)
        if not wrong:
            dns.records["_core-identity.globex.test"] = [("",)]
        with pytest.raises(InvalidValue, match="has another value"):
            prove(globex)
    dns.records["_core-identity.globex.test"] = [(value[:40],), (value[40:],)]  # two records are not one
    with pytest.raises(InvalidValue, match="has another value"):
        prove(globex)


def test_a_domain_that_is_not_in_the_settings_is_not_even_looked_up(dns: TxtServer, globex: Connection) -> None:
    for foreign in ("foreign.test", "localhost", "127.0.0.1", "169.254.169.254", "globex.test\0", ""):
        with pytest.raises(InvalidValue, match="is not among the email domains"):
            prove(globex, foreign)
    assert dns.questions == []


def test_a_proven_domain_of_another_customer_stays_theirs(dns: TxtServer, globex: Connection, idp: TestIdp) -> None:
    verify_domain(actor=COMMAND, connection=globex, domain="globex.test", reason="contract")
    initech = entered(make_connection("initech", customer="Initech"), idp, "globex.test")
    publish(dns, initech)
    with pytest.raises(DomainHeld):
        prove(initech)
    assert led_to("globex.test") == ["globex"]


def test_the_record_leads_people_to_the_connection_with_an_event(dns: TxtServer, globex: Connection) -> None:
    publish(dns, globex)
    assert led_to("globex.test") == []
    prove(globex, "Globex.Test.")
    assert led_to("globex.test") == ["globex"]
    assert VerifiedDomain.objects.get().verified_by == "command line, by a DNS record"
    event = Event.objects.get(kind="email_domain.verified")
    assert event.reason == "The TXT record _core-identity.globex.test was found."
    prove(globex)
    assert Event.objects.filter(kind="email_domain.verified").count() == 1


def test_a_value_in_several_strings_among_other_records_and_behind_an_alias_counts(
    dns: TxtServer, globex: Connection
) -> None:
    record = record_for(globex, "globex.test")
    dns.aliases[record.name] = "proofs.globex.test"
    dns.records["proofs.globex.test"] = [("v=spf1 -all",), (record.value[:30], record.value[30:] + " ")]
    prove(globex)
    assert led_to("globex.test") == ["globex"]


def test_an_answer_that_is_too_long_for_a_datagram_is_asked_for_again_by_tcp(
    dns: TxtServer, globex: Connection
) -> None:
    record = record_for(globex, "globex.test")
    dns.records[record.name] = [*[(f"{number:0200}",) for number in range(30)], (record.value,)]
    prove(globex)
    assert len(dns.questions) == 2
    assert led_to("globex.test") == ["globex"]


@pytest.mark.parametrize("fault", ["is_silent", "is_failing", "is_forged"])
def test_a_resolver_that_does_not_answer_proves_nothing_and_ends_in_time(
    fault: str, dns: TxtServer, globex: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(txt_records, "TIMEOUT", 0.1)
    monkeypatch.setattr(txt_records, "LIFETIME", 0.3)
    publish(dns, globex)
    setattr(dns, fault, True)
    with pytest.raises(InvalidValue, match="did not answer"):
        prove(globex)
    assert not VerifiedDomain.objects.exists()


def test_a_name_too_long_for_dns_is_refused_in_words(dns: TxtServer, globex: Connection, idp: TestIdp) -> None:
    longest = ".".join(["a" * 60] * 4) + ".test"
    entered(globex, idp, longest)
    with pytest.raises(InvalidValue, match="did not answer"):
        prove(globex, longest)
    assert dns.questions == []


def test_a_record_of_a_former_secret_key_counts_while_the_key_is_listed(
    dns: TxtServer, globex: Connection, settings: Any
) -> None:
    publish(dns, globex)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another-secret-key-of-enough-length-for-this"
    with pytest.raises(InvalidValue, match="has another value"):
        prove(globex)
    settings.SECRET_KEY_FALLBACKS = [former]
    prove(globex)


def test_each_connection_and_domain_has_a_value_of_its_own(globex: Connection) -> None:
    other = make_connection("globex-two", customer="Globex")
    values = {record_for(one, domain).value for one in (globex, other) for domain in ("a.test", "b.test")}
    assert len(values) == 4
    assert all(len(value) == len("core-identity-verification=") + 64 for value in values)

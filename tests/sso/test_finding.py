"""Finding a connection by an email address: only verified domains lead anywhere, and nobody learns the names of our customers."""

import json
import re
from functools import partial
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

import sso.settings.changes
from core_identity.errors import InvalidValue, SettingsErrors
from core_identity.models import Connection, Event
from core_identity.services.connections import switch_off
from core_identity.services.customers import rename_customer
from sso.models import VerifiedDomain
from sso.settings.email_domains import PUBLIC_MAIL, normal_domain, unverify_domain, verified_domains, verify_domain
from tests.core_identity.services.test_races import at_the_same_instant
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, make_connection
from tests.support.clock import travel
from tests.support.saml import TestIdp, now


def enter(connection: Connection, idp: TestIdp, *domains: object) -> None:
    sso.settings.changes.apply(
        connection, {"idp_metadata": idp.metadata(), "email_domains": list(domains)}, base_dir=None
    )


def verified(*domains: str) -> list[dict[str, Any]]:
    return [{"domain": domain, "verified": True} for domain in domains]


def lead(connection: Connection) -> list[str]:
    return [one.domain for one in verified_domains(connection)]


@pytest.fixture
def globex(acme: Connection, idp: TestIdp) -> Connection:
    """Another customer."""
    connection = make_connection("globex", customer="Globex")
    enter(connection, idp)
    return connection


def ask(browser: Browser, typed: str) -> str:
    return browser.http.post("/sign-in", {"connection": typed}).content.decode()


def offered(browser: Browser, typed: str) -> set[str]:
    """Return the connections that the answer leads to: several to choose from, or one to which the browser goes by itself."""
    answer = browser.http.post("/sign-in", {"connection": typed})
    page = answer.content.decode()
    found = {slug for slug in ("acme", "acme-entra", "globex") if f'href="/sso/{slug}/login"' in page}
    assert answer.get("Refresh") == (f"0; url=/sso/{min(found)}/login" if len(found) == 1 else None)
    return found


# The way there


def test_an_address_leads_to_the_connection_with_its_domain(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    enter(acme, idp, *verified("Acme.COM.", "bücher.example"))
    enter(globex, idp, *verified("globex.com"))
    for typed in ("Jane.Doe@ACME.com", " jane@acme.com. ", "x@BÜCHER.example", "x@xn--bcher-kva.example"):
        assert offered(browser, typed) == {"acme"}, typed
    assert offered(browser, "x@globex.com") == {"globex"}
    assert offered(browser, " GLOBEX ") == {"globex"}
    for typed in ("x@sub.acme.com", "x@cme.com", "acme.com", "a@globex.com@acme.org", "x@acme.com@globex.com"):
        assert offered(browser, typed) == set(), typed


def test_the_name_of_a_customer_leads_to_its_connections(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    enter(make_connection("acme-entra", customer="Acme"), idp)
    for typed in ("Globex", " gLoBeX ", "\uff27lobex"):
        assert offered(browser, typed) == {"globex"}, typed
    assert offered(browser, "Acme") == {"acme", "acme-entra"}
    for typed in ("Glob", "Globex Ltd", "Globex%", "G_obex", "Glo bex", "Globex\0", "*", "%", "' OR 1=1 --"):
        assert offered(browser, typed) == set(), typed


def test_a_name_in_a_link_is_not_read_because_links_are_not_counted(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    rename_customer(actor=ADMIN, customer_id=globex.customer_id, name="Globex Holding")
    enter(globex, idp, *verified("globex.com"))
    for text in ("Globex Holding", "x@globex.com", "globex.com"):
        answer = browser.http.get("/sign-in", {"connection": text})
        assert (answer.status_code, "/sso/" in answer.content.decode()) == (200, False), text
    assert browser.http.get("/sign-in", {"connection": "globex"})["Location"] == "/sso/globex/login"


def test_several_connections_of_one_customer_are_asked_about(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    entra = make_connection("acme-entra", customer="Acme")
    for connection in (acme, entra):
        enter(connection, idp, *verified("acme.com"))
    assert offered(browser, "jane@acme.com") == {"acme", "acme-entra"}
    assert "Choose your company" in ask(browser, "jane@acme.com")


def test_the_return_path_is_kept_and_stays_on_this_site(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    enter(acme, idp, *verified("acme.com"))
    form_data = {"connection": "jane@acme.com", "next": "/me?x=1"}
    answer = browser.http.post("/sign-in", form_data)
    assert answer["Refresh"] == "0; url=/sso/acme/login?next=%2Fme%3Fx%3D1"
    assert 'href="/sign-in?next=%2Fme%3Fx%3D1"' in answer.content.decode()
    link = browser.http.get("/sign-in", {"connection": "acme", "next": "/me?x=1"})
    assert link["Location"] == "/sso/acme/login?next=%2Fme%3Fx%3D1"


@pytest.mark.parametrize(
    "path", ["//evil.test", "https://evil.test/", "javascript:alert(1)", "/\\evil.test", "/me\r\nRefresh: 0; url=//evil.test", "/x;url=//evil.test"]
)  # fmt: skip
def test_no_way_onward_leads_off_this_site(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp, path: str
) -> None:
    enter(acme, idp, *verified("acme.com"))
    answers = [
        browser.http.post("/sign-in", {"connection": "jane@acme.com", "next": path}),
        browser.http.get("/sign-in", {"connection": "acme", "next": path}),
        browser.http.get("/sign-in", {"next": path}),
    ]
    for answer in answers:
        led = [answer.get("Refresh", "0; url=/").removeprefix("0; url="), answer.get("Location", "/")]
        led += re.findall(r'(?:href|action)="([^"]*)"', answer.content.decode())
        assert [one for one in led if not re.match(r"#|/(?![/\\])", unescape(one))] == [], path
        assert "evil.test" not in "".join(unquote(one) for one in led) or path.startswith("/x;")


# Nothing to learn


def test_an_address_in_a_link_is_not_read_and_a_form_of_another_site_is_refused(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    enter(acme, idp, *verified("acme.com"))
    page = browser.http.get("/sign-in", {"connection": "jane@acme.com"}).content.decode()
    assert "acme" not in page
    assert 'method="post"' in page
    browser.http.handler.enforce_csrf_checks = True
    assert browser.http.post("/sign-in", {"connection": "jane@acme.com"}).status_code == 403


def test_every_text_is_answered_alike_after_the_same_work_whether_it_leads_anywhere_or_not(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    enter(acme, idp, *verified("acme.com"))
    off = make_connection("off", customer="Off")
    enter(off, idp, *verified("off.com"))
    switch_off(actor=ADMIN, connection_id=off.pk, reason="moved")
    make_connection("only-scim", customer="Bare")
    enter(globex, idp, "globex.com")

    def seen(typed: str) -> tuple[int, str, list[str]]:
        with CaptureQueriesContext(database) as queries:
            answer = browser.http.post("/sign-in", {"connection": typed})
        page = re.sub(r'value="\w{64}"', "", answer.content.decode().replace(typed, "X"))  # the token against forgery
        return answer.status_code, page, [re.sub(r"\d", "", one["sql"].split("WHERE")[0]) for one in queries]

    nowhere = [
        seen(f"jane@{domain}") for domain in ("off.com", "globex.com", "nobody.com", "gmail.com", "x", "", "a@acme.com")
    ]
    assert all(one == nowhere[0] for one in nowhere)
    assert "Acme" not in nowhere[0][1]
    assert seen("jane@acme.com")[2] == nowhere[0][2]
    assert seen("nobody")[2] == seen("acme")[2] == seen("Globex")[2] == nowhere[0][2]
    assert seen("nobody")[:2] == seen("Off")[:2] == seen("Bare")[:2] == nowhere[0][:2]


def test_nobody_tries_names_for_long(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp, settings: LazySettings
) -> None:
    enter(acme, idp, *verified("acme.com"))
    settings.SIGN_IN_LOOKUPS_PER_MINUTE = 2
    with travel(now(), tick=False):  # one minute
        _try_four_times(browser)


def _try_four_times(browser: Browser) -> None:
    assert offered(browser, "jane@acme.com") == {"acme"}
    ask(browser, "jane@nobody.com")
    answers = [browser.http.post("/sign-in", {"connection": typed}) for typed in ("jane@acme.com", "jane@nobody.com")]
    assert {(one.status_code, one.content.decode().count("acme"), int(one["Retry-After"]) > 0) for one in answers} == {
        (429, 0, True)
    }
    assert browser.http.get("/sign-in", {"connection": "acme"}).status_code == 302, "a link continues to lead there"


@pytest.mark.parametrize(
    "typed", ["a@b\0.com", "\0", "a@" + "x" * 5000, "a@%00", "a@..", "@@@", "a@\u202e.com", "@", " "]
)
def test_odd_addresses_are_answered_as_any_other(acme: Connection, browser: Browser, typed: str) -> None:
    assert browser.http.post("/sign-in", {"connection": typed}).status_code == 200


# What is a domain


@pytest.mark.parametrize(
    "domain",
    ["acme", "a@acme.com", "-a.com", "acme..com", "", 5, "x" * 250 + ".com", "a b.com", "faß.example", None, {}],
)
def test_a_text_that_is_not_a_domain_is_named(acme: Connection, idp: TestIdp, domain: object) -> None:
    with pytest.raises(SettingsErrors) as refusal:
        enter(acme, idp, "acme.com", domain)
    assert [(fault.path, fault.code) for fault in refusal.value.faults] == [("saml.email_domains[1]", "wrong_type")]


@pytest.mark.parametrize(
    "entry", [{"domain": "acme.com", "verified": "yes"}, {"domain": "acme.com", "since": 1}, {"verified": True}]
)
def test_an_entry_has_a_domain_and_a_verified_flag(acme: Connection, idp: TestIdp, entry: object) -> None:
    with pytest.raises(SettingsErrors) as refusal:
        enter(acme, idp, entry)
    assert [fault.path for fault in refusal.value.faults] == ["saml.email_domains[0]"]


@pytest.mark.parametrize("domain", ["gmail.com", "GMX.de."])
def test_a_domain_where_anybody_can_have_an_address_belongs_to_no_customer(
    acme: Connection, idp: TestIdp, domain: str
) -> None:
    with pytest.raises(SettingsErrors) as refusal:
        enter(acme, idp, domain)
    assert [fault.code for fault in refusal.value.faults] == ["public_mail"]
    assert all(normal_domain(one) == one for one in PUBLIC_MAIL)


def test_letters_that_old_and_new_registries_read_differently_lead_nowhere(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    """Python's IDNA makes fass.example of faß.example, which is a domain of somebody else."""
    enter(acme, idp, *verified("fass.example"))
    assert offered(browser, "jane@faß.example") == offered(browser, "jane@FASS.example") - {"acme"} == set()


# Verifying


def test_an_administrator_verifies_a_domain_and_takes_that_back_R34(
    acme: Connection, globex: Connection, browser: Browser, idp: TestIdp
) -> None:
    enter(acme, idp, "acme.com")
    assert offered(browser, "jane@acme.com") == set()
    for _ in range(2):
        verify_domain(actor=ADMIN, connection=acme, domain="ACME.com.", reason="DNS record of today")
    assert offered(browser, "jane@acme.com") == {"acme"}
    for _ in range(2):
        unverify_domain(actor=ADMIN, connection=acme, domain="acme.com", reason="sold")
    assert offered(browser, "jane@acme.com") == set()
    events = Event.objects.filter(kind__startswith="email_domain.").order_by("at")
    assert [(one.kind, one.actor, one.changes, one.reason) for one in events] == [
        ("email_domain.verified", "boss", {"domain": [None, "acme.com"]}, "DNS record of today"),
        ("email_domain.unverified", "boss", {"domain": ["acme.com", None]}, "sold"),
    ]


def test_a_domain_that_was_not_entered_is_not_verified(acme: Connection, idp: TestIdp) -> None:
    enter(acme, idp, "acme.com")
    for domain in ("globex.com", "sub.acme.com", "not a domain", ""):
        with pytest.raises(InvalidValue, match="not among the email domains"):
            verify_domain(actor=ADMIN, connection=acme, domain=domain)
    with pytest.raises(InvalidValue):
        verify_domain(actor=ADMIN, connection=make_connection("bare", customer="Bare"), domain="acme.com")


def test_a_domain_leads_to_one_customer(acme: Connection, globex: Connection, browser: Browser, idp: TestIdp) -> None:
    """Offered beside the true one, a stranger's connection would be a way to a stranger's password page."""
    enter(acme, idp, *verified("acme.com"))
    enter(globex, idp, "acme.com")
    with pytest.raises(InvalidValue, match="leads to another customer through the connection acme"):
        verify_domain(actor=ADMIN, connection=globex, domain="acme.com")
    with pytest.raises(InvalidValue, match="leads to another customer through the connection acme"):
        enter(globex, idp, *verified("acme.com"))
    assert offered(browser, "jane@acme.com") == {"acme"}
    unverify_domain(actor=ADMIN, connection=acme, domain="acme.com")
    verify_domain(actor=ADMIN, connection=globex, domain="acme.com")
    assert offered(browser, "jane@acme.com") == {"globex"}


def test_a_removed_domain_leads_nowhere_and_must_be_verified_again_when_it_returns(
    acme: Connection, browser: Browser, idp: TestIdp
) -> None:
    enter(acme, idp, *verified("acme.com", "b.test"))
    enter(acme, idp, "b.test", {"domain": "c.test", "verified": False})
    assert lead(acme) == ["b.test"]
    enter(acme, idp, "acme.com", {"domain": "b.test", "verified": False})
    assert lead(acme) == []
    assert [one.changes["domain"] for one in Event.objects.filter(kind="email_domain.unverified").order_by("at")] == [
        ["acme.com", None],
        ["b.test", None],
    ]


def test_the_command_verifies_and_unverifies_and_lists_the_state_of_all(
    acme: Connection, idp: TestIdp, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*words: str) -> Any:
        call_command("connection", "verify-domain", "acme", *words, "--reason", "DNS record", "--json")
        return json.loads(capsys.readouterr().out)["domains"]

    enter(acme, idp, "acme.com", "b.test")
    answer = command("Acme.com")
    assert [(one["domain"], one["verified_by"]) for one in answer] == [("acme.com", "command line"), ("b.test", None)]
    command("b.test", "--dry-run")
    assert lead(acme) == ["acme.com"]
    assert {one["verified_at"] for one in command("acme.com", "--undo")} == {None}
    with pytest.raises(SystemExit):
        command("c.test")
    assert "Enter it there first" in capsys.readouterr().err


def test_applying_the_same_twice_verifies_once(acme: Connection, idp: TestIdp) -> None:
    for _ in range(2):
        enter(acme, idp, *verified("acme.com"))
    assert Event.objects.filter(kind="email_domain.verified").count() == 1
    assert lead(acme) == ["acme.com"]


@pytest.mark.django_db(transaction=True)
def test_one_of_four_customers_that_verify_a_domain_at_once_gets_it(idp: TestIdp) -> None:
    rivals = [make_connection(f"c{number}", customer=f"C{number}") for number in range(4)]
    answers = at_the_same_instant([partial(enter, rival, idp, *verified("acme.com")) for rival in rivals])
    assert sorted(type(answer).__name__ for answer in answers) == ["DomainHeld"] * 3 + ["NoneType"]
    assert VerifiedDomain.objects.count() == 1

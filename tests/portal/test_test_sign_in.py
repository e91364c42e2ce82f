"""A test sign-in by a set-up link: it shows the IdP's side, and nothing of CORE's side (R37, R38)."""

from dataclasses import replace

import pytest
from django.test import Client

import sso.settings.changes
from core_identity.models import Connection, Event, Identity, User
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.services.users import create_user
from sso.models import SignInRecord
from tests.portal.conftest import HOST, Customer
from tests.sso.conftest import Browser
from tests.support.cast import COMMAND, JANE, OKTA, by_sso
from tests.support.saml import TestIdp, request_in

JANE_BY_SSO = by_sso(JANE)


class CustomerBrowser(Browser):
    """The customer's browser at the IdP and back."""

    def __init__(self, idp: TestIdp, http: Client) -> None:
        self.idp, self.http = idp, http

    def leave(self, slug: str = "globex", **query: str) -> str:
        page = self.http.post("/set-up/test")
        assert page.status_code == 200
        return str(request_in(page["Refresh"].partition("url=")[2]).get("ID"))


@pytest.fixture
def tester(customer: Customer, globex: Connection, idp: TestIdp) -> CustomerBrowser:
    sso.settings.changes.apply(globex, {"idp_metadata": idp.metadata()}, base_dir=None)
    return CustomerBrowser(idp, customer.http)


def result(tester: CustomerBrowser, person: object, **changes: object) -> str:
    answer = tester.come_back(person, slug="globex", **changes)  # type: ignore[arg-type]
    assert answer.status_code == 303, answer.content.decode()
    assert answer["Location"].startswith("/set-up/tested?ticket=")
    page = tester.http.get(answer["Location"])
    assert page.status_code == 200
    assert "shown already" in tester.http.get(answer["Location"]).content.decode()
    return str(page.content.decode())


def test_a_good_test_shows_what_the_idp_sent_and_makes_nobody(tester: CustomerBrowser, customer: Customer) -> None:
    page = result(tester, JANE_BY_SSO)
    for part in ("The test passed", "jane.doe", "Acme Studios", "Attribute of the UID", "✓"):
        assert part in page
    assert not Identity.objects.exists()
    assert SignInRecord.objects.get().is_test
    assert customer.http.get("/me").status_code == 401, "no session begins"
    steps = customer.get("/steps").content.decode()
    assert steps.count("core-step-done") == 3
    passed = Event.objects.get(kind="connection.test_passed")
    assert (passed.actor_kind, passed.actor_id) == ("setup_link", str(customer.link.pk))
    SignInRecord.objects.all().delete()
    assert customer.get("/steps").content.decode().count("core-step-done") == 3, "a tick needs no log"


def test_nothing_of_core_s_side_is_in_the_result(tester: CustomerBrowser, globex: Connection) -> None:
    identity = create_person(actor=OKTA, connection=globex, person=JANE).identity
    known = result(tester, JANE_BY_SSO)
    user = create_user(actor=COMMAND, username="rival", email="new@globex.test", customer=globex.customer)
    conflict = result(tester, replace(JANE_BY_SSO, uid="new", name_id="new@globex.test", email="new@globex.test"))
    expire(actor=COMMAND, user_id=identity.user_id, reason="left")
    expired = result(tester, JANE_BY_SSO)
    assert "CORE would let this person in" in known
    for page in (conflict, expired):
        assert "Your side is correct" in page
        assert "for a reason on its own side" in page
    for page in (known, conflict, expired):
        for secret in (
            "Who this is",
            "Mark beside the UID",
            "rival",
            "expired",
            "conflict",
            str(user.pk),
            "/admin/",
            "boss",
        ):
            assert secret not in page, secret


def test_the_refusal_names_what_to_correct_at_the_idp(tester: CustomerBrowser, stranger: TestIdp) -> None:
    missing = result(tester, replace(JANE_BY_SSO, uid=None))
    assert "The test did not pass" in missing
    assert "UID" in missing
    assert "Your side is correct" not in missing
    forged = CustomerBrowser(stranger, tester.http)
    assert "The test did not pass" in result(forged, JANE_BY_SSO)


def test_a_result_belongs_to_the_browser_that_has_the_link_open(
    tester: CustomerBrowser, customer: Customer, boss: User
) -> None:
    answer = tester.come_back(JANE_BY_SSO, slug="globex")
    superuser = Client(headers={"host": HOST})
    superuser.force_login(boss)
    superuser.cookies["__Host-sign-in"] = tester.http.cookies["__Host-sign-in"].value
    assert superuser.get(answer["Location"]).status_code == 404
    customer.post("/leave")
    successor = Customer(customer.secret)
    successor.open()
    assert "shown already" in successor.http.get(answer["Location"]).content.decode()


def test_without_metadata_there_is_nothing_to_test(customer: Customer) -> None:
    assert customer.get("/test")["Location"] == "/set-up"
    assert customer.post("/test")["Location"] == "/set-up"
    assert Event.objects.filter(actor_kind="setup_link").count() == 1

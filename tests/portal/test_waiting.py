"""A change that a set-up link leaves for a superuser is counted, listed and shown on Home, until it is settled (R38)."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

import sso.settings.changes
from core_identity.models import Connection, SetupLink, SetupProposal, User
from core_identity.portal.links import address_of
from core_identity.selectors.attention import attention_counts
from core_identity.services.push.provisioning import create_person
from tests.admin.conftest import browser_of, staff
from tests.portal.conftest import HOST, Customer
from tests.support.cast import JANE, OKTA
from tests.support.clock import travel
from tests.support.saml import TestIdp

SET_UPS = "/admin/core_identity/connection/set-ups/"


@pytest.fixture
def proposed(customer: Customer, globex: Connection, idp: TestIdp, stranger: TestIdp) -> SetupProposal:
    sso.settings.changes.apply(globex, {"idp_metadata": idp.metadata()}, base_dir=None)
    create_person(actor=OKTA, connection=globex, person=JANE)
    customer.send(stranger.metadata())
    return SetupProposal.objects.get()


def count() -> int:
    return attention_counts(["set_ups"])["set_ups"]


def test_a_proposal_and_a_finished_set_up_wait_until_they_are_settled(
    customer: Customer, proposed: SetupProposal, globex: Connection, boss: User
) -> None:
    administrator = browser_of(boss)
    assert count() == 1
    customer.post("/finish")
    assert count() == 2
    for page in ("/admin/", SET_UPS):
        shown = administrator.get(page).content.decode()
        assert "New metadata of the identity provider" in shown
        assert "The customer finished the set-up" in shown
        assert reverse("admin:core_identity_connection_proposed-metadata", args=[globex.pk]) in shown
    assert "Set-ups by customers" in administrator.get("/admin/").content.decode()

    with travel(timezone.now() + timedelta(days=8)):
        assert count() == 2, "a link that expired by itself takes nothing away"
    links = reverse("admin:core_identity_connection_setup-link", args=[globex.pk])
    administrator.post(links, {"revoke": str(customer.link.pk)})
    assert count() == 1
    decided = {"proposal": proposed.pk, "reject": "1"}
    administrator.post(reverse("admin:core_identity_connection_proposed-metadata", args=[globex.pk]), decided)
    assert count() == 0
    assert "No customer proposed a change" in administrator.get(SET_UPS).content.decode()


def test_a_new_link_settles_the_finished_one(customer: Customer, globex: Connection, boss: User) -> None:
    customer.post("/finish")
    SetupLink.objects.update(expires_at=timezone.now() - timedelta(days=1))
    browser_of(boss).post(reverse("admin:core_identity_connection_setup-link", args=[globex.pk]), {})
    assert count() == 0


def test_only_a_superuser_sees_the_list_and_its_count(customer: Customer, proposed: SetupProposal) -> None:
    reader = browser_of(staff("reader", "view_connection", "change_connection"))
    assert reader.get(SET_UPS).status_code == 403
    assert "Set-ups by customers" not in reader.get("/admin/").content.decode()


def ask(*words: str) -> Any:
    out = io.StringIO()
    call_command("connection", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_command_makes_lists_and_ends_links(globex: Connection, boss: User) -> None:
    answer = ask("link", "create", "globex", "--by", "BOSS")
    secret = answer["link"].rpartition("/")[2]
    assert answer["link"] == address_of(secret) == f"http://{HOST}" + reverse("portal-open", args=[secret])
    customer = Customer(secret)
    assert customer.open().status_code == 302
    (listed,) = ask("link", "list", "globex")["links"]
    assert (listed["state"], listed["openings"], listed["created_by"]) == ("live", 1, "boss")
    assert secret not in json.dumps(listed)
    (ended,) = ask("link", "revoke", "globex")["links"]
    assert ended["state"] == "ended"
    assert customer.get().status_code == 404


@pytest.mark.parametrize("maker", ["", "nobody", "helper"])
def test_a_command_makes_no_link_with_the_rights_of_somebody_else(maker: str, globex: Connection, boss: User) -> None:
    staff("helper", "change_connection")
    with pytest.raises(SystemExit):
        ask("link", "create", "globex", "--by", maker)
    assert not SetupLink.objects.exists()

"""The filters of a list: those that leave out rows are named, also where a telephone folds them."""

import re
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core_identity.models import Connection, Customer, Identity, PushGroup
from core_identity.services.roles import create_role
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, make_connection


def summary(http: Client, address: str) -> str:
    page = http.get(address).content.decode()
    (found,) = re.findall(r'<details class="core-filters-fold">\s*<summary>(.*?)</summary>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found).split())


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("core_identity/user/", "Filters"),
        ("core_identity/user/?status=expired&connection=acme", "Filters: status expired · connection Acme"),
        ("core_identity/user/?is_staff__exact=1", "Filters: staff Yes"),
        ("core_identity/conflict/", "Filters"),
        ("core_identity/conflict/?state=all", "Filters: state all"),
        ("sso/signinrecord/?outcome=refused&when=hour", "Filters: outcome refused, all · time last hour"),
        ("scim/provisioningrecord/?since=2026-05-15T10:00", "Filters: time from 15 May 2026 10:00"),
        ("core_identity/event/?about=roles", "Filters: kind roles"),
        ("core_identity/user/all-drift/", "Filters"),
        ("core_identity/user/all-drift/?connection=acme&kind=title", "Filters: connection acme · title"),
    ],
)
def test_the_summary_names_each_filter_that_leaves_out_rows(
    address: str, words: str, as_root: Client, acme: Connection
) -> None:
    assert summary(as_root, f"/admin/{address}") == words


def test_a_list_that_a_link_limits_names_the_row(as_root: Client, acme: Connection, jane: Identity) -> None:
    for log in ("sso/signinrecord", "core_identity/event"):
        address = f"/admin/{log}/?user_id={jane.user_id}"
        assert summary(as_root, address) == "Filters: person jane.doe@acme.test"
        assert '<a href="?">Clear all filters</a>' in re.sub(r"\s+", " ", as_root.get(address).content.decode())
    of_connection = summary(as_root, f"/admin/core_identity/event/?subject_id={acme.pk}")
    assert of_connection == "Filters: about acme"
    assert as_root.get("/admin/core_identity/event/?user_id=nobody").status_code == 302


def suggested(browser: Client, of: str, text: str) -> list[tuple[str, str]]:
    answer: Any = browser.get(f"/admin/suggest/{of}/", {"q": text})
    assert answer.status_code == 200
    return [(one["value"], one["label"]) for one in answer.json()["found"]]


@pytest.fixture
def many(db: None) -> None:
    """More connections than any field could list."""
    customer = Customer.objects.create(name="Globex & Co", name_key="globex & co")
    Connection.objects.bulk_create(
        Connection(customer=customer, slug=f"idp-{n:03}", name=f"Globex Number {n}", uid_attribute="UID")
        for n in range(300)
    )


def test_a_field_suggests_any_connection_customer_or_role_by_a_part_of_its_name(as_root: Client, many: None) -> None:
    create_role(actor=ADMIN, name="Editors")
    assert suggested(as_root, "connection", "number 299") == [("idp-299", "Globex Number 299 (idp-299)")]
    assert suggested(as_root, "connection", "IDP-29")[-1] == ("idp-299", "Globex Number 299 (idp-299)")
    assert suggested(as_root, "connection", "idp-017") == [("idp-017", "Globex Number 17 (idp-017)")]
    assert len(suggested(as_root, "connection", "")) == len(suggested(as_root, "connection", "globex")) == 20
    assert suggested(as_root, "customer", "EX & c") == [("Globex & Co", "Globex & Co")]
    assert suggested(as_root, "role", "edit") == [("Editors", "Editors")]
    assert suggested(as_root, "role", "a\0b") == suggested(as_root, "role", "nothing") == []
    assert as_root.get("/admin/suggest/user/", {"q": "a"}).status_code == 404


def test_an_exact_name_is_suggested_before_longer_ones(as_root: Client, many: None) -> None:
    make_connection("zz", customer="Globex")
    Connection.objects.filter(slug="zz").update(name="Globex Number")
    assert suggested(as_root, "connection", "zz") == [("zz", "Globex Number (zz)")]
    assert suggested(as_root, "customer", "globex") == [("Globex", "Globex"), ("Globex & Co", "Globex & Co")]
    assert suggested(as_root, "connection", "globex number")[0] == ("zz", "Globex Number (zz)")


@pytest.mark.parametrize(
    ("permission", "kinds"),
    [
        ("view_user", {"connection", "customer", "role"}),
        ("change_user", {"connection", "customer", "role"}),
        ("view_role", {"connection", "customer", "role"}),
        ("view_event", {"connection"}),
        ("view_conflict", {"connection", "customer"}),
        ("view_connection", {"connection", "customer"}),
        ("view_customer", {"customer"}),
        ("view_payload", set()),
    ],
)
def test_names_are_suggested_to_administrators_of_a_list_with_this_filter(
    permission: str, kinds: set[str], acme: Connection
) -> None:
    browser = browser_of(staff("somebody", permission))
    opened = {
        kind for kind in ("connection", "customer", "role") if browser.get(f"/admin/suggest/{kind}/").status_code == 200
    }
    assert opened == kinds


def test_a_suggestion_costs_the_same_for_few_and_for_many(as_root: Client, acme: Connection) -> None:
    as_root.get("/admin/suggest/connection/")
    with CaptureQueriesContext(database) as few:
        suggested(as_root, "connection", "acme")
    for number in range(30):
        make_connection(f"acme-{number}", customer="Acme")
    with CaptureQueriesContext(database) as more:
        suggested(as_root, "connection", "acme")
    assert len(few) == len(more) <= 5


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("core_identity/user/", {"connection", "role", "customer"}),
        ("core_identity/connection/", {"customer"}),
        ("core_identity/conflict/", {"connection", "customer"}),
        ("core_identity/event/", {"connection"}),
        ("sso/signinrecord/", {"connection"}),
        ("scim/provisioningrecord/", {"connection"}),
        ("core_identity/user/all-drift/", {"connection", "customer"}),
    ],
)
def test_each_list_has_fields_that_suggest_names_and_work_without_a_script(
    address: str, kinds: set[str], as_root: Client, many: None
) -> None:
    page = as_root.get(f"/admin/{address}").content.decode()
    fields = re.findall(r'<input [^>]*name="(\w+)"[^>]*data-suggest="/admin/suggest/(\w+)/"[^>]*>', page)
    assert fields
    assert {kind for _, kind in fields} == kinds
    assert all(name == kind for name, kind in fields)


def test_a_list_over_all_connections_is_filtered_by_the_name_of_a_connection_too(
    as_root: Client, acme: Connection
) -> None:
    Connection.objects.filter(pk=acme.pk).update(name="Acme Studios")
    Connection.objects.filter(pk=make_connection("other", customer="Other").pk).update(name="Other Studios")
    for connection in Connection.objects.all():
        PushGroup.objects.create(connection=connection, display_name=connection.name, name_key=connection.slug)
    for text in ("acme", "ACME studios"):
        page = as_root.get("/admin/core_identity/connection/waiting-groups/", {"connection": text})
        assert [group.display_name for group, _ in page.context["rows"]] == ["Acme Studios"]

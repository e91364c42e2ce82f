"""The pages of the provisioning log: who a request was about, the answer to the client, and what to do (R35)."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from core_identity.models import Conflict, Identity, PushGroup
from scim.models import Payload, ProvisioningRecord
from tests.admin.conftest import browser_of, staff
from tests.scim.conftest import ENTERPRISE, Scim, person

LIST = "/admin/scim/provisioningrecord/"
UID = {ENTERPRISE: {"UID": "jane.doe"}}


@pytest.fixture
def as_auditor(db: None) -> Client:
    """May see everything but payloads."""
    return browser_of(staff("auditor", "view_connection", "view_user", "view_conflict", "view_event"))


@pytest.fixture
def as_reader(db: None) -> Client:
    return browser_of(staff("reader", "view_connection", "view_user", "view_conflict", "view_event", "view_payload"))


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(answer.content.decode()))


def page_of(browser: Client, record: ProvisioningRecord) -> str:
    return text(browser.get(f"{LIST}{record.pk}/change/"))


def refused_by_email(okta: Scim) -> ProvisioningRecord:
    okta.make(**UID)
    okta.post("/Users", {**person("jill@acme.test"), "emails": person()["emails"], "password": "hunter2"})
    return ProvisioningRecord.objects.latest("id")


def test_a_refused_push_shows_why_and_the_way_to_its_conflict_and_events_R35(okta: Scim, as_reader: Client) -> None:
    record = refused_by_email(okta)
    page = page_of(as_reader, record)
    assert "POST /Users refused: the email belongs to somebody else" in page
    assert record.sentence in page
    assert "How to fix this: If both are the same person, send the same UID by SAML and by SCIM." in page.replace(
        "</strong>", ""
    )
    assert f"/admin/core_identity/conflict/{Conflict.objects.get().pk}/change/" in page
    assert "Decide this conflict" in page
    assert f"/admin/core_identity/event/?q={record.reference}" in page
    assert f"/admin/core_identity/user/{Identity.objects.get().user_id}/change/" in page
    assert '"userName": "jill@acme.test"' in page
    assert '"password": "(removed)"' in page
    assert '"scimType": "uniqueness"' in page
    assert "curl -X POST" in page
    assert "hunter2" not in page


def test_payloads_need_their_own_permission_R35(okta: Scim, as_auditor: Client, as_reader: Client) -> None:
    okta.make(title="Boss")
    record = ProvisioningRecord.objects.latest("id")
    page = page_of(as_auditor, record)
    assert "Boss" not in page
    assert "You need the permission to view payloads" in page
    assert '"title": "Boss"' in page_of(as_reader, record)
    Payload.objects.all().delete()
    assert "not kept any more" in page_of(as_reader, record)


def test_without_permission_to_see_people_no_user_is_named_R35(okta: Scim) -> None:
    okta.make(**UID)
    record = ProvisioningRecord.objects.latest("id")
    browser = browser_of(staff("connections", "view_connection"))
    for page in (text(browser.get(LIST)), page_of(browser, record)):
        assert "Jane" not in page
        assert "/core_identity/user/" not in page


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "{{ 7 }}", "</pre><b>", '"><img src=x>', "\u202egnp", "\ud800", "a\0b"]
)
def test_a_payload_is_shown_as_escaped_text_R35(okta: Scim, as_reader: Client, hostile: str) -> None:
    okta.post("/Users", {**person(), "title": hostile, "active": hostile, hostile: hostile})
    answer = as_reader.get(f"{LIST}{ProvisioningRecord.objects.latest('id').pk}/change/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "</pre><b>" not in page
    assert "\u202e" not in page
    assert "style=" not in page.partition('id="content-main"')[2]
    assert "onclick" not in page


def test_the_list_shows_people_groups_and_decisions_and_is_searched_by_names_R35(
    okta: Scim, as_auditor: Client
) -> None:
    resource = okta.make(externalId="00u1", **UID)
    okta.post("/Groups", {"displayName": "Writers", "members": [{"value": resource["id"]}]})
    okta.get("/Users", filter='userName eq "jane.doe@acme.test"')
    okta.post("/Users", {**person("jill@acme.test"), "emails": person()["emails"]})
    page = text(as_auditor.get(LIST))
    assert page.count(f'/admin/core_identity/user/{Identity.objects.get().user_id}/change/">Jane Doe</a>') == 2
    group = PushGroup.objects.get()
    page_of_group = f"/admin/core_identity/connection/{group.connection_id}/group/?group={group.pk}"
    assert f'<a href="{page_of_group}">Writers</a>' in page
    assert "Group Writers of" in text(as_auditor.get(page_of_group))
    assert "refused: the email belongs to somebody else" in page
    for words, number in (
        ("JANE.doe@acme.test", 3),
        ("00u1", 1),
        ("jane.doe", 1),
        (resource["id"], 3),
        ("jill@acme.test", 1),
        ("nobody", 0),
        ("%", 0),
    ):
        listed = as_auditor.get(LIST, {"q": words}).context["cl"].result_list
        assert len(listed) == number, words


def test_the_page_gives_a_command_only_for_a_message_that_was_kept(okta: Scim, as_reader: Client) -> None:
    okta.make(password="hunter2")
    page = page_of(as_reader, ProvisioningRecord.objects.latest("id"))
    assert "Copy as curl" in page
    assert "The token is left out. Set SCIM_TOKEN first. Secrets are replaced by (removed)" in page
    okta.post("/Users", {**person("zoe@acme.test"), **{f"x{number}": "y" * 1_900 for number in range(20)}})
    page = page_of(as_reader, ProvisioningRecord.objects.latest("id"))
    assert "Copy as curl" not in page
    assert "There is no command for a shell, because the message was not kept." in page


SEARCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}


def test_the_decision_of_a_look_up_is_what_it_found_R35(okta: Scim) -> None:
    def decision(path: str, **query: str) -> str:
        answer = okta.post(path, SEARCH) if path.endswith(".search") else okta.get(path, **query)
        return ProvisioningRecord.objects.get(reference=answer["X-Request-Id"]).decision

    jane = 'userName eq "jane.doe@acme.test"'
    assert [decision(path) for path in ("/Users", "/Groups", "/.search")] == [
        "found nobody",
        "found no group",
        "found nothing",
    ]
    okta.make()
    assert [decision(path) for path in ("/Users/.search", "/.search")] == ["found one person", "found one resource"]
    assert decision("/Users", filter=jane) == "found one person"
    assert decision("/Users", filter='userName eq "nobody@acme.test"') == "found nobody"
    okta.make("zoe@acme.test")
    okta.post("/Groups", {"displayName": "Writers"})
    assert [decision(path) for path in ("/Users", "/Groups", "/Groups/.search", "/.search")] == [
        "found 2 people",
        "found one group",
        "found one group",
        "found 3 resources",
    ]
    assert decision("/Users", count="1") == "found 2 people, 1 of them in this answer"
    assert decision("/Users", cursor="", count="1") == "found 2 people, 1 of them in this answer"
    assert decision("/Users", filter=jane, count="0") == "found one person, 0 of them in this answer"
    assert [decision(path) for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig")] == ["", "", ""]


def test_only_who_may_see_people_reads_whom_a_look_up_found_R35(okta: Scim, as_auditor: Client) -> None:
    okta.make(externalId="00u1", **UID)
    okta.get("/Users", filter='externalId eq "00u1"')
    record = ProvisioningRecord.objects.latest("id")
    assert "GET /Users: found Jane Doe" in page_of(as_auditor, record)
    assert "<strong>Decision:</strong> found Jane Doe" in page_of(as_auditor, record)
    assert ">found Jane Doe<" in text(as_auditor.get(LIST))
    browser = browser_of(staff("connections", "view_connection"))
    for page in (text(browser.get(LIST)), page_of(browser, record)):
        assert "found one person" in page
        assert "Jane" not in page
    user = f"/admin/core_identity/user/{Identity.objects.get().user_id}/change/"
    assert "looked the person up." in text(as_auditor.get(user))
    okta.post("/Users/.search", {**SEARCH, "filter": 'externalId eq "00u1"'})
    assert text(as_auditor.get(user)).count("looked the person up.") == 2


def test_a_look_up_without_a_match_says_so_R35(okta: Scim, as_auditor: Client) -> None:
    okta.get("/Users", filter='userName eq "nobody@acme.test"')
    assert ">found nobody<" in text(as_auditor.get(LIST))
    page = page_of(as_auditor, ProvisioningRecord.objects.latest("id"))
    assert "GET /Users: found nobody" in page
    assert "<strong>Decision:</strong> found nobody" in page


def test_filters_by_time_and_by_a_part_of_a_connections_name_R35(okta: Scim, other: Scim, as_auditor: Client) -> None:
    okta.get("/Users")
    other.get("/Users")
    old = ProvisioningRecord.objects.earliest("id")
    ProvisioningRecord.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(hours=3))

    def found(**query: str) -> int:
        return len(as_auditor.get(LIST, query).context["cl"].result_list)

    assert [found(when="hour"), found(when="day"), found(when="nonsense")] == [1, 2, 2]
    assert [found(since="2020-01-01T00:00"), found(until="2020-01-01T00:00"), found(since="nonsense")] == [2, 0, 2]
    assert [found(connection="glob"), found(connection="Acme"), found(connection="nothing")] == [1, 1, 0]
    assert found(connection="globex", when="hour", since="2020-01-01T00:00") == 1
    page = as_auditor.get(LIST, {"connection": "glob", "q": "x"}).content.decode()
    assert '<input type="hidden" name="q" value="x">' in page
    assert '<input type="hidden" name="connection" value="glob">' in page


def test_the_pages_cost_the_same_for_few_and_for_many_R35(
    okta: Scim, as_reader: Client, settings: LazySettings, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    record = refused_by_email(okta)
    for number in range(12):
        okta.make(f"p{number}@acme.test")
    for path in (LIST, f"{LIST}?q=jane.doe&connection=acme&outcome=failed", f"{LIST}{record.pk}/change/"):
        with django_assert_max_num_queries(20):
            as_reader.get(path)

"""The page of people known twice (R7, R37)."""

from dataclasses import replace

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from core_identity.errors import Conflict
from core_identity.models import Connection, Identity
from core_identity.services.expiry import expire
from core_identity.services.push.provisioning import create_person
from core_identity.values import Person
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, make_connection
from tests.support.sign_in import sign_in


def page_of(connection: Connection, name: str = "mismatches") -> str:
    return f"/admin/core_identity/connection/{connection.pk}/{name}/"


def twice(connection: Connection, number: int = 0) -> tuple[Identity, Identity]:
    """Let a human come by both channels under two UIDs; return the identities by SCIM and by SSO."""
    address = f"p{number}@acme.test"
    pushed = Person(uid=f"p{number}", user_name=f"user{number}", email=address)
    person = Person(uid=address, name_id=address, email=f"{number}@home.test", given_name="P", family_name="Q")
    scim = create_person(actor=OKTA, connection=connection, person=pushed).identity
    return scim, sign_in(actor=BROWSER, connection=connection, person=person)


def test_the_page_of_a_connection_counts_likely_duplicates_R37(as_root: Client, acme: Connection) -> None:
    assert f'<a href="{page_of(acme)}">nobody' not in as_root.get(page_of(acme, "change")).content.decode()
    twice(acme)
    text = as_root.get(page_of(acme, "change")).content.decode()
    assert f'<a href="{page_of(acme)}">1 person</a>' in text


def test_both_sides_and_the_cause_are_shown_R7(as_root: Client, acme: Connection) -> None:
    scim, sso = twice(acme)
    expire(actor=ADMIN, user_id=scim.user_id, reason="left")
    answer = as_root.get(page_of(acme))
    text = answer.content.decode()
    for word in ("SSO sends as UID what SCIM sends as email.", "p0@acme.test", "user0", "no, expired"):
        assert word in text
    for identity in (scim, sso):
        assert f"/admin/core_identity/user/{identity.user_id}/change/" in text
    assert "style=" not in text
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_recent_refusals_are_counted_because_they_left_no_row_R9(as_root: Client, jane: Identity) -> None:
    assert "refused as conflicts" not in as_root.get(page_of(jane.connection)).content.decode()
    with pytest.raises(Conflict):
        create_person(
            actor=OKTA, connection=jane.connection, person=replace(JANE, uid="else", external_id="00u9", user_name="e")
        )
    text = as_root.get(page_of(jane.connection)).content.decode()
    assert "the 1 message of the last 7 days that CORE refused because of a conflict" in text
    assert "No likely duplicates." in text
    link = "/admin/core_identity/event/?about=refused&connection=acme"
    assert link.replace("&", "&amp;") in text
    assert as_root.get(link).status_code == 200


def test_many_pairs_come_in_pages_and_cost_no_more_queries(
    as_root: Client, acme: Connection, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(53):
        twice(acme, number)
    with django_assert_max_num_queries(14):
        first = as_root.get(page_of(acme)).content.decode()
    assert first.count(">SCIM</th>") == 30
    assert "Page 1 of 2, 53 pairs" in first
    assert "p52@acme.test" in first
    assert as_root.get(page_of(acme), {"page": "2"}).content.decode().count(">SCIM</th>") == 23
    assert as_root.get(page_of(acme), {"page": "nonsense"}).status_code == 200


def test_the_page_needs_permission_to_see_people_and_connections(acme: Connection) -> None:
    twice(acme)
    assert browser_of(staff("both", "view_connection", "view_user")).get(page_of(acme)).status_code == 200
    for number, few in enumerate(((), ("view_connection",), ("view_user",))):
        assert browser_of(staff(f"few{number}", *few)).get(page_of(acme)).status_code == 403
    assert Client(headers={"host": "localhost"}).get(page_of(acme)).status_code == 302


def test_nobody_of_another_connection_is_on_the_page_R1(as_root: Client, acme: Connection) -> None:
    twice(make_connection("globex", customer="Globex"))
    assert "p0@acme.test" not in as_root.get(page_of(acme)).content.decode()

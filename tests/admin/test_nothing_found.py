"""An empty log names its cause: nobody has the name, or the person is known and nothing of them fits (R35)."""

import re

import pytest
from django.test import Client

from core_identity.models import Connection, Identity
from tests.admin.conftest import browser_of, staff

LOGS = {"sso/signinrecord": ("sign-ins", "sign-ins"), "scim/provisioningrecord": ("requests", "scim")}
each_log = pytest.mark.parametrize("log", list(LOGS))


def search(http: Client, log: str, **query: str) -> str:
    page = http.get(f"/admin/{log}/", query).content.decode()
    return re.sub(r"\s+", " ", page)


@each_log
def test_a_name_that_nobody_has_is_unknown(log: str, as_root: Client, jane: Identity) -> None:
    page = search(as_root, log, q="jnae.doe@acme.test")
    assert f"Nobody is known by “jnae.doe@acme.test”, and no {LOGS[log][0]} of the last 30 days contain it." in page
    assert "Compare the spelling with the identity provider." in page
    assert "Search without filters" not in page


@each_log
@pytest.mark.parametrize("name", ["jane.doe@acme.test", "00u1jane", "Doe"])
def test_the_page_shows_that_the_person_is_known_but_has_no_rows(
    log: str, name: str, as_root: Client, jane: Identity
) -> None:
    rows, happened = LOGS[log]
    page = search(as_root, log, q=name, when="hour")
    assert f"No {rows} with “{name}” and these filters in the last 30 days. This person is known by this text:" in page
    address = f"/admin/core_identity/user/{jane.user_id}/change/?happened={happened}"
    assert f'<a href="{address}">Jane Doe: all {rows}</a>' in page
    assert as_root.get(address).status_code == 200
    assert f'<a href="?q={name}">Search without filters</a>' in page.replace("%40", "@")


@each_log
def test_an_administrator_without_people_learns_no_name(log: str, acme: Connection, jane: Identity) -> None:
    page = search(browser_of(staff("reader", "view_connection")), log, q="jane.doe@acme.test")
    assert "of the last 30 days contain “jane.doe@acme.test”" in page
    assert "known by" not in page
    assert "Jane" not in page


@pytest.mark.parametrize("limit", ["user_id", "code"])
def test_a_search_in_a_list_that_a_link_limits_leads_to_the_whole_list(
    limit: str, as_root: Client, jane: Identity
) -> None:
    link = {"user_id": str(jane.user_id), "code": "expired"}[limit]
    page = search(as_root, "sso/signinrecord", q="ABC", **{limit: link})
    assert "no sign-ins of the last 30 days contain it with these filters." in page
    assert '<a href="?q=ABC">Search without filters</a>' in page
    assert '<a href="?q=ABC">Clear all filters</a>' in page
    assert "with these filters" not in search(as_root, "sso/signinrecord", q="ABC")


def test_the_empty_log_of_one_person_is_not_that_of_everybody(as_root: Client, jane: Identity) -> None:
    page = search(as_root, "sso/signinrecord", user_id=str(jane.user_id))
    assert "Nothing here with these filters." in page
    assert "Nobody has signed in yet." not in page
    assert '<a href="?">Clear all filters</a>' in page
    assert "Nobody has signed in yet." in search(as_root, "sso/signinrecord")

"""The filters of a list: those that leave out rows are named, also where a telephone folds them."""

import re

import pytest
from django.test import Client

from core_identity.models import Connection, Identity


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

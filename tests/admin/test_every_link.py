"""No link of a page leads its reader to a refusal: each page asks the target before it links to it (R39)."""

import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from core_identity.models import Connection, User
from tests.admin.conftest import browser_of, staff
from tests.support.everything import make_everything

READERS: Final = ("user", "connection", "role", "conflict", "event", "customer")
FILES: Final = re.compile(r"/export\.|\?certificate=|/jsi18n/|/logout/")
"""Addresses that answer with a file, or that no link of a reader follows."""
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)")


@pytest.fixture
def everything(root: User) -> Connection:
    return make_everything(root)


def page_of(address: str) -> str:
    """Return the address of a page without its row and its query: each page has one permission."""
    return _ID.sub("#", urlsplit(address).path)


def walk(browser: Client) -> Iterator[tuple[str, str, Any]]:
    """Follow each kind of link from Home on. Yield the address, the page with the link, and the answer."""
    todo, known = deque([("/admin/", "")]), {page_of("/admin/")}
    while todo:
        address, origin = todo.popleft()
        answer = browser.get(address)
        yield address, origin, answer
        if answer.status_code != 200:
            continue
        for link in re.findall(r'href="([^"#]+)', answer.content.decode()):
            target = urljoin(address, unescape(link))
            if target.startswith("/admin/") and not FILES.search(target) and page_of(target) not in known:
                known.add(page_of(target))
                todo.append((target, address))


def assert_no_link_is_refused(browser: Client) -> None:
    pages = list(walk(browser))
    assert len(pages) > 2
    faults = [
        f"{origin} leads to {address}" for address, origin, answer in pages if answer.status_code not in {200, 302}
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("model", READERS)
def test_a_reader_of_one_kind_of_rows_meets_no_refusal(model: str, everything: Connection) -> None:
    assert_no_link_is_refused(browser_of(staff("reader", f"view_{model}")))


def test_an_auditor_meets_no_refusal(everything: Connection) -> None:
    named = Permission.objects.filter(codename__startswith="view_", content_type__app_label="core_identity")
    assert_no_link_is_refused(browser_of(staff("auditor", *named.values_list("codename", flat=True))))


@pytest.mark.parametrize("model", ["user", "connection", "role"])
def test_an_administrator_of_one_kind_of_rows_meets_no_refusal(model: str, everything: Connection) -> None:
    assert_no_link_is_refused(browser_of(staff("keeper", f"view_{model}", f"change_{model}")))


def test_a_superuser_meets_no_refusal(everything: Connection, as_root: Client) -> None:
    assert_no_link_is_refused(as_root)

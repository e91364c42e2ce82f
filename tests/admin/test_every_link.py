"""No link of a page leads its reader to a refusal: each page asks the target before it links to it (R39)."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

import scim.connections
import sso.settings.changes
from core_identity import errors
from core_identity.models import Burst, Connection, Identity, SetupLink, SetupProposal, User
from core_identity.portal.links import make_link
from core_identity.portal.trust import Proposed
from core_identity.services.expiry import expire
from core_identity.services.groups import create_group
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role, grant_role
from core_identity.services.users import create_user
from core_identity.values import GroupChange
from scim.models import OAuthClient, ProvisioningRecord
from scim.oauth.bearer_tokens import make_token
from sso.settings.keys import make_key
from tests.admin.conftest import browser_of, put, staff
from tests.admin.test_home import sign_in as logged
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE, by_sso
from tests.support.saml import TestIdp
from tests.support.sign_in import sign_in

READERS: Final = ("user", "connection", "role", "conflict", "event", "customer")
FILES: Final = re.compile(r"/export\.|\?certificate=|/jsi18n/|/logout/")
"""Addresses that answer with a file, or that no link of a reader follows."""
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)")


@pytest.fixture
def everything(acme: Connection, jane: Identity, root: User) -> Connection:
    """A connection with something for each warning, list, banner and link of the administration."""
    now = timezone.now()
    sso.settings.changes.apply(acme, {"idp_metadata": TestIdp().metadata()}, base_dir=None)
    make_key(actor=COMMAND, connection=acme)
    scim.connections.apply(acme, {"grants": ["client_credentials"]}, rotate_secret=False)
    role = create_role(actor=ADMIN, name="Editors")
    grant_role(actor=ADMIN, user_id=jane.user_id, role_id=role.pk, reason="covers for Sam")
    make_token(actor=COMMAND, connection=acme, name="Entra", lasts=timedelta(days=6))
    create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Editors", add=frozenset({jane.scim_id})))
    create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Waiting", add=frozenset({jane.scim_id})))
    put(jane, replace(JANE, given_name="Janet"))
    third = replace(ZOE, uid="third", external_id="third", user_name="third@acme.test", email=JANE.email)
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=third)
    zoe = create_person(actor=OKTA, connection=acme, person=ZOE).identity
    put(zoe, replace(ZOE, active=False))
    put(zoe, ZOE)
    twice = replace(JANE, uid="j.doe", external_id=None, user_name=None, email="j.doe@acme.test")
    sign_in(actor=OKTA, connection=acme, person=by_sso(twice))
    Burst.objects.create(connection=acme, began_at=now, last_at=now)
    boss = create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True)
    OAuthClient.objects.filter(connection=acme).update(consented_by=boss, consented_as="boss", consented_at=now)
    expire(actor=COMMAND, user_id=boss.pk, reason="left")
    make_link(actor=ADMIN, connection=acme, created_by=root)
    SetupLink.objects.update(finished_at=now)
    SetupProposal.objects.create(connection=acme, kind=Proposed.TOKEN, proposed_by="contact")
    for code in ("signed_in", "signature", "audience"):
        logged(now, acme, code)
    for status in (200, 409):
        ProvisioningRecord.objects.create(
            at=now,
            method="POST",
            status=status,
            resource_type="Users",
            resource_id=jane.scim_id,
            duration_ms=1,
            connection_id=acme.pk,
            connection_slug=acme.slug,
        )
    return acme


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

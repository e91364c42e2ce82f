"""Entra's group overage: an attribute in place of the groups keeps roles for a while, and nothing else does (R31). Real signed messages."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from core_identity.models import Connection, Event, Grant, Identity, User
from core_identity.services.connections import change_connection
from core_identity.services.merge import merge
from core_identity.services.roles import create_role
from sso.models import SignInRecord
from tests.sso.conftest import Browser
from tests.support.cast import ADMIN, JANE, ZOE, by_sso
from tests.support.clock import travel
from tests.support.saml import attributes_of, now

JANE_BY_SSO = by_sso(JANE)
LINK = "https://graph.windows.net/tenant/users/jane/getMemberObjects"
KNOWN = [
    "http://schemas.microsoft.com/claims/groups.link",
    "http://schemas.microsoft.com/claims/Groups.Link",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups.link",
    "HTTP://SCHEMAS.MICROSOFT.COM/WS/2008/06/IDENTITY/CLAIMS/GROUPS.LINK",
]
UNKNOWN = [
    "groups.link",
    "http://schemas.microsoft.com/claims/groups",
    "http://schemas.microsoft.com/claims/groups.link ",
    "http://schemas.microsoft.com/claims/groups.lin\u212a",
    "http://schemas.microsoft.com/claims/groups.link/",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/groups.link",
    "http://schemas.microsoft.com.evil.test/claims/groups.link",
    "Department",
]
UNLISTED = {KNOWN[0]: (LINK,)}
LISTED = {"Group": ("Editors",)}
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def editors(acme: Connection) -> None:
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])


def sign_in(browser: Browser, attributes: Mapping[str, tuple[str, ...]], *, days: float = 0) -> list[str]:
    """Sign Jane in after so many days, and return the roles that she then has."""
    with travel(now() + days * DAY):
        all_attributes = {**attributes_of(JANE_BY_SSO), **attributes}
        assert browser.come_back(JANE_BY_SSO, attributes=all_attributes).status_code == 303
    return roles()


def roles() -> list[str]:
    return list(Grant.objects.values_list("role__name", flat=True))


def test_only_the_known_names_keep_roles_and_only_where_the_groups_are_absent_R31(browser: Browser) -> None:
    for name in KNOWN:
        assert sign_in(browser, LISTED) == ["Editors"]
        assert sign_in(browser, {name: (LINK,)}) == ["Editors"], name
        assert sign_in(browser, {name: (LINK,), "Group": ("",)}) == [], "an empty list is a list"
    for name in UNKNOWN:
        assert sign_in(browser, LISTED) == ["Editors"]
        assert sign_in(browser, {name: (KNOWN[0],)}) == [], f"anybody could name an attribute {name!r}"
    assert sign_in(browser, LISTED) == ["Editors"]
    assert sign_in(browser, {KNOWN[0]: ("",)}) == [], "it says nothing"


def test_overage_adds_no_role_that_no_list_gave_R31(browser: Browser) -> None:
    assert sign_in(browser, {KNOWN[0]: ("Editors",)}) == []
    assert Identity.objects.get().groups_listed_at is None
    assert "the groups give no role" in SignInRecord.objects.latest("id").decision


def test_roles_end_thirty_days_after_the_last_full_list_at_a_sign_in_R31(browser: Browser) -> None:
    sign_in(browser, LISTED)
    for days in (1, 20, 29.9):
        assert sign_in(browser, UNLISTED, days=days) == ["Editors"], "overage is no list, however often it comes"
    decision = SignInRecord.objects.latest("id").decision
    assert f"The roles from sign-ins stay until {now() + 30 * DAY:%Y-%m-%d}" in decision
    assert Event.objects.filter(kind="user.sso_groups_unlisted").count() == 1
    assert Event.objects.filter(kind="user.sso_groups_absent").count() == 0
    assert sign_in(browser, UNLISTED, days=30.1) == []
    ended = Event.objects.get(kind="grant.removed")
    assert ended.user_id == User.objects.get().pk
    assert "not listed the groups" in ended.reason
    assert "The roles from sign-ins ended on" in SignInRecord.objects.latest("id").decision
    assert sign_in(browser, LISTED, days=31) == ["Editors"], "a full list gives them again"
    assert Identity.objects.get().groups_unlisted_since is None


def test_housekeeping_ends_the_roles_of_a_person_who_does_not_come_back_R31(browser: Browser, acme: Connection) -> None:
    sign_in(browser, LISTED)
    browser.come_back(replace(by_sso(ZOE), groups=("Editors",)))
    sign_in(browser, UNLISTED, days=1)
    change_connection(actor=ADMIN, connection_id=acme.pk, overage_days=7)
    for days, left in ((6.9, 2), (7.1, 1), (90, 1)):
        with travel(now() + days * DAY):
            call_command("housekeeping")
        assert Grant.objects.count() == left
    assert Grant.objects.get().user.first_name == "Zoë", "the last sign-in of this person had a full list"
    assert Event.objects.get(kind="grant.removed").actor == "housekeeping"


def test_roles_that_a_merge_moves_end_when_they_would_have_R11_R31(browser: Browser) -> None:
    browser.come_back(by_sso(ZOE))
    sign_in(browser, LISTED)
    sign_in(browser, UNLISTED, days=1)
    zoe, jane = User.objects.get(first_name="Zoë"), User.objects.get(first_name="Jane")
    merge(actor=ADMIN, kept_id=zoe.pk, gone_id=jane.pk, reason="one person")
    for days, left in ((29, 1), (30.1, 0)):
        with travel(now() + days * DAY):
            call_command("housekeeping")
        assert Grant.objects.filter(user=zoe).count() == left


def test_the_connection_page_warns_and_lists_the_people_R31(browser: Browser, acme: Connection) -> None:
    sign_in(browser, LISTED)
    sign_in(browser, UNLISTED)
    User.objects.create_superuser("root", "root@acme.test", "x" * 20)
    root = Client(headers={"host": "localhost:8000"})
    root.force_login(User.objects.get(username="root"), backend="core_identity.backends.RoleBackend")
    page = root.get(f"/admin/core_identity/connection/{acme.pk}/groups/").content.decode()
    assert "At the last sign-in of 1 person the identity provider did" in page
    assert "jane.doe@acme.test" in page
    assert f"{now() + 30 * DAY:%Y-%m-%d}" in page
    change = root.get(f"/admin/core_identity/connection/{acme.pk}/change/").content.decode()
    assert "groups/#unlisted" in change

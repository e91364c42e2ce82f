"""Every page of every model opens for the right administrators, and no other page is reachable."""

from dataclasses import replace
from typing import Any, cast

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from core_identity import errors
from core_identity.admin_kit.base import CoreAdmin
from core_identity.models import Conflict, Connection, Customer, Event, Identity, Role, User
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from scim.models import ProvisioningRecord
from sso.models import SignInRecord
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, JANE, OKTA, ZOE

LOGS = (Event, ProvisioningRecord, SignInRecord)
REGISTERED = cast(list[tuple[type, CoreAdmin]], list(admin.site._registry.items()))
pages = pytest.mark.parametrize(("model", "page"), REGISTERED, ids=[model.__name__ for model, _ in REGISTERED])


@pytest.fixture
def rows(acme: Connection, jane: Identity) -> dict[type, Any]:
    """One row of each."""
    role = create_role(actor=ADMIN, name="Editors")
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email))
    return {
        Conflict: Conflict.objects.get(), Customer: acme.customer, Connection: acme, User: jane.user, Role: role, Event: Event.objects.first(),
        ProvisioningRecord: ProvisioningRecord.objects.create(at=timezone.now(), method="GET", status=200, duration_ms=1),
        SignInRecord: SignInRecord.objects.create(at=timezone.now(), connection_id=acme.pk, connection_slug="acme", code="issuer"),
    }  # fmt: skip


def url(page: CoreAdmin, what: str, *args: object) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{what}", args=args)


def test_these_models_are_administered_and_no_others() -> None:
    assert {model for model, _ in REGISTERED} == {
        Conflict, Customer, Connection, User, Role, Event, ProvisioningRecord, SignInRecord
    }  # fmt: skip


@pages
def test_the_pages_open_for_a_superuser(
    model: type, page: CoreAdmin, as_root: Client, root: User, rows: dict[type, Any]
) -> None:
    request = RequestFactory().get("/")
    request.user = root
    row = rows[model]
    assert as_root.get(url(page, "changelist")).status_code == 200
    assert as_root.get(url(page, "changelist"), {"q": "jane"}).status_code == 200
    assert as_root.get(url(page, "change", row.pk)).status_code == 200
    assert as_root.get(url(page, "add")).status_code == (200 if page.has_add_permission(request) else 403)
    history = as_root.get(url(page, "history", row.pk), follow=True)
    assert history.status_code == (404 if model in LOGS else 200)
    delete = as_root.get(url(page, "delete", row.pk))
    assert delete.status_code == (200 if model is Role else 403)


@pages
def test_nothing_is_deleted_by_a_list_or_by_a_post(
    model: type, page: CoreAdmin, as_root: Client, rows: dict[type, Any]
) -> None:
    row = rows[model]
    listed = as_root.get(url(page, "changelist")).content.decode()
    assert 'value="delete_selected"' not in listed
    as_root.post(url(page, "changelist"), {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"})
    if model is not Role:
        assert as_root.post(url(page, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert "deletelink" not in as_root.get(url(page, "change", row.pk)).content.decode()
    assert page.model._default_manager.filter(pk=row.pk).exists()


@pages
def test_nothing_opens_without_a_permission(model: type, page: CoreAdmin, rows: dict[type, Any], db: None) -> None:
    browser = browser_of(staff("nobody"))
    assert browser.get(url(page, "changelist")).status_code == 403
    assert browser.get(url(page, "change", rows[model].pk)).status_code == 403
    assert browser.get(url(page, "history", rows[model].pk)).status_code == 403 or model in LOGS


@pages
def test_nothing_opens_for_people_who_are_not_staff(
    model: type, page: CoreAdmin, rows: dict[type, Any], jane: Identity
) -> None:
    assert browser_of(jane.user).get(url(page, "changelist")).status_code == 302


@pytest.mark.parametrize("permissions", [(), ("view_user",), ("view_role",), ("view_event",), ("change_connection",)])
def test_home_opens_for_staff_with_few_permissions(permissions: tuple[str, ...], jane: Identity) -> None:
    answer = browser_of(staff("few", *permissions)).get("/admin/")
    assert answer.status_code == 200
    assert ("Last sign-ins" in answer.content.decode()) == ("change_connection" in permissions)


@pytest.mark.parametrize(
    "path",
    ["auth/group/", "scim/oauthclient/", "oauth2_provider/accesstoken/", "oauth2_provider/refreshtoken/", "sessions/session/",
     "sso/samlsettings/", "core_identity/identity/", "core_identity/grant/"],
)  # fmt: skip
def test_pages_that_would_bypass_the_services_are_not_found(path: str, as_root: Client) -> None:
    assert as_root.get(f"/admin/{path}").status_code == 404


def test_groups_of_auth_have_no_address() -> None:
    with pytest.raises(NoReverseMatch):
        reverse(f"admin:auth_{Group._meta.model_name}_changelist")


def test_no_page_contains_inline_code_that_its_policy_forbids(as_root: Client, rows: dict[type, Any]) -> None:
    """Inline styles, scripts and handlers would silently not work under the Content-Security-Policy."""
    for model, page in REGISTERED:
        for path in (url(page, "changelist"), url(page, "change", rows[model].pk)):
            answer = as_root.get(path)
            text = answer.content.decode()
            assert "style=" not in text
            assert " onclick=" not in text
            assert "<script>" not in text
            assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_a_page_of_a_deleted_object_says_so(as_root: Client) -> None:
    gone = "00000000-0000-4000-8000-000000000000"
    for path in (f"role/{gone}/waiting/", f"user/{gone}/roles/", f"connection/{gone}/switch/", f"user/{gone}/history/"):
        answer = as_root.get(f"/admin/core_identity/{path}", follow=True)
        assert answer.status_code == 200
        assert "There is no such" in answer.content.decode()
    assert as_root.get("/admin/core_identity/user/not-an-id/change/", follow=True).status_code == 200

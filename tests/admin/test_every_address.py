"""Each address of the administration, with real rows, asked by people who may do less than it needs."""

import re
from dataclasses import replace
from typing import Any, Final

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.utils import timezone

from core_identity import errors
from core_identity.models import Conflict, Connection, Event, Identity, PushGroup, Role
from core_identity.services.expiry import expire
from core_identity.services.groups import create_group
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from core_identity.services.users import create_user
from core_identity.values import GroupChange
from scim.models import BearerToken, Payload, ProvisioningRecord
from scim.oauth.bearer_tokens import make_token
from sso.models import SignInKind, SignInRecord
from tests.admin.conftest import browser_of, staff
from tests.architecture.test_urls import ALL
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA, ZOE

OPEN: Final = {
    "admin/",
    "admin/login/",
    "admin/logout/",
    "admin/password_change/",
    "admin/password_change/done/",
    "admin/jsi18n/",
    "admin/search/",
}
"""Addresses that each administrator may open, whatever the role. The search shows only what its reader may see."""
KEPT: Final = (
    "core_identity_budget",
    "core_identity_loggedhour",
    "core_identity_session",
    "django_",
    "sso_signinrecord",
)
"""Tables that any request may change."""


@pytest.fixture
def rows(acme: Connection, jane: Identity) -> dict[str, Any]:
    """Return the primary key of a row of each model, by the part of an address that names the model."""
    create_role(actor=ADMIN, name="Editors")
    with pytest.raises(errors.Conflict):
        create_person(actor=OKTA, connection=acme, person=replace(ZOE, email=JANE.email))
    create_group(actor=OKTA, connection=acme, change=GroupChange(display_name="Waiting", add=frozenset({jane.scim_id})))
    make_token(actor=COMMAND, connection=acme, name="Entra")
    record = ProvisioningRecord.objects.create(
        at=timezone.now(),
        method="GET",
        status=200,
        duration_ms=1,
        connection_id=acme.pk,
        connection_slug="acme",
        sentence="Jane Doe",
    )
    Payload.objects.create(record_id=record.pk, at=timezone.now(), sent='{"userName": "jane.doe@acme.test"}')
    signed_in = SignInRecord.objects.create(
        at=timezone.now(), connection_id=acme.pk, connection_slug="acme", code="issuer", name_id="jane.doe@acme.test"
    )
    return {
        "user": jane.user_id, "identity": jane.pk, "conflict": Conflict.objects.get().pk, "customer": acme.customer_id, "connection": acme.pk,
        "role": Role.objects.get().pk, "event": Event.objects.latest("id").pk, "provisioningrecord": record.pk, "signinrecord": signed_in.pk,
        "group": PushGroup.objects.get().pk, "token": BearerToken.objects.get().pk,
    }  # fmt: skip


def addresses(rows: dict[str, Any]) -> dict[str, str]:
    """Return each address of the administration by its pattern, with the keys of the rows."""
    found = {}
    for path, _ in ALL:
        if not path.startswith("admin/") or "(?P" in path:
            continue
        model = path.split("/")[2] if path.count("/") > 2 else ""

        def key_of(place: "re.Match[str]", model: str = model) -> str:
            kind, name = place[1] or "str", place[2]
            named = next((one for one in rows if name.startswith(one)), model)
            return str(rows.get(named, 1)) if kind in {"path", "uuid", "str"} or named in rows else "1"

        found[path] = "/" + re.sub(r"<(?:(\w+):)?(\w+)>", key_of, path)
    assert len(found) > 90
    return found


def snapshot() -> dict[str, str]:
    """Return a digest of each table."""
    digests = {}
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            if not table.startswith(KEPT):
                cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" AS t")  # noqa: S608
                digests[table] = cursor.fetchone()[0]
    return digests


def body_of(answer: Any) -> str:
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode(errors="replace")


def names_somebody(text: str) -> bool:
    return bool(re.search(r"jane|doe@|zo\xeb", text, re.IGNORECASE))


NAMED: Final = "The email jane.doe@acme.test belongs to Jane Doe."


def test_an_administrator_who_may_see_connections_only_is_shown_nobodys_name_R35(
    rows: dict[str, Any], acme: Connection, jane: Identity
) -> None:
    expire(actor=ADMIN, user_id=jane.user_id, reason="left")
    SignInRecord.objects.create(
        at=timezone.now(), connection_id=acme.pk, connection_slug="acme", code="conflict", kind=SignInKind.PERSON_REFUSED, decision=NAMED,
        user_id=jane.user_id, name_id="jane.doe@acme.test", uid="jane.doe", email="jane.doe@acme.test",
    )  # fmt: skip
    ProvisioningRecord.objects.update(status=409, cause="email", sentence=NAMED)
    clerk = browser_of(staff("clerk", "view_connection", "change_connection"))
    pages = {path: at for path, at in addresses(rows).items() if not path.startswith("admin/jsi18n")}
    for record in SignInRecord.objects.all():
        pages[f"sign-in {record.code}"] = f"/admin/sso/signinrecord/{record.pk}/change/"
    shown = {path: body_of(clerk.get(at)) for path, at in pages.items()}
    assert [path for path, text in shown.items() if names_somebody(text)] == []
    boss = browser_of(create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True))
    for path in (
        "admin/sso/signinrecord/",
        "admin/sso/signinrecord/export.csv",
        "admin/scim/provisioningrecord/export.jsonl",
    ):
        assert NAMED not in shown[path]
        assert NAMED in body_of(boss.get(pages[path]))


def test_no_list_compares_columns_that_it_has_no_filter_for(rows: dict[str, Any]) -> None:
    """The rows that are found would reveal a column that no page shows, a few characters at a time (CVE-2010-4534)."""
    boss = browser_of(create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True))
    for model in site._registry:
        listed = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert boss.get(listed).status_code == 200
        for field in model._meta.get_fields():
            for comparison in ("startswith", "gt", "regex", "password__gt", "user__password__gt"):
                answer = boss.get(listed, {f"{field.name}__{comparison}": "0"})
                assert (answer.status_code, answer["Location"]) == (302, f"{listed}?e=1"), (field.name, comparison)
    # The same holds for exports, and for the pages for many rows of a list.
    assert boss.get("/admin/core_identity/event/export.csv?reason__gt=a").status_code == 302
    for comparison, is_named in (("status=active", True), ("status=active&password__gt=!", False)):
        page = body_of(boss.get(f"/admin/core_identity/user/expire-many/?all=1&{comparison}"))
        assert names_somebody(page) is is_named


def test_an_auditor_who_may_view_everything_changes_nothing_by_any_address(rows: dict[str, Any]) -> None:
    permissions = Permission.objects.filter(codename__startswith="view_", content_type__app_label="core_identity")
    browser = browser_of(staff("auditor", *permissions.values_list("codename", flat=True)))
    before = snapshot()
    for path, at in addresses(rows).items():
        if path not in OPEN:
            browser.post(at, {"reason": "because", "post": "yes", "username": "jane.doe@acme.test", "name": "x"})
    assert browser.get("/admin/").status_code == 200
    assert snapshot() == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_address_shows_or_changes_anything_for_staff_without_a_role(method: str, rows: dict[str, Any]) -> None:
    browser = browser_of(create_user(actor=COMMAND, username="intern", is_staff=True))
    before = snapshot()
    faults: list[tuple[str, str, object]] = []
    for path, at in addresses(rows).items():
        if path in OPEN:
            continue
        answer = browser.generic(method, at)
        if answer.status_code not in {403, 404, 405} and not (
            answer.status_code == 302 and not names_somebody(answer["Location"])
        ):
            faults.append((method, at, answer.status_code))
        elif names_somebody(body_of(answer)):
            faults.append((method, at, "names somebody"))
    assert faults == []
    assert browser.get("/admin/").status_code == 200, "still signed in"
    assert snapshot() == before

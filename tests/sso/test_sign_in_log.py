"""The sign-in log: the row that an administrator finds by the reference that a person reads out."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core_identity.errors import Busy, IdentityError, InvalidValue, NoMark, NotAllowed, Refusal
from core_identity.models import Connection, Identity
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from core_identity.services.users import create_user
from sso.models import SignInKind, SignInRecord
from sso.saml.refusals import Code
from sso.sign_in.log import kind_of, refused_lately, search
from sso.sign_in.outcomes import LOGOUT_REFUSED, OUTCOMES, words_of
from sso.sign_in.remedies import REMEDIES
from tests.admin.conftest import browser_of, staff
from tests.sso.conftest import SERVICE, Browser
from tests.support.cast import COMMAND, JANE, ZOE, by_sso
from tests.support.saml import TestIdp

JANE_BY_SSO = by_sso(JANE)
LIST = "/admin/sso/signinrecord/"


def shown_row(record: SignInRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("code", "decision", "idp_initiated", "expected", "received")}


def test_a_sign_in_leaves_a_row_with_names_and_ids_and_no_value(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    record, identity = SignInRecord.objects.get(), Identity.objects.get()
    assert shown_row(record) == {
        "code": "signed_in", "decision": "Signed in: a new user.", "idp_initiated": False, "expected": "", "received": ""
    }  # fmt: skip
    assert (record.identity_id, record.user_id) == (identity.pk, identity.user_id)
    assert {"FirstName", "LastName", "Email"} <= set(record.arrived)
    stored = str(SignInRecord.objects.values().get())
    assert not [value for value in ("Jane", "Doe", "jane.doe", "Acme Studios") if value in stored]


def test_a_refused_message_is_found_by_its_reference_with_expected_and_received(browser: Browser) -> None:
    answer = browser.come_back(JANE_BY_SSO, audience="https://other.test")
    record = SignInRecord.objects.get(reference=answer["X-Request-Id"])
    assert record.reference in answer.content.decode()
    assert (record.code, record.expected, record.received) == (
        "audience", f"{SERVICE}/sso/acme/metadata", "https://other.test"
    )  # fmt: skip
    assert (record.identity_id, record.user_id, record.arrived) == (None, None, [])


def test_names_of_attributes_are_kept_legible_and_short(browser: Browser) -> None:
    """An IdP may give them any name, in every sign-in, and administrators read these names in the log."""
    claims = browser.claims(JANE_BY_SSO)
    names = {"n" * 100_000: ("x",), "UID\u202ediu": ("x",)}
    browser.post(browser.idp.response(replace(claims, attributes={**claims.attributes, **names})))
    record = SignInRecord.objects.get()
    assert record.code == "signed_in"
    assert {"n" * 300, "UID\\u202ediu"} <= set(record.arrived)


def test_a_missing_attribute_is_named_beside_those_that_arrived(browser: Browser) -> None:
    browser.come_back(replace(JANE_BY_SSO, email=""))
    record = SignInRecord.objects.get()
    assert record.missing == ["Email"]
    assert "FirstName" in record.arrived


def test_strangers_cannot_fill_the_log_or_stop_others(browser: Browser, settings: LazySettings) -> None:
    settings.FAILURES_PER_MINUTE, settings.SIGN_IN_FAILURES_PER_MINUTE = 2, 3
    answers = [browser.post("no message") for _ in range(5)]
    statuses = [answer.status_code for answer in answers]
    assert (SignInRecord.objects.count(), statuses) == (2, [400, 400, 400, 429, 429])
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert browser.sign_in(JANE_BY_SSO).status_code == 200  # even from the same address
    assert SignInRecord.objects.latest("id").code == "signed_in"


@pytest.mark.parametrize("message", ["no message", ""])
def test_no_row_is_written_where_the_log_is_off(browser: Browser, settings: LazySettings, message: str) -> None:
    settings.SIGN_IN_LOG_DAYS = 0
    assert browser.post(message).status_code == 400
    browser.sign_in(JANE_BY_SSO)
    assert not SignInRecord.objects.exists()


# What an administrator does with it


def test_there_is_a_remedy_for_each_code_in_the_code_and_in_the_docs() -> None:
    refusals: tuple[type[IdentityError], ...] = (*Refusal.__subclasses__(), NoMark, InvalidValue, NotAllowed, Busy)
    policy = {one.code for one in refusals}
    of_scim = {"duplicate", "try_again", "uid_required", "unknown_group"}
    assert set(REMEDIES) == {*Code, *policy, Busy.code, LOGOUT_REFUSED} - of_scim
    page = (Path(__file__).resolve().parents[2] / "docs/how-to/find-out-why-somebody-was-refused.md").read_text()
    assert [code for code in REMEDIES if f"`{code}`" not in page] == []


@pytest.fixture
def as_auditor(db: None) -> Client:
    """May see connections, and no people."""
    return browser_of(staff("auditor", "view_connection"))


@pytest.fixture
def as_root(db: None) -> Client:
    return browser_of(create_user(actor=COMMAND, username="root", is_staff=True, is_superuser=True))


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("signins", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_reference_read_out_by_a_person_finds_every_check_R35(browser: Browser, as_auditor: Client) -> None:
    reference = browser.come_back(JANE_BY_SSO, audience="https://other.test")["X-Request-Id"]
    browser.come_back(JANE_BY_SSO, issuer="https://idp.test/other")
    spoken = f" {reference[:4].lower()} {reference[4:7].lower()} "
    listed = as_auditor.get(LIST, {"q": spoken}).content.decode()
    record = SignInRecord.objects.get(reference=reference)
    assert f"{LIST}{record.pk}/change/" in listed
    assert listed.count("/change/") == 1
    page = as_auditor.get(f"{LIST}{record.pk}/change/").content.decode()
    assert '<tr class="core-failed">' in page
    assert "Enter the Audience of the connection&#x27;s set-up sheet" in page
    assert "https://other.test" in page
    assert page.count("✓") > 10


@pytest.mark.parametrize("nonsense", ["%", "_", "'; --", "ü", "x" * 5000])
def test_an_invalid_search_finds_nothing(browser: Browser, as_auditor: Client, nonsense: str) -> None:
    browser.sign_in(JANE_BY_SSO)
    answer = as_auditor.get(LIST, {"q": nonsense})
    assert answer.status_code == 200
    assert "/change/" not in answer.content.decode()


def test_text_by_a_stranger_is_shown_escaped_and_as_unverified(browser: Browser, as_auditor: Client) -> None:
    browser.post(browser.idp.response(browser.claims(JANE_BY_SSO, request_id="<script>alert(1)</script>")))
    page = as_auditor.get(f"{LIST}{SignInRecord.objects.get().pk}/change/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "(unverified: anybody may have written this)" in page


def test_filters_by_connection_outcome_and_code(browser: Browser, as_auditor: Client, as_root: Client) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.come_back(JANE_BY_SSO, audience="https://other.test")
    browser.come_back(by_sso(ZOE, uid=JANE.uid))

    def found(client: Client = as_auditor, **query: str) -> int:
        return len(re.findall(r"signinrecord/\d+/change/", client.get(LIST, query).content.decode()))

    assert [found(), found(outcome="in"), found(outcome="refused"), found(outcome="test")] == [3, 1, 2, 0]
    assert [found(code="audience"), found(code="no_mark"), found(code="issuer")] == [1, 1, 0]
    user = str(Identity.objects.get().user_id)
    assert [found(connection="acme"), found(as_root, user_id=user)] == [3, 2]
    # The page would show whose rows these are.
    assert as_auditor.get(LIST, {"user_id": user}).status_code == 302


def test_the_pages_of_a_connection_and_of_a_user_lead_to_it(
    browser: Browser, acme: Connection, as_root: Client
) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.come_back(JANE_BY_SSO, audience="https://other.test")
    page = as_root.get(f"/admin/core_identity/connection/{acme.pk}/change/").content.decode()
    assert f"{LIST}?connection=acme" in page
    assert "Sign-ins refused in the last 24 hours:" in page
    user = Identity.objects.get().user_id
    story = as_root.get(f"/admin/core_identity/user/{user}/change/").content.decode()
    assert f"{LIST}?user_id={user}" in story
    # The line of the sign-in in the timeline leads to its row.
    assert f"{LIST}{SignInRecord.objects.get(code='signed_in').pk}/change/" in story


@pytest.mark.parametrize("way", ["csv", "jsonl"])
def test_the_listed_rows_are_exported_as_a_stream_R35(way: str, browser: Browser, as_auditor: Client) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.come_back(JANE_BY_SSO, audience="=cmd|calc")
    answer = as_auditor.get(f"{LIST}export.{way}", {"outcome": "refused"})
    assert answer.streaming
    text = b"".join(answer).decode()
    row: dict[str, Any]
    if way == "csv":
        (row,) = csv.DictReader(io.StringIO(text))
        assert row["received"] == "'=cmd|calc"
    else:
        row = json.loads(text)
    checks: Any = json.loads(row["checks"]) if way == "csv" else row["checks"]
    assert [one["check"] for one in checks if one["passed"] is False] == ["Audience"]
    assert row["outcome"] == "audience"


def test_the_command_shows_lists_and_exports(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    reference = browser.come_back(JANE_BY_SSO, audience="https://other.test")["X-Request-Id"]
    shown = run("show", reference.lower())
    assert f"reference: {reference}" in shown
    assert f"what to do: {REMEDIES['audience']}" in shown
    expected = f"expected: {SERVICE}/sso/acme/metadata"
    assert f"FAIL Audience; {expected}; received: https://other.test" in shown
    assert json.loads(run("show", reference[:8], "--json"))["outcome"] == "audience"
    assert reference in run("list", "--refused", "--connection", "acme", "--since", "2020-01-01")
    assert len(json.loads(run("list", "--json"))) == 2
    assert run("list", "--since", "2999-01-01") == "None.\n"
    assert len(run("export", "--format", "jsonl").splitlines()) == 2
    for words, status in ((("show", "NOBODY"), 3), (("show", "%"), 3), (("list", "--connection", "none"), 3)):
        with pytest.raises(SystemExit) as exit_status:
            run(*words)
        assert exit_status.value.code == status


def test_people_who_may_see_connections_see_the_log_and_nobody_changes_it(
    browser: Browser, as_auditor: Client, as_root: Client
) -> None:
    browser.sign_in(JANE_BY_SSO)
    address = f"{LIST}{SignInRecord.objects.get().pk}/"
    stranger = browser_of(staff("deskonly", "view_user"))
    pages = (LIST, f"{address}change/", f"{LIST}export.csv", f"{LIST}export.jsonl")
    assert [stranger.get(page).status_code for page in pages] == [403] * 4
    assert [as_auditor.get(page).status_code for page in pages] == [200] * 4
    for client in (as_auditor, as_root):
        assert client.post(f"{address}change/", {"code": "signed_in"}).status_code == 403
        assert client.post(f"{address}delete/", {"post": "yes"}).status_code == 403


def test_the_pages_cost_the_same_for_few_and_for_many(browser: Browser, acme: Connection, as_root: Client) -> None:
    browser.come_back(JANE_BY_SSO, audience="https://other.test")
    pages = (LIST, f"{LIST}?outcome=refused&connection=acme", f"/admin/core_identity/connection/{acme.pk}/change/")

    def cost() -> list[int]:
        counts = []
        for page in pages:
            with CaptureQueriesContext(database) as captured:
                as_root.get(page)
            counts.append(len(captured))
        return counts

    cost()
    few = cost()
    row = SignInRecord.objects.values().get()
    SignInRecord.objects.bulk_create(SignInRecord(**{**row, "id": None, "at": timezone.now()}) for _ in range(1500))
    assert cost() == few
    assert "1000 or more." in as_root.get(pages[2]).content.decode()


# Names: whom a row is about


def test_a_refused_person_is_shown_by_the_names_that_a_verified_assertion_claims_R35(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.come_back(by_sso(ZOE, uid=JANE.uid))
    record = SignInRecord.objects.latest("id")
    assert (record.code, record.kind) == ("no_mark", SignInKind.PERSON_REFUSED)
    assert (record.name_id, record.uid, record.email) == (ZOE.user_name, JANE.uid, ZOE.email)
    signed_in = SignInRecord.objects.earliest("id")
    assert (signed_in.kind, signed_in.name_id, signed_in.uid, signed_in.email) == (SignInKind.SIGNED_IN, "", "", "")


def test_nothing_of_a_message_that_is_not_believed_is_a_name_R35(browser: Browser) -> None:
    browser.come_back(JANE_BY_SSO, audience="https://other.test")
    browser.post(TestIdp(browser.idp.entity_id).response(browser.claims(JANE_BY_SSO)))
    for record in SignInRecord.objects.all():
        assert record.kind == SignInKind.MESSAGE_REFUSED
        assert (record.name_id, record.uid, record.email, record.keys) == ("", "", "", [])


def test_rows_are_found_by_each_name_of_the_person_through_an_index_R35(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.come_back(by_sso(ZOE, uid=JANE.uid))
    reference = SignInRecord.objects.earliest("id").reference
    for text, number in (
        (f" {str(JANE.user_name).upper()} ", 1), (str(JANE.uid), 2), (str(ZOE.email), 1), ("nobody", 0), ("%", 0), (reference[:6].lower(), 1), ("", 0)
    ):  # fmt: skip
        assert SignInRecord.objects.filter(search(text)).count() == number, text
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {SignInRecord.objects.filter(search('jane.doe@acme.test')).order_by().query}")
        assert "sign_in_by_key" in str(cursor.fetchall())


def test_erasing_a_person_blanks_the_names_that_they_claimed_R34(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.come_back(by_sso(JANE, name_id="x@acme.test", email="x@acme.test"))
    browser.come_back(by_sso(ZOE, uid="zoe.roth"))
    user = Identity.objects.get(user__email=JANE.email).user
    expire(actor=COMMAND, user_id=user.pk, reason="left")
    browser.come_back(JANE_BY_SSO)
    stored = str(list(SignInRecord.objects.values()))
    assert "jane.doe" in stored
    erase(actor=COMMAND, user_id=user.pk, reason="request 4711")
    stored = str(list(SignInRecord.objects.values()))
    assert [name for name in ("jane", "doe", "x@acme.test") if name in stored.lower()] == []
    assert not SignInRecord.objects.filter(search(str(JANE.uid))).exists()
    assert SignInRecord.objects.filter(search("zoe.roth")).exists()


@pytest.mark.parametrize(("code", "words"), OUTCOMES.items())
def test_each_outcome_has_words_and_one_of_five_kinds_R35(code: str, words: str) -> None:
    assert code in REMEDIES or kind_of(code) != SignInKind.MESSAGE_REFUSED
    assert words != code
    assert len(words) < 50
    assert words_of(code) == words
    assert kind_of(code) in SignInKind
    assert len(SignInKind) == 5


def test_every_code_has_words_R35() -> None:
    assert {*REMEDIES} <= {*OUTCOMES}


# Passwords and sign-outs

PASSWORD = "correct horse battery staple"


def test_passwords_of_local_administrators_have_rows_and_never_the_typed_name_R35(
    db: None, settings: LazySettings
) -> None:
    settings.FAILURES_PER_MINUTE = 3
    boss = create_user(actor=COMMAND, username="boss", is_staff=True, is_superuser=True, password=PASSWORD)
    for name, password in (("boss", PASSWORD), ("boss", "wrong"), ("my-Passw0rd", "boss")):
        answer = Client(headers={"host": "localhost"}).post("/admin/login/", {"username": name, "password": password})
        assert SignInRecord.objects.latest("id").reference == answer["X-Request-Id"]
    rows = list(SignInRecord.objects.order_by("id").values_list("code", "kind", "user_id", "connection_id"))
    assert rows == [
        ("password_accepted", "signed_in", boss.pk, None),
        ("password_refused", "password_refused", boss.pk, None),
        ("password_refused", "password_refused", None, None),
    ]
    assert "Passw0rd" not in str(list(SignInRecord.objects.values()))
    for _ in range(9):
        Client(headers={"host": "localhost"}).post("/admin/login/", {"username": "x", "password": "y"})
    assert SignInRecord.objects.count() < 3 + 9, "strangers do not fill the table"
    assert refused_lately("") == 0


def test_a_sign_out_has_a_row_of_its_person_R35(browser: Browser) -> None:
    browser.sign_in(JANE_BY_SSO)
    browser.http.post("/sign-out")
    record, identity = SignInRecord.objects.latest("id"), Identity.objects.get()
    assert (record.code, record.kind, record.connection_slug) == ("signed_out", "signed_out", "acme")
    assert (record.user_id, record.identity_id) == (identity.user_id, identity.pk)
    assert SignInRecord.objects.filter(search(str(JANE.user_name))).count() == 2
    browser.http.post("/sign-out")
    assert SignInRecord.objects.count() == 2, "nobody was signed in"

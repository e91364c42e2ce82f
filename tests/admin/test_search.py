"""The search box finds by every key that people have at hand, and its cost does not grow with the number of people."""

import uuid
from dataclasses import replace

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core_identity import errors
from core_identity.models import Connection, Customer, Identity, PushGroup, Role, User
from core_identity.selectors.search import groups_named, roles_named, users_named
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from scim.models import ProvisioningRecord
from sso.models import SignInRecord
from tests.admin.conftest import browser_of, staff
from tests.support.cast import ADMIN, JANE, OKTA, ZOE, make_connection
from tests.support.plans import plans

pytestmark = pytest.mark.django_db
REFERENCE = "8K7YSYUKPD"
PEOPLE = 20_000


def found(text: str) -> list[str]:
    return [user.username for user in users_named(text)]


def to(text: str, client: Client) -> str:
    """Return where the search box leads; empty if it shows a list."""
    return str(client.get("/admin/search/", {"q": text}).headers.get("Location", ""))


@pytest.mark.parametrize(
    "text",
    ["jane.doe", " JANE.DOE ", "jane.doe@acme.test", "Jane.Doe@ACME.test", "00u1jane", "Doe", "Jane D", "jane doe", "JANE  DOE", "jane.doe@ac"],
)  # fmt: skip
def test_a_person_is_found_by_each_key_and_by_the_beginning_of_a_name(text: str, jane: Identity) -> None:
    create_person(actor=OKTA, connection=jane.connection, person=ZOE)
    assert found(text) == [jane.user.username]


def test_a_person_is_found_by_ids_of_user_and_resource(jane: Identity) -> None:
    assert found(str(jane.user_id)) == found(str(jane.scim_id)) == [jane.user.username]
    assert found(str(uuid.uuid4())) == []


@pytest.mark.parametrize("text", ["", " ", "j", "doe@", "%", "_", "jane%", "' OR 1=1 --", "\\", "\U0010ffff"])
def test_a_filter_that_matches_nobody_finds_nobody(text: str, jane: Identity) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "query",
    [
        "user/?role=",
        "user/?connection=",
        "user/?customer=",
        "event/?connection=",
        "connection/?customer=",
        "user/all-drift/?connection=",
        "user/all-drift/?customer=",
        "user/reactivations/?connection=",
    ],
)
def test_a_filter_with_a_null_character_finds_nothing(query: str, as_root: Client, jane: Identity) -> None:
    for text in ("%00", "acme%00"):
        answer = as_root.get(f"/admin/core_identity/{query}{text}")
        assert answer.status_code == 200
        assert "jane.doe@acme.test" not in answer.content.decode()


def test_an_exact_key_counts_more_than_a_beginning(jane: Identity) -> None:
    longer = replace(
        JANE, uid="jane.doe2", external_id="2", user_name="jane.doe@acme.test.example", email="j2@acme.test"
    )
    create_person(actor=OKTA, connection=jane.connection, person=longer)
    assert found("jane.doe@acme.test") == [jane.user.username]
    assert len(found("jane.do")) == 2


def test_the_longest_name_that_a_message_may_have_can_be_stored_and_found(acme: Connection) -> None:
    """An index of the whole name would refuse the push: PostgreSQL takes no entry of more than a third of a page."""
    name = "".join(chr(0x4E00 + n % 20_000) for n in range(1024))
    outcome = create_person(actor=OKTA, connection=acme, person=replace(JANE, given_name=name, family_name=name[::-1]))
    assert found(name[:30]) == found(name) == [outcome.identity.user.username]


def test_the_search_box_leads_straight_to_the_one_thing(as_root: Client, jane: Identity) -> None:
    role = create_role(actor=ADMIN, name="Editors")
    group = PushGroup.objects.create(connection=jane.connection, display_name="Archivists", name_key="archivists")
    assert to("jane.doe", as_root) == reverse("admin:core_identity_user_change", args=[jane.user_id])
    assert to("edit", as_root) == reverse("admin:core_identity_role_change", args=[role.pk])
    page_of_group = reverse("admin:core_identity_connection_group", args=[jane.connection_id])
    assert to("archivists", as_root) == f"{page_of_group}?group={group.pk}"
    assert to(str(group.scim_id), as_root) == to("archivists", as_root)
    assert to("nobody", as_root) == ""
    page = as_root.get("/admin/search/", {"q": "acme"}).content.decode()
    assert [kind in page for kind in ("<h2>Connections</h2>", "<h2>Customers</h2>", "<h2>Users</h2>")] == [
        True,
        True,
        False,
    ]


def test_groups_are_found_by_the_beginning_of_a_name_unless_one_has_it_whole(as_root: Client, acme: Connection) -> None:
    globex = make_connection("globex", customer="Globex")
    for connection, names in ((acme, ("Team", "Team red", "Steam")), (globex, ("team_blue", "Tea"))):
        PushGroup.objects.bulk_create(
            PushGroup(connection=connection, display_name=name, name_key=name.casefold()) for name in names
        )

    def named(text: str) -> list[str]:
        return [group.display_name for group in groups_named(text)]

    assert named("TEAM") == ["Team"]
    assert sorted(named("te")) == ["Tea", "Team", "Team red", "team_blue"]
    assert named("Team  R") == ["Team red"]
    assert named("t") == named("team%") == named("") == []
    group = PushGroup.objects.get(name_key="team_blue")
    assert to("team_", as_root).endswith(f"/group/?group={group.pk}")


def test_more_than_a_page_of_roles_or_customers_lead_to_their_list(as_root: Client, acme: Connection) -> None:
    Role.objects.bulk_create(Role(name=f"Team {n}", name_key=f"team {n}") for n in range(25))
    Customer.objects.bulk_create(Customer(name=f"Team {n}", name_key=f"team {n}") for n in range(20))
    page = as_root.get("/admin/search/", {"q": "team"}).content.decode()
    assert '<a href="/admin/core_identity/role/?q=team">More roles</a>' in page
    assert "More customers" not in page


def test_a_list_of_groups_that_is_cut_off_says_where_the_others_are(as_root: Client, acme: Connection) -> None:
    PushGroup.objects.bulk_create(
        PushGroup(connection=acme, display_name=f"Team {n}", name_key=f"team {n}") for n in range(25)
    )
    page = as_root.get("/admin/search/", {"q": "team"}).content.decode()
    assert page.count("gives no role yet") == 20
    assert "These are the first 20. The page Groups of a connection finds the others." in page


def test_several_matches_are_listed_by_kind_and_escaped(as_root: Client, jane: Identity) -> None:
    create_role(actor=ADMIN, name="Jane's team")
    User.objects.filter(pk=jane.user_id).update(first_name="<script>")
    page = as_root.get("/admin/search/", {"q": "jane"}).content.decode()
    assert "<h2>Users</h2>" in page
    assert "<h2>Roles</h2>" in page
    assert "&lt;script&gt; Doe" in page
    assert "<script> " not in page
    assert "&lt;b&gt;" in as_root.get("/admin/search/", {"q": "<b>"}).content.decode()


@pytest.mark.parametrize("text", [REFERENCE, REFERENCE.lower(), "8K7Y SYUK PD", "8k7y-syuk-pd"])
def test_a_reference_leads_to_its_row(text: str, as_root: Client, acme: Connection) -> None:
    record = ProvisioningRecord.objects.create(
        at=timezone.now(), method="POST", status=409, duration_ms=1, reference=REFERENCE
    )
    assert to(text, as_root) == reverse("admin:scim_provisioningrecord_change", args=[record.pk])
    signed_in = SignInRecord.objects.create(
        at=timezone.now(), connection_id=acme.pk, connection_slug="acme", code="issuer", reference=REFERENCE
    )
    assert to(text, as_root) == reverse("admin:sso_signinrecord_change", args=[signed_in.pk])


def test_a_reference_without_a_row_leads_to_its_events(as_root: Client, acme: Connection) -> None:
    actor = replace(OKTA, request_id=REFERENCE)
    create_person(actor=actor, connection=acme, person=JANE)
    assert to(REFERENCE, as_root) == f"{reverse('admin:core_identity_event_changelist')}?q={REFERENCE}"


@pytest.mark.parametrize(
    ("permission", "kinds"),
    [
        ("view_user", {"user"}),
        ("view_role", {"role"}),
        ("view_connection", {"group", "connection", "reference"}),
        ("view_customer", {"customer"}),
        ("view_event", set()),
    ],
)
def test_nobody_finds_a_page_that_they_may_not_open(permission: str, kinds: set[str], jane: Identity) -> None:
    ProvisioningRecord.objects.create(at=timezone.now(), method="GET", status=200, duration_ms=1, reference=REFERENCE)
    create_role(actor=ADMIN, name="Editors")
    PushGroup.objects.create(connection=jane.connection, display_name="Archivists", name_key="archivists")
    words = {
        "user": "jane.doe",
        "role": "editors",
        "group": "archivists",
        "connection": str(jane.connection_id),
        "customer": str(jane.connection.customer_id),
        "reference": REFERENCE,
    }
    browser = browser_of(staff("few", permission))
    pages = {kind: browser.get("/admin/search/", {"q": text}) for kind, text in words.items()}
    assert {kind for kind, page in pages.items() if page.status_code == 302} == kinds
    assert {page.status_code for page in pages.values()} <= {200, 302}


def test_a_person_who_is_not_staff_may_not_search(jane: Identity) -> None:
    assert browser_of(jane.user).get("/admin/search/", {"q": "jane"}).headers["Location"].startswith("/admin/login/")


def test_a_user_who_was_merged_leads_to_the_one_who_stayed(jane: Identity) -> None:
    gone = User.objects.create(username="old.jane", username_key="old.jane", merged_into=jane.user)
    assert found("old.jane") == [jane.user.username]
    assert found(str(gone.pk)) == [jane.user.username]


def test_a_search_among_many_reads_indexes_only_and_needs_few_statements(as_root: Client, acme: Connection) -> None:
    for number in range(3):
        make_connection(f"other-{number}", customer=f"Other {number}")
    PushGroup.objects.create(connection=acme, display_name="Archivists", name_key="archivists")
    with database.cursor() as cursor:
        cursor.execute(FILL, {"people": PEOPLE, "connection": acme.pk, "customer": acme.customer_id})
        cursor.execute(
            "INSERT INTO core_identity_pushgroup SELECT (jsonb_populate_record(one, jsonb_build_object("
            "'id', gen_random_uuid(), 'scim_id', gen_random_uuid(), 'name_key', 'last' || n))).* "
            "FROM core_identity_pushgroup AS one, generate_series(1, %s) AS n",
            [PEOPLE],
        )
        cursor.execute(
            "ANALYZE core_identity_user, core_identity_identity, core_identity_identityuid, core_identity_pushgroup"
        )
    expected = {
        "first77.last77@acme.test": 1, "uid-77": 1, "x77": 1, "Last77": 20, "First77 Last77": 1, "nobody at all": 0, str(uuid.uuid4()): 0
    }  # fmt: skip
    for text, count in expected.items():
        with plans() as seen:
            assert min(len(users_named(text)), 20) == count, text
            groups_named(text)
            roles_named(text)
        assert seen.whole_scans(more_than=100) == [], text
        assert seen.buffers < 700, seen.dearest()
        with CaptureQueriesContext(database) as queries:
            as_root.get("/admin/search/", {"q": text})
        assert len(queries) < 20, text


FILL = """
WITH made AS (
    INSERT INTO core_identity_user (
        id, password, is_superuser, username, username_key, email, email_key, email_shared, first_name, last_name,
        title, company, department, is_staff, created_at, customer_id, expired_by, expired_channel, expired_reason, expired_snapshot
    )
    SELECT gen_random_uuid(), '', false, name, name, name, name, false, 'First' || n, 'Last' || n,
        '', '', '', false, now(), %(customer)s, '', '', '', '[]'
    FROM (SELECT n, 'first' || n || '.last' || n || '@acme.test' AS name FROM generate_series(1, %(people)s) AS n) AS numbers
    RETURNING id, username_key, substr(first_name, 6) AS n
), identities AS (
    INSERT INTO core_identity_identity (
        id, connection_id, user_id, scim_id, user_name, user_name_key, external_id, active, given_name, family_name, email, email_key, title,
        organization, department, attributes, drift_uid, uid_needs_decision, name_id, name_id_key, pushed_at, unmapped_groups, session_epoch, version,
        created_at, changed_at
    )
    SELECT gen_random_uuid(), %(connection)s, id, gen_random_uuid(), username_key, username_key, 'x' || n, true, '', '', username_key, username_key,
        '', '', '', '{}', '', false, '', '', now(), '{}', 0, 1, now(), now()
    FROM made RETURNING id, substr(external_id, 2) AS n
)
INSERT INTO core_identity_identityuid (id, connection_id, identity_id, uid, uid_key, current, derived, created_at)
SELECT gen_random_uuid(), %(connection)s, id, 'uid-' || n, 'uid-' || n, true, false, now() FROM identities
"""


def test_a_conflict_that_was_just_refused_is_found_by_its_reference(as_root: Client, jane: Identity) -> None:
    with pytest.raises(errors.Conflict):
        create_person(
            actor=replace(OKTA, request_id=REFERENCE), connection=jane.connection, person=replace(ZOE, email=JANE.email)
        )
    assert "event" in to(REFERENCE, as_root)

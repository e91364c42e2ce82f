"""Random lives: two connections of one customer, one of another, and administrators, against the real services (R1-R34).

After each step the test checks the invariants in the rows. There are few keys on purpose: collisions are the point. A nightly run tries
more lives, and STATE_MACHINE_EXAMPLES as many new ones as you like (CONTRIBUTING.md).
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as database
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core_identity.errors import IdentityError, Refusal, TryAgain
from core_identity.keys import key
from core_identity.models import Conflict, Connection, Event, Grant, Identity, IdentityUid, PushGroup, Role, User
from core_identity.models.conflict import ConflictState
from core_identity.models.connection import Reactivation, RolesFrom
from core_identity.selectors.pages import number_of_resources
from core_identity.selectors.resources import scim_identities
from core_identity.services.connections import switch_off, switch_on
from core_identity.services.expiry import expire, unexpire
from core_identity.services.groups import change_group, create_group, link_waiting, remove_group
from core_identity.services.links import offer, release
from core_identity.services.merge import merge
from core_identity.services.push.provisioning import change_person, create_person, remove_person
from core_identity.services.resolutions import different_people, dismiss, same_person
from core_identity.services.roles import change_role, create_role, grant_role, revoke_role
from core_identity.services.split import split_off
from core_identity.services.users import change_user, create_user
from core_identity.values import GroupChange, Person
from tests.support.cast import ADMIN, BROWSER, OKTA, make_connection
from tests.support.nightly import examples
from tests.support.sign_in import sign_in

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", examples(10, 150)))
WHY = "because"
connections = st.sampled_from(["acme", "acme", "entra", "other"])
actives = st.sampled_from([None, True, True, True, True, False])
groups = st.sampled_from(["Editors", "Viewers", "Waiting"])
which = st.integers(0, 7)

ANNA = Person(uid="anna", external_id="x1", user_name="anna@x.test", email="anna@x.test", given_name="Anna")
BEN = Person(uid="ben", external_id="x2", user_name="ben@x.test", email="ben@x.test", given_name="Ben")
CLEO = Person(uid="cleo", external_id="x3", user_name="cleo@x.test", email="shared@x.test", given_name="Cleo")
DORA = Person(uid="dora", external_id="x4", user_name="dora@x.test", email="shared@x.test", given_name="Dora")
PEOPLE = (ANNA, BEN, CLEO, DORA)
EXPIRIES = ("user.expired", "user.expiry_taken_over", "user.merged")
KEYS = ("uid", "external_id", "user_name", "email")


@st.composite
def people(draw: st.DrawFn) -> Person:
    """A person of the IdP; sometimes with a key of another person, a new key, or without it."""
    person = draw(st.sampled_from(PEOPLE))
    twisted = draw(st.sampled_from([*[None] * 4, *KEYS]))
    if twisted is None:
        return person
    other = draw(st.sampled_from([*(getattr(one, twisted) for one in PEOPLE), "new@x.test", "Anna ", None]))
    if twisted in {"user_name", "email"} and other is None:
        other = "new@x.test"
    return replace(person, **{twisted: other})


def rows(model: Any, *left_out: str) -> dict[UUID, dict[str, Any]]:
    """Read a table by hand: it is done thousands of times, and building the query would take longer than the database does."""
    with database.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608 - a name of ours
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    return {row["id"]: {name: value for name, value in row.items() if name not in left_out} for row in found}


@dataclass(frozen=True)
class Snapshot:
    """All rows that matter, by primary key, as plain values."""

    users: dict[UUID, dict[str, Any]]
    identities: dict[UUID, dict[str, Any]]
    uids: dict[UUID, dict[str, Any]]
    grants: dict[UUID, dict[str, Any]]
    roles: dict[UUID, dict[str, Any]]
    groups: dict[UUID, dict[str, Any]]
    last_event: int

    @classmethod
    def take(cls) -> "Snapshot":
        last = Event.objects.order_by("-id").values_list("id", flat=True).first()
        return cls(
            rows(User, "last_login", "password"),
            rows(Identity, "version", "changed_at", "signed_in_at"),
            rows(IdentityUid),
            rows(Grant),
            rows(Role),
            rows(
                PushGroup, "version", "changed_at", "member_count"
            ),  # they follow the members, whose changes are events
            last or 0,
        )

    @property
    def content(self) -> tuple[object, ...]:
        return self.users, self.identities, self.uids, self.grants, self.roles, self.groups

    def customer_of(self, row: dict[str, Any], customers: dict[UUID, UUID]) -> object:
        return customers.get(row.get("connection_id"), row.get("customer_id"))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Scene:
    """Three connections, two roles, and four people whom SCIM pushed."""

    connections: dict[str, Connection]
    roles: list[Role]


def set_scene() -> Scene:
    connections = {
        "acme": make_connection("acme", roles_from=RolesFrom.BOTH),
        "entra": make_connection("entra", reactivation=Reactivation.UNEXPIRE_OWN),
        "other": make_connection("other", customer="Other"),
    }
    everywhere = list(connections.values())
    roles = [
        create_role(actor=ADMIN, name="Editors", grantable_by=everywhere),
        create_role(actor=ADMIN, name="Viewers", grantable_by=everywhere[:1]),
    ]
    for slug, person in (("acme", ANNA), ("acme", BEN), ("entra", CLEO), ("other", ANNA)):
        create_person(actor=OKTA, connection=connections[slug], person=person)
    return Scene(connections, roles)


class Lives(RuleBasedStateMachine):
    """Each rule is one message or one act; `_channel` and `_admin` run it and check what holds after every step."""

    scene: Scene
    """The beginning of every life, made once. Each life is rolled back to this point."""

    @initialize()
    def begin(self) -> None:
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.connections, self.roles = dict(self.scene.connections), self.scene.roles
        self.customers = {one.pk: one.customer_id for one in self.connections.values()}
        self.stands = Snapshot.take()

    def teardown(self) -> None:
        if hasattr(self, "outer"):
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)

    # The channels

    @rule(slug=connections, person=people(), active=actives)
    def post(self, slug: str, person: Person, active: bool | None) -> None:
        sent_person = replace(person, active=active)
        connection = self.connections[slug]
        before = self.stands
        outcome = self._channel(
            connection, lambda: create_person(actor=OKTA, connection=connection, person=sent_person)
        )
        if outcome is None:
            return
        self._says(outcome.identity.pk, sent_person)
        if outcome.identity.pk in before.identities:
            self._reached_rightly(before, outcome.identity, sent_person)

    def put(self, slug: str, person: Person, active: bool | None) -> None:
        """Mostly to the resource that the IdP would find by the name, as Okta does; else to any."""
        connection = self.connections[slug]
        resources = Identity.objects.filter(Identity.RESOURCE, connection=connection)
        identity = resources.filter(external_id=person.external_id).first() or self._pick(resources, 0)
        if identity is None:
            return
        sent_person = replace(person, active=active)
        outcome = self._channel(
            connection,
            lambda: change_person(
                actor=OKTA,
                connection=connection,
                scim_id=identity.scim_id,
                read=lambda _: sent_person,
                deactivates=active is False,
            ),
        )
        if active is False:
            assert outcome is not None, "a deprovisioning is never blocked (R23)"
            assert Identity.objects.get(pk=identity.pk).active is False
        if outcome is None:
            return
        assert outcome.identity.pk == identity.pk
        if not any("the rest of the message was ignored" in note for note in outcome.notes):
            self._says(identity.pk, sent_person)

    # As often as they come in life: the rules are drawn alike.
    put_once = rule(slug=connections, person=people(), active=actives)(put)
    put_twice = rule(slug=connections, person=people(), active=actives)(put)

    @rule(slug=connections, at=which)
    def delete(self, slug: str, at: int) -> None:
        connection = self.connections[slug]
        identity = self._pick(Identity.objects.filter(Identity.RESOURCE, connection=connection), at)
        if identity is None:
            return
        self._channel(connection, lambda: remove_person(actor=OKTA, connection=connection, scim_id=identity.scim_id))
        assert not Identity.objects.filter(Identity.RESOURCE, pk=identity.pk).exists()
        assert User.objects.filter(pk=identity.user_id).exists(), "nobody is deleted by a channel (R20)"

    def enter(self, slug: str, person: Person, group: str, external: bool) -> None:
        connection = self.connections[slug]
        sent_person = replace(
            person,
            external_id=person.external_id if external else None,
            user_name=None,
            name_id=person.user_name,
            family_name="Lee",
            groups=(group,),
        )
        before = self.stands
        identity = self._channel(connection, lambda: sign_in(actor=BROWSER, connection=connection, person=sent_person))
        if identity is None:
            return
        user = User.objects.get(pk=identity.user_id)
        assert user.expired_at is None
        assert user.merged_into_id is None
        assert Identity.objects.get(pk=identity.pk).active
        if identity.pk in before.identities:
            self._entered_rightly(before, identity, sent_person)

    enter_once = rule(slug=connections, person=people(), group=groups, external=st.booleans())(enter)
    enter_twice = rule(slug=connections, person=people(), group=groups, external=st.booleans())(enter)
    enter_thrice = rule(slug=connections, person=people(), group=groups, external=st.booleans())(enter)

    @rule(
        slug=connections,
        name=groups,
        members=st.sets(which, max_size=3),
        what=st.sampled_from(["push"] * 3 + ["rename", "delete"]),
    )
    def group(self, slug: str, name: str, members: set[int], what: str) -> None:
        connection = self.connections[slug]
        everybody = list(Identity.objects.filter(connection=connection).order_by("created_at", "id"))
        ids = frozenset(everybody[at].scim_id for at in members if at < len(everybody))
        change = GroupChange(display_name=name, members=ids)
        groups_here = PushGroup.objects.filter(connection=connection)
        known = groups_here.filter(name_key=key(name)).first() if what == "push" else groups_here.first()
        if known is None:
            self._channel(connection, lambda: create_group(actor=OKTA, connection=connection, change=change))
            return
        if what == "delete":
            self._channel(connection, lambda: remove_group(actor=OKTA, connection=connection, scim_id=known.scim_id))
            return
        if what == "rename":
            change = GroupChange(display_name=name)
        self._channel(
            connection,
            lambda: change_group(actor=OKTA, connection=connection, scim_id=known.scim_id, read=lambda _: change),
        )

    # The administrators

    @rule(
        at=which,
        role=st.integers(0, 1),
        person=people(),
        slug=connections,
        what=st.sampled_from(["expire", "unexpire", "unexpire", "strip", "email", "offer", "grant", "revoke"]),
    )
    def administer_a_user(self, at: int, role: int, person: Person, slug: str, what: str) -> None:
        user = self._pick(User.objects.all(), at)
        role_id = self.roles[role].pk
        acts: dict[str, Callable[[], object]] = {
            "expire": lambda: expire(actor=ADMIN, user_id=user.pk, reason=WHY),
            "unexpire": lambda: unexpire(actor=ADMIN, user_id=user.pk, reason=WHY),
            "strip": lambda: unexpire(actor=ADMIN, user_id=user.pk, reason=WHY, keep_roles=False),
            "email": lambda: change_user(actor=ADMIN, user_id=user.pk, email=person.email),
            "offer": lambda: offer(actor=ADMIN, connection=self.connections[slug], user_ids=[user.pk], reason=WHY),
            "grant": lambda: grant_role(actor=ADMIN, user_id=user.pk, role_id=role_id, reason="covers for Sam"),
            "revoke": lambda: revoke_role(actor=ADMIN, user_id=user.pk, role_id=role_id),
        }
        self._admin(acts[what])

    @rule(at=which, how=st.sampled_from([same_person, same_person, different_people, dismiss]))
    def resolve(self, at: int, how: Callable[..., object]) -> None:
        conflict = self._pick(Conflict.objects.filter(state=ConflictState.OPEN), at)
        if conflict is not None:
            self._admin(lambda: how(actor=ADMIN, conflict_id=conflict.pk, reason=WHY))

    @rule(at=which, other=which, what=st.sampled_from(["merge", "split", "release"]))
    def administer_uids(self, at: int, other: int, what: str) -> None:
        identity, uid = (
            self._pick(Identity.objects.all(), at),
            self._pick(IdentityUid.objects.filter(current=False), at),
        )
        kept, gone = self._pick(User.objects.all(), at), self._pick(User.objects.all(), other)
        if what == "merge":
            self._admin(lambda: merge(actor=ADMIN, kept_id=kept.pk, gone_id=gone.pk, reason=WHY))
        elif what == "split":
            self._admin(lambda: split_off(actor=ADMIN, identity_id=identity.pk, reason=WHY))
        elif uid is not None:
            self._admin(lambda: release(actor=ADMIN, uid_id=uid.pk, reason=WHY))

    @rule(role=st.integers(0, 1), opened=st.sets(connections), person=people(), slug=connections)
    def administer_the_rest(self, role: int, opened: set[str], person: Person, slug: str) -> None:
        """Open and close a role, make a user beforehand, switch a connection off and on."""
        to = [self.connections[one] for one in sorted(opened)]
        connection = self.connections[slug]

        def open_role() -> None:
            changed = change_role(actor=ADMIN, role_id=self.roles[role].pk, grantable_by=to)
            waiting = PushGroup.objects.filter(role__isnull=True).values_list("pk", flat=True)
            link_waiting(actor=ADMIN, role_id=changed.pk, group_ids=list(waiting))

        self._admin(open_role)
        name, email, customer = person.user_name or "", person.email or "", connection.customer
        self._admin(lambda: create_user(actor=ADMIN, username=name, email=email, customer=customer))
        self._admin(lambda: switch_off(actor=ADMIN, connection_id=connection.pk, reason=WHY))
        self._admin(lambda: switch_on(actor=ADMIN, connection_id=connection.pk, reason=WHY))

    # What every step owes

    def _pick(self, rows: Any, at: int) -> Any:
        found = list(
            rows.order_by("created_at", "pk") if rows.model is not Conflict else rows.order_by("first_at", "pk")
        )
        return found[at % len(found)] if found else None

    def _channel(self, connection: Connection, act: Callable[[], Any]) -> Any:
        before = self.stands
        answer, refused = None, None
        try:
            answer = act()
        except IdentityError as fault:
            refused = fault
        after = self.stands = Snapshot.take()
        assert after.roles == before.roles, "no channel makes, changes or deletes a role (R27)"
        if refused is not None and not isinstance(refused, TryAgain):
            assert after.content == before.content, f"a refusal leaves nothing: {refused}"
        if isinstance(refused, Refusal):
            assert after.last_event > before.last_event
        self._changes_have_events(before, after)
        self._nothing_crosses(connection, before, after)
        self._expiry_holds(connection, before, after)
        by_hand = {pk for pk, grant in before.grants.items() if grant["channel"] == "admin"}
        assert by_hand <= set(after.grants), "a channel takes nothing that an administrator gave (R32)"
        for pk in set(before.grants) ^ set(after.grants):
            grant = before.grants.get(pk) or after.grants[pk]
            assert grant["connection_id"] == connection.pk, "a source changes its own grants only (R32)"
        return answer

    def _admin(self, act: Callable[[], object]) -> None:
        before = self.stands
        done = False
        with suppress(IdentityError), transaction.atomic():
            act()
            done = True
        after = self.stands = Snapshot.take()
        if not done:
            assert after.content == before.content
        self._changes_have_events(before, after)

    def _changes_have_events(self, before: Snapshot, after: Snapshot) -> None:
        events = Event.objects.filter(pk__gt=before.last_event)
        of_users = set(events.values_list("user_id", flat=True))
        of_subjects = set(events.values_list("subject_id", flat=True))
        mentioned = of_users | of_subjects
        merged = Event.objects.filter(pk__gt=before.last_event, kind="user.merged").exists()
        for mine, theirs in zip(before.content, after.content, strict=True):
            assert isinstance(mine, dict)
            assert isinstance(theirs, dict)
            for pk in mine.keys() | theirs.keys():
                if mine.get(pk) == theirs.get(pk):
                    continue
                row = theirs.get(pk) or mine[pk]
                about = {pk, row.get("user_id"), row.get("identity_id")}
                assert merged or about & mentioned, (
                    f"a change without an event (R34): {mine.get(pk)} → {theirs.get(pk)}"
                )

    def _nothing_crosses(self, connection: Connection, before: Snapshot, after: Snapshot) -> None:
        for mine, theirs in (
            (before.users, after.users),
            (before.identities, after.identities),
            (before.uids, after.uids),
        ):
            for pk in mine.keys() | theirs.keys():
                if mine.get(pk) != theirs.get(pk):
                    row = theirs.get(pk) or mine[pk]
                    assert after.customer_of(row, self.customers) == connection.customer_id, (
                        "nothing crosses customers (R1)"
                    )

    def _expiry_holds(self, connection: Connection, before: Snapshot, after: Snapshot) -> None:
        for pk, user in before.users.items():
            if user["expired_at"] is not None and after.users[pk]["expired_at"] is None:
                assert connection.reactivation == Reactivation.UNEXPIRE_OWN, "nobody is unexpired by a channel (R22)"
                assert user["expired_connection_id"] == connection.pk
                last = Event.objects.filter(user_id=pk, kind__in=EXPIRIES, pk__lte=before.last_event).latest("pk")
                assert (last.kind, last.connection_id) == ("user.expired", connection.pk), (
                    "nor one of other hands (R11, R22)"
                )
                for row in after.identities.values():
                    assert row["user_id"] != pk or (row["active"] and not row["deleted_at"]), "nor against an IdP (R20)"

    def _says(self, pk: UUID, person: Person) -> None:
        """R19: SCIM answers with the latest values of the IdP."""
        identity = Identity.objects.get(pk=pk)
        assert identity.user_name == (person.user_name or "").strip()
        assert identity.email == (person.email or "").strip()
        if person.active is not None:
            assert identity.active is person.active

    def _uids_of(self, before: Snapshot, pk: UUID) -> set[str]:
        return {row["uid_key"] for row in before.uids.values() if row["identity_id"] == pk}

    def _reached_rightly(self, before: Snapshot, identity: Identity, person: Person) -> None:
        """A POST reached a known person: by externalId, by UID, or because an administrator offered them. Never by email or userName alone."""
        known = before.identities[identity.pk]
        uid_key = key(person.uid or person.user_name or "")
        by_external_id = person.external_id is not None and known["external_id"] == person.external_id
        by_uid = uid_key in self._uids_of(before, identity.pk)
        by_offer = known["offered_at"] is not None and known["user_name_key"] == key(person.user_name or "")
        assert by_external_id or by_uid or by_offer

    def _entered_rightly(self, before: Snapshot, identity: Identity, person: Person) -> None:
        """R8b: by UID and a mark; by the derived UID that is the NameID; or claimed."""
        known = before.identities[identity.pk]
        names = {known["user_name_key"], known["name_id_key"], known["email_key"]} - {None, ""}
        marks = {key(person.name_id or ""), key(person.email or "")}
        both = known["external_id"] and person.external_id
        agrees = known["external_id"] == person.external_id if both else bool(names & marks)
        by_uid = key(person.uid or "") in self._uids_of(before, identity.pk) and agrees
        derived = {
            row["uid_key"] for row in before.uids.values() if row["identity_id"] == identity.pk and row["derived"]
        }
        by_derived = key(person.name_id or "") in derived
        by_offer = known["offered_at"] is not None and known["user_name_key"] == key(person.name_id or "")
        assert by_uid or by_derived or by_offer

    @invariant()
    def everything_fits(self) -> None:
        if not hasattr(self, "outer"):
            return
        for connection in Connection.objects.all():
            assert number_of_resources(connection) == scim_identities(connection).count()
        for row in IdentityUid.objects.select_related("identity"):
            assert row.connection_id == row.identity.connection_id
        for identity in Identity.objects.select_related("user", "connection"):
            assert identity.user.customer_id == identity.connection.customer_id
            if identity.user.merged_into_id is not None:
                assert not identity.is_resource
                assert identity.external_id is None
                assert not identity.uids.exists()
        expected = {
            (identity.user_id, group.role_id, str(group.pk))
            for group in PushGroup.objects.filter(role__isnull=False)
            for identity in Identity.objects.filter(Identity.RESOURCE, memberships__group=group)
        }
        granted_rows = set(Grant.objects.filter(channel="scim").values_list("user_id", "role_id", "key"))
        assert granted_rows <= expected, "a push group gives to its members only (R32)"
        for user_id, role_id, group_id in expected - granted_rows:
            removals = Event.objects.filter(kind="grant.removed", user_id=user_id, subject_id=role_id)
            assert removals.filter(reason="unexpired without roles").exists(), f"a membership was lost: {group_id}"


def test_random_lives_keep_every_invariant() -> None:
    Lives.scene = set_scene()
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            phases=[Phase.generate, *([Phase.shrink] if "SHRINK" in os.environ else [])],
            derandomize="STATE_MACHINE_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )

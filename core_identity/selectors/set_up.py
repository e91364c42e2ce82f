"""The steps of the set-up of a connection that core_identity knows: the first and the last ones (R37)."""

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import Count, Q

from core_identity.compiled import written_out
from core_identity.models import Connection, Grant, Identity, PushGroup
from core_identity.selectors.set_up_advice import ADVICE
from core_identity.set_up import CustomerStep, Step, Vendor, uid_rule_in_words
from core_identity.values import Channel


def steps(connection: Connection, vendor: Vendor) -> Iterator[Step]:
    """Yield the steps that core_identity can tick. Four statements at most."""
    advice = ADVICE[vendor]
    yield Step(
        1,
        "basics",
        "Name, customer and UID rule",
        done=True,
        facts=(f"Customer: {connection.customer}.", uid_rule_in_words(connection.uid_rule)),
        page="change",
        page_title="Change",
    )
    person = first_pushed(connection)
    waiting, linked = counted_groups(connection) if connection.takes_push_groups else (0, 0)
    has_group = bool(waiting or linked) or not connection.takes_push_groups
    yield Step(
        9,
        "first_push",
        "First person and first group arrived",
        done=person is not None and has_group,
        facts=_arrived(person, has_group=has_group),
        advice=advice["first_push"],
        here="Refused requests are in the provisioning log.",
        seen_at=person.pushed_at if person else None,
        for_customer=CustomerStep(
            "Send the first person and the first group", facts=("A person arrived.",) if person else ()
        ),
        is_optional=vendor is Vendor.GOOGLE,  # which pushes to apps of its catalogue only
    )
    gives = linked > 0 or (connection.takes_sso_groups and gave_role_by_sign_in(connection))
    yield Step(
        10,
        "roles",
        "Groups give roles",
        done=gives and not waiting,
        facts=(_groups(linked, waiting, "for a role") or "No group arrived yet.",),
        advice=replace(
            advice["roles"],
            do="Choose the roles that groups of this connection may give. A group that waits needs a role with its name, or a role with an alias. "
            "Its members then get the role at once.",
        ),
        page="groups",
        page_title="Groups",
        for_customer=CustomerStep(
            "Groups give roles",
            advice["roles"],
            facts=tuple(filter(None, [_groups(linked, waiting, "for a decision of your contact")])),
        ),
    )


def first_pushed(connection: Connection) -> Identity | None:
    """Return the person of a connection whom SCIM created first, or None."""
    # With RESOURCE PostgreSQL uses `identity_by_page`, so it reads one row of a million.
    pushed = Identity.objects.filter(Identity.RESOURCE, connection=connection, pushed_at__isnull=False)
    return pushed.order_by("created_at", "id").first()


def counted_groups(connection: Connection) -> tuple[int, int]:
    """Return how many push groups wait for a role, and how many give one."""
    groups = PushGroup.objects.filter(connection=connection)
    counts = groups.aggregate(
        waiting=Count("pk", filter=Q(role__isnull=True)), linked=Count("pk", filter=Q(role__isnull=False))
    )
    return counts["waiting"], counts["linked"]


def gave_role_by_sign_in(connection: Connection) -> bool:
    by_sign_in = written_out(f"channel = '{Channel.SSO.value}'")
    return Grant.objects.filter(by_sign_in, connection=connection).exists()


def _groups(linked: int, waiting: int, for_what: str) -> str:
    """Return how many push groups give a role and how many wait, in a sentence. Empty if none arrived."""
    parts = []
    if linked:
        parts.append(f"{_number(linked, 'group')} {'gives' if linked == 1 else 'give'} a role")
    if waiting:
        parts.append(
            f"{waiting if linked else _number(waiting, 'group')} {'waits' if waiting == 1 else 'wait'} {for_what}"
        )
    return f"{', '.join(parts)}." if parts else ""


def _arrived(person: Identity | None, *, has_group: bool) -> tuple[str, ...]:
    if person is None:
        return ()
    sentence = "A person arrived."
    return (sentence,) if has_group else (sentence, "No group yet.")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

"""What core_identity knows about the set-up of a connection: its first and last steps (R37)."""

from collections.abc import Iterator

from django.db.models import Count, Q

from core_identity.models import Connection, Identity, PushGroup
from core_identity.set_up import CustomerStep, Step, uid_rule_in_words


def steps(connection: Connection) -> Iterator[Step]:
    """Yield the steps that core_identity can tick. Four statements at most."""
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
    yield Step(
        9,
        "first_push",
        "First person and first group arrived",
        done=person is not None and (not connection.takes_push_groups or has_push_group(connection)),
        facts=_arrived(connection, person),
        advice=(
            "Assign one person to the app in the identity provider. In Okta also push one group: Push Groups, Push groups now. If nothing arrives, "
            "look for errors in the provisioning log here, and in Okta under Dashboard, Tasks."
        ),
        seen_at=person.pushed_at if person else None,
        for_customer=CustomerStep(
            "Send the first person and the first group",
            "Assign one person to the app. In Okta also push one group: Push Groups, Push groups now. If nothing arrives, look for errors in Okta "
            "under Dashboard, Tasks.",
            facts=("A person arrived.",) if person else (),
        ),
    )
    waiting, linked = counted_groups(connection)
    yield Step(
        10,
        "roles",
        "Groups give roles",
        done=linked > 0,
        facts=(
            f"{_number(linked, 'group')} with a role, {waiting} waiting for a role."
            if waiting + linked
            else "No group arrived yet.",
        ),
        advice=(
            "Choose the roles that groups of this connection may give. A group that waits needs a role with its name, or a role with an alias. "
            "Its members then get the role at once."
        ),
        page="groups",
        page_title="Groups",
        for_customer=CustomerStep(
            "Groups give roles",
            "Push the groups whose members need a role here. Your contact decides which groups give one.",
            facts=(f"{_number(waiting + linked, 'group')} arrived.",) if waiting + linked else (),
        ),
    )


def first_pushed(connection: Connection) -> Identity | None:
    """Return the person of a connection whom SCIM created first, or None."""
    # With RESOURCE PostgreSQL uses `identity_by_page`, so it reads one row of a million.
    pushed = Identity.objects.filter(Identity.RESOURCE, connection=connection, pushed_at__isnull=False)
    return pushed.order_by("created_at", "id").first()


def has_push_group(connection: Connection) -> bool:
    return PushGroup.objects.filter(connection=connection).exists()


def counted_groups(connection: Connection) -> tuple[int, int]:
    """Return how many push groups wait for a role, and how many give one."""
    groups = PushGroup.objects.filter(connection=connection)
    counts = groups.aggregate(
        waiting=Count("pk", filter=Q(role__isnull=True)), linked=Count("pk", filter=Q(role__isnull=False))
    )
    return counts["waiting"], counts["linked"]


def _arrived(connection: Connection, person: Identity | None) -> tuple[str, ...]:
    if person is None:
        return ()
    sentence = f"The first person was {person.user_name}."
    return (
        (sentence,) if has_push_group(connection) or not connection.takes_push_groups else (sentence, "No group yet.")
    )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

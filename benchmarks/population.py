"""A whole service as after some years: customers with connections, roles, groups, people, events and logs.

``DATABASE_URL=… python -m benchmarks.population --people 1000000 --customers 300`` fills a database that has no user yet.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import django

from benchmarks.pending import add_pending
from benchmarks.scene import ACTOR
from benchmarks.seed import add_members, add_people, insert, scim_id
from devtools.checkout import this_checkout
from devtools.database import Database
from devtools.product import migrate, product_environment

if TYPE_CHECKING:
    from core_identity.models import Connection, PushGroup

ROLES: Final = ("Editors", "Viewers", "Reviewers", "Authors", "Auditors")
CHUNK: Final = 10_000
WITH_TWO: Final = 4
"""Customers with two connections."""
BAR: Final = 30


class NotEmpty(Exception):
    """The database has users or customers already."""


def set_up(url: str) -> None:
    """Bring the database up to date, and set Django up for it in this process."""
    environment = product_environment(this_checkout(), Database(url), DATABASE_STATEMENT_TIMEOUT="0")
    migrate(this_checkout(), environment)
    os.environ.update(environment)
    django.setup()


def populate(people: int, customers: int) -> None:
    """Fill the database. The first customer has half of the people, the others share the rest. Raises `NotEmpty`.

    Each of the first customers has a second connection, which nobody uses yet.
    """
    from django.db import connection as database

    from benchmarks.bulk_load import bulk_load
    from core_identity.models import Customer, User

    if User.objects.exists() or Customer.objects.exists():
        raise NotEmpty("This database has users or customers already. Use one that has none.")
    connections = _connections(customers)
    groups = [_groups(connection) for connection in connections]
    done, began = 0, time.monotonic()
    with bulk_load():
        for connection, share, of_connection in zip(connections, shares(people, customers), groups, strict=True):
            for first in range(1, share + 1, CHUNK):
                last = min(share, first + CHUNK - 1)
                add_people(connection, first, last)
                for group, part in zip(of_connection, _parts(first, last, len(of_connection)), strict=True):
                    add_members(group, part.start, part.stop - 1)
                _add_story(connection, first, last)
                done += last - first + 1
                _show_progress(done, people, time.monotonic() - began)
        print("\nMaking the indexes …", file=sys.stderr, flush=True)
    add_pending(connections)
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")


def shares(people: int, customers: int) -> list[int]:
    """Return how many people each customer has: together ``people``, one at least, the first about half."""
    if customers == 1:
        return [people]
    each = max(1, people // 2 // (customers - 1))
    return [people - each * (customers - 1)] + [each] * (customers - 1)


def progress(count: int, people: int, seconds: float) -> str:
    """Return the line of the progress bar."""
    done = BAR * count // people
    return f"[{'#' * done}{'.' * (BAR - done)}] {count:,} of {people:,} people, {count / max(seconds, 0.001):,.0f} a second"


def _connections(customers: int) -> "list[Connection]":
    from core_identity.services.connections import create_connection
    from core_identity.services.customers import create_customer
    from core_identity.services.roles import create_role

    connections = []
    for number in range(1, customers + 1):
        customer = create_customer(actor=ACTOR, name=f"Customer {number}")
        connections.append(
            create_connection(actor=ACTOR, customer=customer, slug=f"customer-{number}", name=customer.name)
        )
        if number <= WITH_TWO:
            create_connection(actor=ACTOR, customer=customer, slug=f"customer-{number}-b", name=f"{customer.name}, new")
    for name in ROLES:
        create_role(actor=ACTOR, name=name, grantable_by=connections)
    return connections


def _groups(connection: "Connection") -> "list[PushGroup]":
    from core_identity.models import PushGroup, Role
    from core_identity.write_guard import service_writes

    roles = Role.objects.filter(name__in=ROLES)
    groups = [
        PushGroup(connection=connection, display_name=role.name, name_key=role.name_key, role=role) for role in roles
    ]
    with service_writes():
        return PushGroup.objects.bulk_create(groups)


def _parts(first: int, last: int, count: int) -> Iterator[range]:
    """Divide the numbers from ``first`` to ``last`` into so many ranges, of which some may be empty."""
    size = -(-(last - first + 1) // count)
    for at in range(count):
        start = first + at * size
        yield range(start, max(start, min(last + 1, start + size)))


def _add_story(connection: "Connection", first: int, last: int) -> None:
    """Add the events of each person's creation and first sign-in, one row to the provisioning log, and one to the sign-in log."""
    from core_identity.models import Event
    from scim.models import ProvisioningRecord
    from sso.models import SignInRecord

    slug = connection.slug
    user, identity = (f"md5('{slug} {name} ' || n)::uuid" for name in ("user", "identity"))
    at = "'2026-01-01'::timestamptz + n * interval '1 millisecond'"
    here = {"connection_id": f"'{connection.pk}'::uuid", "connection_slug": f"'{slug}'", "at": at}
    name, reference = f"'p' || n || '@{slug}.test'", "upper(substr(md5(n::text), 1, 10))"
    program, person = ("scim", "scim_client", f"OAuth client of {slug}"), ("sso", "sign_in", "")
    for kind, subject_type, subject, (channel, actor_kind, actor) in (
        ("user.created", "user", user, program),
        ("identity.created", "identity", identity, program),
        ("user.signed_in", "user", user, person),
    ):
        insert(
            Event,
            first,
            last,
            **here,
            uuid="gen_random_uuid()",
            kind=f"'{kind}'",
            channel=f"'{channel}'",
            actor_kind=f"'{actor_kind}'",
            actor=f"'{actor}'" if actor else name,
            subject_type=f"'{subject_type}'",
            subject_id=subject,
            subject=name,
            user_id=user,
            changes=f"jsonb_build_object('username', jsonb_build_array(NULL, {name}))"
            if channel == "scim"
            else "'{}'::jsonb",
            request_id=reference,
        )
    insert(
        ProvisioningRecord,
        first,
        last,
        **here,
        method="'POST'",
        resource_type="'Users'",
        resource_id=scim_id(connection, "n"),
        status="201",
        decision="'Created.'",
        reference=reference,
        duration_ms="10 + n %% 20",
        keys=f"ARRAY[{lookup_key_of(name)}]",
    )
    insert(
        SignInRecord,
        first,
        last,
        **here,
        kind="'signed_in'",
        code="'signed_in'",
        decision="'Signed in.'",
        identity_id=identity,
        user_id=user,
        idp_initiated="false",
        reference=reference,
        duration_ms="30 + n %% 20",
        keys=f"ARRAY[{lookup_key_of(name)}]",
    )


def lookup_key_of(expression: str) -> str:
    """Return the SQL of `core_identity.lookup_keys.lookup_key` for names in small ASCII letters."""
    return f"('x' || left(encode(sha256(convert_to({expression}, 'UTF8')), 'hex'), 16))::bit(64)::bigint"


def _show_progress(count: int, people: int, seconds: float) -> None:
    print(f"\r{progress(count, people, seconds)}", end="", file=sys.stderr, flush=True)


def main() -> None:
    from django.db import connection as database

    parser = argparse.ArgumentParser(prog="python -m benchmarks.population", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000, metavar="N", help="in all (default %(default)s)")
    parser.add_argument("--customers", type=int, default=300, metavar="N", help="(default %(default)s)")
    options = parser.parse_args()
    if not 1 <= options.customers <= options.people:
        parser.error("There must be a customer at least, and a person for each.")
    if not os.environ.get("DATABASE_URL"):
        parser.error("Set DATABASE_URL to the database that is to be filled. It must have no user yet.")
    try:
        set_up(os.environ["DATABASE_URL"])
        populate(options.people, options.customers)
    except NotEmpty as fault:
        sys.exit(str(fault))
    with database.cursor() as cursor:
        # As autovacuum leaves a database that has grown: an index then answers without its table.
        cursor.execute("VACUUM")


if __name__ == "__main__":
    main()

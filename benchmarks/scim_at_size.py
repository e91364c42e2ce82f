"""What SCIM costs as a customer grows: ``python -m benchmarks.scim_at_size``. Ratios of one run, and the plans of filters."""

import argparse
import json
import os
import secrets
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from devtools.checkout import this_checkout
from devtools.database import throwaway_database
from devtools.product import migrate, product_environment

FILTERS = (
    'userName eq "p7@acme.test"',
    'externalId eq "e7"',
    'id eq "{id}"',
    'emails.value eq "p7@acme.test"',
    'emails[type eq "work"].value eq "p7@acme.test"',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:UID eq "u7"',
    'meta.lastModified gt "2999-01-01T00:00:00Z"',
    "active eq false",
)
"""The first six are what identity providers ask by. The last two are asked by nobody in a hurry."""


class Bench:
    """A connection with people, and a client that speaks to it in this process."""

    def __init__(self, people: int) -> None:
        from django.test import Client
        from django.utils import timezone

        from core_identity.models import Connection, Identity, IdentityUid, User
        from core_identity.services.connections import create_connection, create_customer
        from core_identity.services.roles import create_role
        from core_identity.values import Actor, ActorKind, Channel
        from scim.bearer_tokens import make_token

        actor = Actor(Channel.ADMIN, ActorKind.SYSTEM, "benchmark")
        customer = create_customer(actor=actor, name="Acme")
        self.connection: Connection = create_connection(actor=actor, customer=customer, slug="acme", name="Acme")
        create_role(actor=actor, name="Editors", grantable_by=[self.connection])
        names = [f"p{at}@acme.test" for at in range(people)]
        users = User.objects.bulk_create(
            [User(username=name, username_key=name, email=name, email_key=name, customer=customer) for name in names],
            batch_size=5000,
        )
        now = timezone.now()
        self.identities = Identity.objects.bulk_create(
            [
                Identity(
                    connection=self.connection,
                    user=user,
                    user_name=user.username,
                    user_name_key=user.username_key,
                    email=user.email,
                    email_key=user.email_key,
                    external_id=f"e{at}",
                    pushed_at=now,
                )
                for at, user in enumerate(users)
            ],
            batch_size=5000,
        )
        IdentityUid.objects.bulk_create(
            [
                IdentityUid(connection=self.connection, identity=one, uid=f"u{at}", uid_key=f"u{at}")
                for at, one in enumerate(self.identities)
            ],
            batch_size=5000,
        )
        _, secret = make_token(actor=actor, connection=self.connection, name="benchmark")
        self.http = Client(headers={"host": "localhost", "authorization": f"Bearer {secret}"})

    def send(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        url = f"/scim/acme/v2{path}"
        answer = self.http.generic(
            method, url, content, content_type="application/scim+json", query_params=query or None
        )
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.content[:300]!r}")
        return json.loads(answer.content)


def measured(work: Callable[[], object], runs: int = 5) -> tuple[float, int]:
    """Return the median of the seconds, and the number of statements of the last run."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    took, count = [], 0
    for _ in range(runs):
        with CaptureQueriesContext(connection) as asked:
            began = time.monotonic()
            work()
            took.append(time.monotonic() - began)
        count = len(asked)
    return median(took), count


def groups(bench: Bench) -> None:
    group = bench.send("POST", "/Groups", {"displayName": "Editors"})
    ids = [str(one.scim_id) for one in bench.identities]

    def put(size: int) -> None:
        for members in (ids[:size], ids[size : 2 * size]):
            said = {"displayName": "Editors", "members": [{"value": one} for one in members]}
            bench.send("PUT", f"/Groups/{group['id']}", said, excludedAttributes="members")

    def patch(size: int) -> None:
        operations = [{"op": "add", "path": "members", "value": [{"value": one}]} for one in ids[:size]]
        said = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
        bench.send("PUT", f"/Groups/{group['id']}", {"displayName": "Editors", "members": []})
        bench.send("PATCH", f"/Groups/{group['id']}", said, excludedAttributes="members")

    most = len(ids) // 2
    few, many = measured(lambda: put(100)), measured(lambda: put(min(10_000, most)), runs=3)
    print(f"PUT of {min(10_000, most):,} members, twice: {many[1] / 2:.0f} statements each; of 100: {few[1] / 2:.0f}")
    print(f"  {many[0] / few[0]:.0f} times the time for {min(10_000, most) / 100:.0f} times the members")
    few, many = measured(lambda: patch(10)), measured(lambda: patch(1000), runs=3)
    print(f"PUT of none and PATCH of 1,000 operations: {many[1]} statements; of 10: {few[1]}")
    print(f"  {many[0] / few[0]:.0f} times the time for 100 times the operations")


def pages(bench: Bench) -> None:
    last = len(bench.identities) - 100
    first = measured(lambda: bench.send("GET", "/Users", count="100"))
    deep = measured(lambda: bench.send("GET", "/Users", startIndex=str(last), count="100"))
    from scim.cursors import Question, next_cursor

    where = bench.connection.identities.order_by("created_at", "id")[last]
    cursor = next_cursor(where, Question(bench.connection, "User", None), last)
    by_cursor = measured(lambda: bench.send("GET", "/Users", cursor=cursor, count="99"))
    print(f"GET of a page of 100 people: {first[1]} statements, first or last")
    print(
        f"  the last page by startIndex takes {deep[0] / first[0]:.1f} times the time of the first, by cursor {by_cursor[0] / first[0]:.1f}"
    )


def plans(bench: Bench) -> None:
    from core_identity.selectors import resources
    from scim.query import user_condition

    for text in FILTERS:
        filled = text.replace("{id}", str(bench.identities[7].scim_id))
        found = resources.scim_identities(bench.connection).filter(user_condition(filled, bench.connection))
        plan = found[:100].explain(format="json")
        used = sorted({part.split('"')[0] for part in plan.split('"Index Name": "')[1:]})
        whole = "reads the whole table" if '"Seq Scan"' in plan else f"by {', '.join(used)}"
        print(f"  {text}: {whole}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scim_at_size")
    parser.add_argument("--people", type=int, default=50_000, metavar="N")
    people = parser.parse_args().people
    with throwaway_database(this_checkout()) as database:
        environment = product_environment(this_checkout(), database, SECRET_KEY=secrets.token_urlsafe(50))
        migrate(this_checkout(), environment)
        os.environ.update(environment)
        import django

        django.setup()
        import logging

        logging.disable(logging.WARNING)
        bench = Bench(people)
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"{people:,} people in one connection.")
        groups(bench)
        pages(bench)
        print("Plans of filters:")
        plans(bench)
        connection.close()


if __name__ == "__main__":
    main()

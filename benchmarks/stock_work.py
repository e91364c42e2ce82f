"""Stock django-scim2 (`benchmarks.stock_scim2`), and the same requests to it as far as it knows them."""

import hashlib
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import psycopg

from benchmarks.keep_alive import KeepAlive
from benchmarks.scene import patch_document, user_document
from benchmarks.servers import Host, Server
from benchmarks.work import Work
from devtools.checkout import this_checkout

TOKEN: Final = "benchmark"  # noqa: S105  # it opens a database that nobody else can reach
LARGEST_LIST: Final = 100_000
"""A page of django-scim2 loads the whole table: with more people than these it is not measured."""

_PEOPLE: Final = """
INSERT INTO stock_scim2_person (id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined, scim_id,
    scim_external_id, scim_username)
SELECT n, '', false, name, 'Given' || n, 'Family' || n, name, false, true, '2026-01-01', n, 'e' || n, name
FROM (SELECT n, 'p' || n || '@acme.test' AS name FROM generate_series(%s::bigint, %s::bigint) n) numbered
"""
_FIRST_OF_NEWCOMERS: Final = 10**9


@dataclass
class StockScene:
    """The people 1 to ``people`` in django-scim2, and a token."""

    server: Server
    url: str
    people: int = 0
    newcomers: Iterator[int] = field(default_factory=lambda: itertools.count(_FIRST_OF_NEWCOMERS))

    def client(self) -> KeepAlive:
        return self.server.client(Authorization=f"Bearer {TOKEN}", **{"Content-Type": "application/scim+json"})

    def path(self, path: str, **query: str | int) -> str:
        return f"/scim/v2{path}" + (f"?{urlencode(query)}" if query else "")

    def known(self, number: int) -> int:
        return 1 + number * 7919 % self.people

    def grow(self, people: int) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_PEOPLE, [self.people + 1, people])
            connection.execute("VACUUM ANALYZE")
        self.people = people

    def make_group(self, name: str, members: int) -> int:
        """Make a group of the people 1 to ``members`` and return its id."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            sql = "INSERT INTO stock_scim2_group (name, scim_display_name) VALUES (%s, %s) RETURNING id"
            [(group_id,)] = connection.execute(sql, [name, name]).fetchall()
            connection.execute("UPDATE stock_scim2_group SET scim_id = id WHERE id = %s", [group_id])
            sql = "INSERT INTO stock_scim2_person_scim_groups (person_id, group_id) SELECT n, %s FROM generate_series(1, %s) n"
            connection.execute(sql, [group_id, members])
            return int(group_id)


def make_stock_scene(host: Host) -> StockScene:
    """Migrate, make a token, and serve. There is nobody yet but the holder of the token."""
    url = host.make_database("stock_scim2")
    environment = _environment(host, url)
    command = [str(this_checkout().python), "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(command, env={**os.environ, **environment}, cwd=this_checkout().root, check=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER SEQUENCE stock_scim2_person_id_seq RESTART {_FIRST_OF_NEWCOMERS}")
        connection.execute(_PEOPLE, [0, 0])
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        connection.execute(
            "INSERT INTO stock_scim2_token (digest, person_id, expires) VALUES (%s, 0, now() + interval '30 days')",
            [digest],
        )
    return StockScene(serve_stock(host, url), url)


def serve_stock(host: Host, url: str, *, workers: int = 1) -> Server:
    """Serve django-scim2 with the database at ``url``."""
    return host.serve("benchmarks.stock_scim2.wsgi", _environment(host, url), "/up", workers=workers)


def _environment(host: Host, url: str) -> dict[str, str]:
    return {**host.environment, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "benchmarks.stock_scim2.settings"}


def stock_people_work(scene: StockScene) -> Iterator[Work]:
    """Yield the requests of `benchmarks.work.people_work` that django-scim2 knows, under the same names."""

    def find(text: str) -> Callable[[KeepAlive, int], object]:
        def send(http: KeepAlive, n: int) -> None:
            filled = text.replace("{n}", str(scene.known(n)))
            http.send("GET", scene.path("/Users", filter=filled, startIndex=1, count=100))

        return send

    def get(http: KeepAlive, n: int) -> None:
        http.send("GET", scene.path(f"/Users/{scene.known(n)}"))

    def create(http: KeepAlive, _: int) -> None:
        http.send("POST", scene.path("/Users"), user_document(next(scene.newcomers)))

    def put(http: KeepAlive, number: int, **changes: Any) -> None:
        http.send("PUT", scene.path(f"/Users/{number}"), user_document(number, **changes))

    def put_changed(http: KeepAlive, n: int) -> None:
        put(http, scene.known(n), name={"givenName": f"Given {n}", "familyName": "Changed"})

    def patch(value: dict[str, Any]) -> Callable[[KeepAlive, int], object]:
        return lambda http, n: http.send(
            "PATCH", scene.path(f"/Users/{scene.known(n)}"), patch_document({"op": "replace", "value": value})
        )

    def page(start: int) -> Callable[[KeepAlive, int], object]:
        return lambda http, _: http.send("GET", scene.path("/Users", startIndex=start, count=100))

    yield Work("lookup by userName", "L", scene.client, find('userName eq "p{n}@acme.test"'))
    yield Work("lookup, miss", "L", scene.client, find('userName eq "nobody@acme.test"'))
    yield Work("get", "L", scene.client, get)
    yield Work("put, unchanged", "L", scene.client, lambda http, n: put(http, 1 + n % 5))
    yield Work("put, changed", "I", scene.client, put_changed)
    yield Work("patch", "I", scene.client, patch({"name.givenName": "Other"}))
    yield Work("deactivate", "I", scene.client, patch({"active": False}))
    yield Work("create", "I", scene.client, create)
    if scene.people <= LARGEST_LIST:
        yield Work("page by index, first", "L", scene.client, page(1))
        yield Work("page by index, last", "L", scene.client, page(scene.people - 99))


def stock_group_work(scene: StockScene, size: int) -> Iterator[Work]:
    """Yield the changes of a group of ``size`` people, as far as django-scim2 knows them. It ignores the members in a PUT."""
    group = scene.path(f"/Groups/{scene.make_group(f'Group {size}', size)}")

    def one(http: KeepAlive, n: int) -> None:
        operation = "add" if n % 2 == 0 else "remove"
        http.send(
            "PATCH", group, patch_document({"op": operation, "path": "members", "value": [{"value": str(size + 1)}]})
        )

    yield Work("one member in or out", "I", scene.client, one, pair=True)
    yield Work("group get", "L", scene.client, lambda http, _: http.send("GET", group))

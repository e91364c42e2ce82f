"""The requests that are measured, each with its name and the ceiling that it is compared with."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from benchmarks.keep_alive import KeepAlive
from benchmarks.scene import ENTERPRISE, SLUG, Scene, patch_document, request_token, scim_id_of, user_document

Unit = Literal["L", "I"]
Send = Callable[[KeepAlive, int], object]
PAGE: Final = 100


@dataclass(frozen=True)
class Work:
    """``send`` sends a request; its number is unique in the run.

    ``most`` requests make a round, or fewer if they take long. Of a ``pair`` the one with an odd number undoes the one before.
    ``after`` is done after a round, and not measured.
    """

    name: str
    unit: Unit
    client: Callable[[], KeepAlive]
    send: Send
    most: int = 1000
    pair: bool = False
    after: Callable[[KeepAlive], object] | None = None


def ceilings(client: Callable[[], KeepAlive]) -> Iterator[Work]:
    """Yield L and I themselves."""
    yield Work("L", "L", client, lambda http, n: http.send("GET", f"/look-up?name=entry%20{1 + n % 10_000}"))
    yield Work("I", "I", client, lambda http, n: http.send("GET", f"/insert?name=new%20{n}"))


def people_work(scene: Scene) -> Iterator[Work]:
    """Yield the requests about one person."""

    def find(text: str) -> Send:
        """Look up by a filter as Okta does. ``{n}`` in it is the number of a person."""

        def send(http: KeepAlive, n: int) -> None:
            filled = text.replace("{n}", str(scene.known(n)))
            found = http.send("GET", scene.path("/Users", filter=filled, startIndex=1, count=100)).body
            if (b'"totalResults":1' in found.replace(b" ", b"")) is not ("{n}" in text):
                raise RuntimeError(f"{filled}: {found[:300]!r}")

        return send

    def get(http: KeepAlive, n: int) -> None:
        http.send("GET", scene.path(f"/Users/{scim_id_of(scene.known(n))}"))

    def create(http: KeepAlive, _: int) -> None:
        http.send("POST", scene.path("/Users"), user_document(next(scene.newcomers)))

    def put_changed(http: KeepAlive, n: int) -> None:
        known = scene.known(n)
        http.send("PUT", scene.path(f"/Users/{scim_id_of(known)}"), user_document(known, title=f"Title {n}"))

    def put_unchanged(http: KeepAlive, n: int) -> None:
        """Send a person who is so already, after the first round, which is thrown away."""
        number = scene.unchanged(n)
        http.send("PUT", scene.path(f"/Users/{scim_id_of(number)}"), user_document(number, title="Editor"))

    def patch(http: KeepAlive, number: int, value: dict[str, Any]) -> None:
        http.send(
            "PATCH", scene.path(f"/Users/{scim_id_of(number)}"), patch_document({"op": "replace", "value": value})
        )

    def patch_changed(http: KeepAlive, n: int) -> None:
        patch(http, scene.known(n), {"title": f"Other title {n}"})

    def deactivate(http: KeepAlive, _: int) -> None:
        patch(http, next(scene.leavers), {"active": False})

    yield Work("lookup by userName", "L", scene.client, find(f'userName eq "p{{n}}@{SLUG}.test"'))
    yield Work("lookup by externalId", "L", scene.client, find('externalId eq "e{n}"'))
    yield Work("lookup by UID", "L", scene.client, find(f'{ENTERPRISE}:UID eq "u{{n}}"'))
    yield Work("lookup by email", "L", scene.client, find(f'emails.value eq "p{{n}}@{SLUG}.test"'))
    yield Work("lookup, miss", "L", scene.client, find('userName eq "nobody@acme.test"'))
    yield Work("get", "L", scene.client, get)
    yield Work("put, unchanged", "L", scene.client, put_unchanged)
    yield Work("put, changed", "I", scene.client, put_changed)
    yield Work("patch", "I", scene.client, patch_changed)
    yield Work("deactivate", "I", scene.client, deactivate, most=15)
    yield Work("create", "I", scene.client, create)
    yield Work("token", "L", scene.server.client, lambda http, _: request_token(http, scene.basic))


def page_work(scene: Scene) -> Iterator[Work]:
    """Yield pages of a hundred people by startIndex and by cursor: at the beginning, in the middle, at the end, and page after page.

    A walk by index begins in the middle: its average page is there.
    """

    def by_index(start: int) -> Send:
        return lambda http, _: http.send("GET", scene.path("/Users", startIndex=start, count=PAGE))

    def by_cursor(cursor: str) -> Send:
        return lambda http, _: http.send("GET", scene.path("/Users", cursor=cursor, count=PAGE))

    index, cursor = itertools.count(scene.people // 2, PAGE), ""

    def walk_by_index(http: KeepAlive, _: int) -> None:
        http.send("GET", scene.path("/Users", startIndex=1 + next(index) % scene.people, count=PAGE))

    def walk_by_cursor(http: KeepAlive, _: int) -> None:
        nonlocal cursor
        page = http.send("GET", scene.path("/Users", cursor=cursor, count=PAGE)).body
        cursor = json.loads(page).get("nextCursor", "")

    places = {"first": 0, "middle": scene.people // 2, "last": scene.people - PAGE}
    for place, passed in places.items():
        yield Work(f"page by index, {place}", "L", scene.client, by_index(1 + passed))
    for place, passed in places.items():
        yield Work(f"page by cursor, {place}", "L", scene.client, by_cursor(_cursor(scene, passed)))
    yield Work("walk by index, a page", "L", scene.client, walk_by_index)
    yield Work("walk by cursor, a page", "L", scene.client, walk_by_cursor)


def _cursor(scene: Scene, passed: int) -> str:
    """Return the cursor of the page after so many people: to walk there would take long."""
    from core_identity.models import Identity
    from scim.search.cursors import Question, next_cursor

    if not passed:
        return ""
    last = Identity.objects.filter(connection=scene.connection, pushed_at__isnull=False).order_by("created_at", "id")[
        passed - 1
    ]
    return next_cursor(last, Question(scene.connection, "User", None), scene.people)

"""The requests that are measured, each with its name and the ceiling that it is compared with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.keep_alive import KeepAlive
from benchmarks.scene import ENTERPRISE, PATCH, Scene, request_token, scim_id_of, user_document

Unit = Literal["L", "I"]


@dataclass(frozen=True)
class Work:
    """``send`` sends one request; the number tells it from all others of the run. ``requests`` is how many make a round."""

    name: str
    unit: Unit
    client: Callable[[], KeepAlive]
    send: Callable[[KeepAlive, int], object]
    requests: int = 100


def ceilings(client: Callable[[], KeepAlive]) -> Iterator[Work]:
    """Yield L and I themselves."""
    yield Work("L", "L", client, lambda http, n: http.send("GET", f"/look-up?name=entry%20{1 + n % 10_000}"), 200)
    yield Work("I", "I", client, lambda http, n: http.send("GET", f"/insert?name=new%20{n}"), 200)


def people_work(scene: Scene) -> Iterator[Work]:
    """Yield the requests about one person or a page of people."""

    def find(text: str) -> Callable[[KeepAlive, int], object]:
        """Look up by a filter as Okta does. ``{n}`` in it is the number of a person."""

        def send(http: KeepAlive, n: int) -> None:
            filled = text.replace("{n}", str(scene.known(n)))
            found = http.send("GET", scene.path("/Users", filter=filled, startIndex=1, count=100))
            if (b'"totalResults":1' in found.replace(b" ", b"")) is not ("{n}" in text):
                raise RuntimeError(f"{filled}: {found[:300]!r}")

        return send

    def get(http: KeepAlive, n: int) -> None:
        http.send("GET", scene.path(f"/Users/{scim_id_of(scene.known(n))}"))

    def create(http: KeepAlive, _: int) -> None:
        http.send("POST", scene.path("/Users"), user_document(next(scene.newcomers)), expect=201)

    def put_changed(http: KeepAlive, n: int) -> None:
        known = scene.known(n)
        http.send("PUT", scene.path(f"/Users/{scim_id_of(known)}"), user_document(known, title=f"Title {n}"))

    def put_unchanged(http: KeepAlive, n: int) -> None:
        """Send one of five people as they are. The first round, which is thrown away, makes them so."""
        known = 1 + n % 5
        http.send("PUT", scene.path(f"/Users/{scim_id_of(known)}"), user_document(known, title="Editor"))

    def patch(number: int, value: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        operations = [{"op": "replace", "value": value}]
        return "PATCH", scene.path(f"/Users/{scim_id_of(number)}"), {"schemas": [PATCH], "Operations": operations}

    def patch_changed(http: KeepAlive, n: int) -> None:
        http.send(*patch(scene.known(n), {"title": f"Other title {n}"}))

    def deactivate(http: KeepAlive, _: int) -> None:
        http.send(*patch(next(scene.leavers), {"active": False}))

    def page(start: int) -> Callable[[KeepAlive, int], object]:
        return lambda http, _: http.send("GET", scene.path("/Users", startIndex=start, count=100))

    yield Work("lookup by userName", "L", scene.client, find(f'userName eq "p{{n}}@{scene.connection.slug}.test"'))
    yield Work("lookup by externalId", "L", scene.client, find('externalId eq "e{n}"'))
    yield Work("lookup by UID", "L", scene.client, find(f'{ENTERPRISE}:UID eq "u{{n}}"'))
    yield Work("lookup by email", "L", scene.client, find(f'emails.value eq "p{{n}}@{scene.connection.slug}.test"'))
    yield Work("lookup, miss", "L", scene.client, find('userName eq "nobody@acme.test"'))
    yield Work("get", "L", scene.client, get)
    yield Work("put, unchanged", "L", scene.client, put_unchanged)
    yield Work("put, changed", "I", scene.client, put_changed, 50)
    yield Work("patch", "I", scene.client, patch_changed, 50)
    yield Work("deactivate", "I", scene.client, deactivate, 10)
    yield Work("create", "I", scene.client, create, 50)
    yield Work("page of 100, first", "L", scene.client, page(1), 20)
    yield Work("page of 100, last", "L", scene.client, page(scene.people - 99), 10)
    yield Work("token", "L", scene.server.client, lambda http, _: request_token(http, scene.basic), 20)

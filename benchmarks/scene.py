"""One customer of the product with many people, and clients that send as its IdP does."""

import base64
import hashlib
import itertools
import json
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import psycopg

from benchmarks.keep_alive import KeepAlive
from benchmarks.servers import Host, Server
from core_identity.values import Actor, ActorKind, Channel

if TYPE_CHECKING:
    from core_identity.models import Connection

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SLUG: Final = "acme"
UNCHANGED: Final = 5
STEP: Final = 20_000
ACTOR: Final = Actor(Channel.ADMIN, ActorKind.SYSTEM, "benchmark")


@dataclass
class Scene:
    """A connection with the people 1 to ``people`` as `benchmarks.seed` makes them, and a live access token of its OAuth client."""

    host: Host
    server: Server
    connection: "Connection"
    basic: str
    token: str
    people: int = 0
    newcomers: Iterator[int] = field(default_factory=lambda: itertools.count(10**9))
    leavers: Iterator[int] = field(default_factory=itertools.count)

    def client(self) -> KeepAlive:
        headers = {"Accept": "application/scim+json", "Content-Type": "application/scim+json"}
        return self.server.client(Authorization=f"Bearer {self.token}", **headers)

    def path(self, path: str, **query: str | int) -> str:
        return f"/scim/{SLUG}/v2{path}" + (f"?{urlencode(query)}" if query else "")

    def known(self, number: int) -> int:
        """Return the number of one of the people, scattered over all of them but for the last tenth, who leave, and the `unchanged` before them."""
        return 1 + number * 7919 % (self.people - self.people // 10 - UNCHANGED)

    def unchanged(self, number: int) -> int:
        """Return the number of one of a few people whom no other request changes."""
        return self.people - self.people // 10 - number % UNCHANGED

    def grow(self, people: int, *, analyse: bool = True) -> None:
        """Add people until there are so many. Without ``analyse`` PostgreSQL does not know that its tables have grown."""
        from benchmarks.bulk_load import bulk_load
        from benchmarks.seed import add_people

        # PostgreSQL would learn the number of rows from a new index.
        with bulk_load() if analyse else nullcontext():
            for first in range(self.people + 1, people + 1, STEP):
                add_people(self.connection, first, min(people, first + STEP - 1))
        self.people = people
        self.leavers = itertools.count(people, -1)
        self.host.settle(analyse=analyse)


def make_scene(host: Host, server: Server) -> Scene:
    """Make the customer, its connection, OAuth client and token. There is nobody yet."""
    import scim.connections
    from core_identity.services.connections import create_connection
    from core_identity.services.customers import create_customer

    customer = create_customer(actor=ACTOR, name="Acme")
    connection = create_connection(actor=ACTOR, customer=customer, slug=SLUG, name="Acme")
    secret = scim.connections.apply(connection, {}, rotate_secret=True)
    client_id = scim.connections.urls(connection)["client_id"]
    basic = "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    scene = Scene(host, server, connection, basic, request_token(server.client(), basic))
    with psycopg.connect(host.database.url) as database:  # a long measure outlives an access token
        database.execute("UPDATE oauth2_provider_accesstoken SET expires = expires + %s", [timedelta(days=30)])
    return scene


def request_token(client: KeepAlive, basic: str) -> str:
    form = urlencode({"grant_type": "client_credentials", "scope": "scim"}).encode()
    headers = {"Authorization": basic, "Content-Type": "application/x-www-form-urlencoded"}
    token: str = json.loads(client.send("POST", "/oauth/token/", form, **headers).body)["access_token"]
    return token


def scim_id_of(number: int) -> str:
    """Return the SCIM id of a seeded person, as `benchmarks.seed.scim_id` makes it in SQL."""
    return str(uuid.UUID(hashlib.md5(f"{SLUG} scim {number}".encode()).hexdigest()))  # noqa: S324


def user_document(number: int, **changes: Any) -> dict[str, Any]:
    """Return a User as Okta sends it, of a seeded person unless something is changed."""
    name = f"p{number}@{SLUG}.test"
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": name,
        "externalId": f"e{number}",
        "name": {"givenName": f"Given{number}", "familyName": f"Family{number}"},
        "emails": [{"primary": True, "value": name, "type": "work"}],
        "displayName": f"Given{number} Family{number}",
        "active": True,
        ENTERPRISE: {"UID": f"u{number}"},
        **changes,
    }


def patch_document(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def group_document(name: str, members: range) -> dict[str, Any]:
    """Return a Group of the people of these numbers, as Okta sends it."""
    listed = [{"value": scim_id_of(number), "display": f"p{number}@{SLUG}.test"} for number in members]
    return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": listed}

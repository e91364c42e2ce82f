"""One customer of the product with many people, and clients that send as its IdP does."""

import base64
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.keep_alive import KeepAlive
from benchmarks.servers import Server

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SLUG: Final = "acme"


@dataclass
class Scene:
    """A connection with the people 1 to ``people`` as `benchmarks.seed` makes them, and a live access token of its OAuth client."""

    server: Server
    connection: Any
    people: int
    basic: str
    token: str
    newcomers: Iterator[int] = field(init=False)
    leavers: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self.newcomers = itertools.count(10**9)
        self.leavers = itertools.count(self.people, -1)

    def client(self) -> KeepAlive:
        return self.server.client(
            Authorization=f"Bearer {self.token}",
            Accept="application/scim+json",
            **{"Content-Type": "application/scim+json"},
        )

    def path(self, path: str, **query: str | int) -> str:
        return f"/scim/{SLUG}/v2{path}" + (f"?{urlencode(query)}" if query else "")

    def known(self, number: int) -> int:
        """Return the number of one of the people, scattered over all of them but for the last tenth, who leave."""
        return 1 + number * 7919 % (self.people - self.people // 10)


def make_scene(server: Server, people: int) -> Scene:
    """Make the customer, its connection, OAuth client, token and people. Statistics are as after a night of autovacuum."""
    import scim.connections
    from benchmarks.seed import add_people
    from core_identity.services.connections import create_connection, create_customer
    from core_identity.values import Actor, ActorKind, Channel

    actor = Actor(Channel.ADMIN, ActorKind.SYSTEM, "benchmark")
    connection = create_connection(
        actor=actor, customer=create_customer(actor=actor, name="Acme"), slug=SLUG, name="Acme"
    )
    secret = scim.connections.apply(connection, {}, rotate_secret=True)
    client_id = scim.connections.urls(connection)["client_id"]
    basic = "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    scene = Scene(server, connection, people, basic, request_token(server.client(), basic))
    _extend_tokens()
    add_people(connection, 1, people)
    settle()
    return scene


def request_token(client: KeepAlive, basic: str) -> str:
    form = urlencode({"grant_type": "client_credentials", "scope": "scim"}).encode()
    headers = {"Authorization": basic, "Content-Type": "application/x-www-form-urlencoded"}
    token: str = json.loads(client.send("POST", "/oauth/token/", form, **headers))["access_token"]
    return token


def settle() -> None:
    """Do now what PostgreSQL would do in the background of the first measures."""
    from django.db import connection as database

    with database.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")


def scim_id_of(number: int) -> str:
    """Return the SCIM id of a seeded person, as `benchmarks.seed.scim_id` makes it in SQL."""
    import hashlib
    import uuid

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


def _extend_tokens() -> None:
    from django.utils import timezone
    from oauth2_provider.models import get_access_token_model

    get_access_token_model().objects.update(expires=timezone.now() + timedelta(days=30))

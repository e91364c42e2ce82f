"""The memory of a worker during an export in the administration (R34): ``python -m benchmarks.export_memory --events 1000000``.

`benchmarks.export_events` measures the command. `benchmarks.first_push` measures a worker during a walk of everybody and a PUT of a group.
"""

import argparse
import http.client
import time
from collections.abc import Iterator
from contextlib import closing

from benchmarks.export_events import fill
from benchmarks.scene import ACTOR
from benchmarks.servers import Server, host
from devtools.faults import say

PATH = "/admin/core_identity/event/export.jsonl"
PIECE = 1024 * 1024


def session_key() -> str:
    """Sign a new superuser in and return the key of the session."""
    from django.test import Client

    from core_identity.services.users import create_user

    client = Client()
    client.force_login(create_user(actor=ACTOR, username="exporter", is_staff=True, is_superuser=True))
    return str(client.session.session_key)


def pieces(server: Server, session: str) -> Iterator[bytes]:
    """Yield the parts of the file, as a browser receives them."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)) as connection:
        connection.request("GET", PATH, headers={"Host": f"localhost:{server.port}", "Cookie": f"session={session}"})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{PATH}: {answer.status} {answer.read(500)!r}")
        while piece := answer.read(PIECE):
            yield piece


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export_memory", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="(default %(default)s)")
    options = parser.parse_args()
    with host() as machine:
        from django.db import connection as database

        say("Starting …")
        product = machine.serve_product()
        session = session_key()
        say(f"Adding {options.events:,} events …")
        with database.cursor() as cursor:
            fill(cursor.execute, options.events)
        machine.settle()
        print(f"The worker has {product.resident() / 2**20:.0f} MB at the beginning.")
        began, size, lines, most = time.monotonic(), 0, 0, 0
        for piece in pieces(product, session):
            size, lines, most = size + len(piece), lines + piece.count(b"\n"), max(most, product.resident())
        print(
            f"{lines:,} events, {size / 2**20:.0f} MB: {time.monotonic() - began:.1f} s. The worker had {most / 2**20:.0f} MB at most."
        )


if __name__ == "__main__":
    main()

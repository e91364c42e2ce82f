"""The cost of an export of N and of 10 N events (R34): ``python -m benchmarks.export_events``."""

import argparse
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping

import psycopg

from devtools.checkout import this_checkout
from devtools.database import throwaway_database
from devtools.product import manage_command, migrate, product_environment

EVENTS = """
INSERT INTO core_identity_event (uuid, at, kind, channel, actor_kind, actor_id, actor, connection_slug, subject_type, subject, changes,
                                 reason, request_id)
SELECT gen_random_uuid(), now(), 'identity.changed', 'scim', 'scim_client', 'client', 'OAuth client of acme', 'acme', 'identity',
       'person ' || number, jsonb_build_object('title', jsonb_build_array('', repeat('x', 1000))), '', 'BENCHMARK'
FROM generate_series(1, %s) number
"""
BATCH = 50_000
"""Events of one statement: a statement has a limit of time."""


def fill(execute: Callable[..., object], events: int) -> None:
    """Add so many events of about 1.5 KB each; ``execute`` is that of a cursor or connection."""
    for first in range(0, events, BATCH):
        execute(EVENTS, [min(BATCH, events - first)])


def peak_of_export(environment: Mapping[str, str]) -> int:
    """Export all events in a process of its own; return the most memory that it held (KiB on Linux).

    All of its memory: a result set would lie with libpq, where Python's own counters do not look.
    """
    command = manage_command(this_checkout(), "events", "export", "--format", "jsonl")
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("The export failed.")
    return used.ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export_events")
    parser.add_argument("--events", type=int, default=100_000, metavar="N")
    few = parser.parse_args().events
    with throwaway_database(this_checkout()) as database, psycopg.connect(database.url, autocommit=True) as connection:
        environment = product_environment(this_checkout(), database, SECRET_KEY=secrets.token_urlsafe(50))
        migrate(this_checkout(), environment)
        peaks: list[int] = []
        for events in (few, 10 * few):
            fill(connection.execute, events - (few if peaks else 0))
            began = time.monotonic()
            peaks.append(peak_of_export(environment))
            print(f"{events:>12,} events: {time.monotonic() - began:6.1f} s, {peaks[-1]:,} KiB at most")
    print(f"Ten times the events, {peaks[1] / peaks[0]:.2f} times the memory.")


if __name__ == "__main__":
    main()

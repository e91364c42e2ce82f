from typing import Any
import cProfile, pstats, time, os, glob, io
import pytest
from tests.scim.conftest import ENTERPRISE, Scim, person


def pg_cpu(pid: int) -> float:
    f = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.django_db(transaction=True)
def test_show(okta: Scim, settings: Any) -> None:
    settings.SCIM_WRITES_PER_MINUTE = 1000000
    settings.SCIM_READS_PER_MINUTE = 1000000
    import logging
    logging.disable(logging.CRITICAL)
    from django.db import connection as dbc
    with dbc.cursor() as c:
        c.execute("select pg_backend_pid()"); pid = c.fetchone()[0]
    n = iter(range(100000))
    def body(i: int) -> Any:
        return {**person(f"p{i}.q@acme.test"), "externalId": f"e{i}", ENTERPRISE: {"UID": f"u{i}"}}
    made = okta.post("/Users", body(next(n))).json()
    p = f"/Users/{made['id']}"
    b0 = body(0)
    def flip() -> Any:
        return okta.put(p, {**b0, "title": f"T{next(n)}"})
    okta.put(p, b0)
    works = {
        "get": lambda: okta.get(p), "put unchanged": lambda: okta.put(p, b0), "create": lambda: okta.post("/Users", body(next(n))),
        "patch unchanged": lambda: okta.patch(p, {"op": "replace", "path": "userName", "value": "p0.q@acme.test"}),
        "put changed": flip,
        "patch changed": lambda: okta.patch(p, {"op": "replace", "path": "title", "value": f"P{next(n)}"}),
        "deactivate+re": lambda: (okta.patch(p, {"op": "replace", "value": {"active": False}}), okta.patch(p, {"op": "replace", "value": {"active": True}}))[1],
    }
    N = 150
    for name, work in works.items():
        for _ in range(10): work()
        t, q = time.process_time(), pg_cpu(pid)
        for _ in range(N): a = work()
        t, q = time.process_time() - t, pg_cpu(pid) - q
        print(f"===== {name}: {a.status_code} python {t / N * 1000:.2f} ms, postgres {q / N * 1000:.2f} ms")
    for name in os.environ.get("PROF", "create,put unchanged").split(","):
        pr = cProfile.Profile(); pr.enable()
        for _ in range(100): works[name]()
        pr.disable()
        s = io.StringIO(); pstats.Stats(pr, stream=s).sort_stats("cumtime").print_stats(70)
        print("#####", name); print(s.getvalue())
